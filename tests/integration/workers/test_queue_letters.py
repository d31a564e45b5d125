"""Dead letters of SQS, looked into and sent again."""

import json

from app.foundation.db.database import Database
from app.foundation.sqs import Received
from app.jobs import queue_letters
from app.jobs.queue_letters import Redriven
from app.jobs.queues import make_sqs
from app.jobs.service import NewTask
from tests.integration.workers.conftest import Submit, Until
from tests.integration.workers.sqs_side import SqsSide
from tests.servers.sqs_proxy import SqsProxy


async def test_a_letter_tells_what_it_is_and_stays_where_it_is(
    sqs_side: SqsSide, submit: Submit, database: Database
) -> None:
    ids = await submit(NewTask("noop"))
    waiting = json.dumps({"task_id": ids["noop"], "kind": "noop"})
    sqs_side.bury("{", waiting, json.dumps({"task_id": "tsk_gone", "kind": "noop"}))
    for _ in range(2):
        messages = queue_letters.look(sqs_side.sqs, sqs_side.name(), limit=10)
        async with database.dispatch() as tx:
            letters = await queue_letters.explain(tx, sqs_side.name(), messages)
        assert {letter.why.partition(";")[0].partition(".")[0] for letter in letters} == {
            "The body is not JSON",
            "The task still waits",
            "The task is gone",
        }
        assert all(letter.message.receives >= 3 for letter in letters)
    [counted] = [
        each
        for each in queue_letters.count_all(sqs_side.sqs, sqs_side.settings.sqs_queue_prefix)
        if each.queue == sqs_side.name()
    ]
    assert (counted.visible, counted.dead) == (0, 3)


async def test_one_letter_is_sent_again_as_it_was(sqs_side: SqsSide) -> None:
    sqs_side.bury("this", "that")
    letters = queue_letters.look(sqs_side.sqs, sqs_side.name(), limit=10)
    [this] = [letter.id for letter in letters if letter.body == "this"]
    assert queue_letters.redrive(
        sqs_side.sqs, sqs_side.name(), message_ids=frozenset({this})
    ) == Redriven(1)
    assert [message.body for message in sqs_side.take(sqs_side.name())] == ["this"]
    [left] = queue_letters.look(sqs_side.sqs, sqs_side.name(), limit=10)
    assert left.body == "that"


async def test_all_letters_are_sent_again(sqs_side: SqsSide, until: Until) -> None:
    sqs_side.bury(*(f"letter {n}" for n in range(10)))
    assert queue_letters.redrive(sqs_side.sqs, sqs_side.name()) == Redriven(10, by_sqs=True)
    await until(lambda: sqs_side.sqs.depth(sqs_side.name()).visible == 10)
    assert sqs_side.total(dead=True) == 0


async def test_what_a_server_cannot_move_is_moved_by_hand(sqs_side: SqsSide) -> None:
    sqs_side.bury(*(f"letter {n}" for n in range(12)))
    address = "http://{}:{}".format(*sqs_side.address)
    with SqsProxy(address, unsupported="StartMessageMoveTask") as proxy:
        before = make_sqs(
            sqs_side.settings.model_copy(update={"sqs_endpoint_url": proxy.url}), connections=1
        )
        assert queue_letters.redrive(before, sqs_side.name()) == Redriven(12)
        before.close()
    found: list[Received] = []
    while messages := sqs_side.take(sqs_side.name()):
        found += messages
    assert sorted(message.body for message in found) == sorted(f"letter {n}" for n in range(12))
    assert sqs_side.total(dead=True) == 0
