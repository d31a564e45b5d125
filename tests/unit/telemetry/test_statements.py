import pytest

from app.foundation.db.spans import _said, _summary


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT assets.id, assets.title \nFROM assets WHERE assets.id = $1", "SELECT assets"),
        ("INSERT INTO uploads (id) VALUES ($1) RETURNING uploads.id", "INSERT uploads"),
        ("UPDATE tasks SET state=$1 FROM jobs WHERE tasks.id = $2", "UPDATE tasks"),
        ("DELETE FROM idempotent_answers WHERE expires_at < now()", "DELETE idempotent_answers"),
        ("SELECT pg_notify($1, $2)", "SELECT"),
        ("LOCK TABLE tasks", "LOCK"),
    ],
)
def test_a_statement_in_two_words(statement: str, said: str) -> None:
    assert _said(statement) == said


def test_a_summary_says_each_once_and_is_short() -> None:
    assert _summary(["SELECT a", "UPDATE b", "SELECT a"]) == "SELECT a, UPDATE b"
    assert len(_summary([f"SELECT table_{number}" for number in range(100)])) == 255
