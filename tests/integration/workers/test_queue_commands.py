"""`spool queues`, typed as who runs Spool types it."""

import json

import pytest

from app.jobs import queue_letters
from app.jobs.service import NewTask
from tests.integration.typed import set_environment, spool
from tests.integration.workers.conftest import Submit
from tests.integration.workers.sqs_side import SqsSide


@pytest.fixture
def here(sqs_side: SqsSide, monkeypatch: pytest.MonkeyPatch) -> SqsSide:
    """The settings of a worker are in the environment."""
    set_environment(monkeypatch, sqs_side.settings)
    return sqs_side


async def test_queues_are_listed_with_their_dead_letters(here: SqsSide) -> None:
    here.bury("{")
    here.send("waits")
    listed = await spool("queues", "list")
    assert listed.status == 0, listed.err
    [row] = [line.split() for line in listed.out.splitlines() if here.name() in line.split()]
    assert row == [here.name(), "1", "0", "1"]
    assert "queues dead-letters" in listed.err
    as_json = (await spool("queues", "list", "--json")).json()
    assert len(as_json["items"]) == 6
    assert {
        "queue": here.name(),
        "visible": 1,
        "in_flight": 0,
        "dead": 1,
    } in as_json["items"]


async def test_dead_letters_are_explained(here: SqsSide, submit: Submit) -> None:
    ids = await submit(NewTask("noop"))
    here.bury("{", json.dumps({"task_id": ids["noop"], "kind": "noop"}))
    told = await spool("queues", "dead-letters", here.name())
    assert told.status == 0, told.err
    assert "The body is not JSON; Spool did not send it." in told.out
    assert f"task {ids['noop']}, received" in told.out
    assert f"queues redrive {here.name()}" in told.err
    items = (await spool("queues", "dead-letters", here.name(), "--json")).json()["items"]
    [waiting] = [item for item in items if item["task_id"]]
    assert len(items) == 2
    assert waiting["task"] == {"state": "ready", "attempt": 0, "rung_at": None}
    assert waiting["receives"] > 3
    none = await spool("queues", "dead-letters", here.name("encode"))
    assert (none.status, none.out) == (0, "")
    assert "No dead letters." in none.err


async def test_dead_letters_are_sent_again_one_or_all(here: SqsSide) -> None:
    here.bury("this", "that", "and that")
    letters = queue_letters.look(here.sqs, here.name(), limit=10)
    [this] = [letter.id for letter in letters if letter.body == "this"]
    one = await spool("queues", "redrive", here.name(), this)
    assert one.out == f"1 dead letter is in {here.name()} again.\n", one.err
    assert [message.body for message in here.take(here.name())] == ["this"]
    told = await spool("queues", "redrive", here.name())
    assert told.out == f"SQS is moving about 2 dead letters to {here.name()}.\n", told.err
    assert here.total(dead=True) == 0
    every = await spool("queues", "redrive", here.name(), "--json")
    assert every.json() == {"redriven": 0, "approximate": False}


async def test_what_cannot_be_is_told_in_a_sentence(
    here: SqsSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = await spool("queues", "dead-letters", "spool-heavy-normal")
    assert (unknown.status, unknown.out) == (2, "")
    assert "There is no queue spool-heavy-normal." in unknown.err
    assert here.name() in unknown.err

    away = here.settings.model_copy(update={"sqs_endpoint_url": "http://127.0.0.1:9"})
    set_environment(monkeypatch, away)
    gone = await spool("queues", "list")
    assert (gone.status, gone.out) == (1, "")
    assert gone.err.startswith("error: SQS: ")

    nowhere = here.settings.model_copy(update={"sqs_queue_prefix": "nobodys"})
    set_environment(monkeypatch, nowhere)
    missing = await spool("queues", "list")
    assert missing.status == 1
    assert "There is no queue nobodys-encode-high." in missing.err
    assert "docs/queues.md" in missing.err

    monkeypatch.setenv("SPOOL_QUEUE", "postgres")
    other = await spool("queues", "list")
    assert other.status == 2
    assert "SPOOL_QUEUE is postgres" in other.err

    monkeypatch.delenv("SPOOL_DATABASE_URL")
    unset = await spool("queues", "list")
    assert unset.status == 2
    assert "database_url" in unset.err
    assert "Traceback" not in unset.err
