"""What a person sees when it goes wrong, and what a script gets."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from tests.unit.cli.conftest import Server

PROBLEM = {
    "title": "The request does not fit the schema",
    "status": 422,
    "detail": "limit must be at most 200",
    "code": "validation_failed",
    "correlation_id": "cor_123",
    "errors": [{"parameter": "state", "detail": "Invalid enum value [b]'no'[/b]"}],
}


def run(server: str, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["--server", server, "--api-key", "k", *words])
    return done.exit_code, done.stdout, done.stderr


def test_a_problem_becomes_sentences(server: Server) -> None:
    server.answer = lambda _: (422, PROBLEM)
    status, out, err = run(server.url, "assets", "--state", "no")
    assert status == 1
    assert out == ""
    assert "error: limit must be at most 200" in err
    # As it came: nothing in it is markup.
    assert "state: Invalid enum value [b]'no'[/b]" in err
    assert "cor_123" in err
    assert "Traceback" not in err


def test_a_missing_key_says_where_keys_come_from(server: Server) -> None:
    server.answer = lambda _: (401, {"title": "No credentials", "code": "credentials_missing"})
    status, _, err = run(server.url, "jobs")
    assert status == 1
    assert "SPOOL_API_KEY" in err


def test_an_answer_that_is_no_problem_document(server: Server) -> None:
    server.answer = lambda _: (502, {})
    status, _, err = run(server.url, "jobs")
    assert status == 1
    assert "The server answered 502" in err


def test_nobody_there_is_status_3() -> None:
    status, out, err = run("http://127.0.0.1:9", "assets")
    assert (status, out) == (3, "")
    assert "Nothing answers at http://127.0.0.1:9" in err
    assert "spool up" in err


@pytest.mark.parametrize(
    "words", [("nonsense",), ("show", "zzz_1"), ("retry", "upl_1"), ("assets", "--limit", "0")]
)
def test_what_cannot_be_right_is_status_2(server: Server, words: tuple[str, ...]) -> None:
    status, out, err = run(server.url, *words)
    assert (status, out) == (2, "")
    assert err
    assert not server.received


def test_a_missing_file_is_status_2(server: Server, tmp_path: Path) -> None:
    status, _, err = run(server.url, "upload", str(tmp_path / "no.mp4"), str(tmp_path))
    assert status == 2
    assert "There is no file" in err
    assert "is a folder" in err
    assert server.paths("POST") == []


def test_json_goes_to_standard_output_alone(server: Server) -> None:
    server.answer = lambda _: (200, {"items": [{"id": "key_1", "name": "ü"}], "next_cursor": None})
    status, out, err = run(server.url, "keys", "list", "--json")
    assert status == 0
    assert json.loads(out) == {"items": [{"id": "key_1", "name": "ü"}]}
    assert err == ""


def test_lists_go_on_over_pages(server: Server) -> None:
    pages = {"None": (["a", "b"], "next"), "next": (["c", "d"], None)}

    def answer(request: object) -> tuple[int, dict[str, object]]:
        path = server.received[-1].path
        names, following = pages["next" if "cursor=next" in path else "None"]
        return 200, {"items": [{"id": name} for name in names], "next_cursor": following}

    server.answer = answer
    _, out, _ = run(server.url, "keys", "list", "--json", "--limit", "3")
    assert [item["id"] for item in json.loads(out)["items"]] == ["a", "b", "c"]
