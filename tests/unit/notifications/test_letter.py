from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.notifications.mail.letter import Facts, LetterWriter, one_line, subject_of

NOW = datetime(2031, 5, 4, 12, 0, tzinfo=UTC)
# As long as ours are.
LINK = "https://spool.example/v1/members/unsubscribe?token=k." + "x" * 230
READY = Facts(
    event_id="evt_1",
    type="asset.ready",
    user_id="usr_1",
    name="Ada",
    email="ada@example.org",
    project="Holidays",
    asset_id="ast_1",
    title="Opening night",
    occurred_at=NOW,
    why="you uploaded this video",
    unsubscribe_url=LINK,
    watch_url="https://spool.example/watch/4m9x",
    duration="12:04",
    heights=("1080p", "720p"),
)
FAILED = replace(
    READY,
    type="asset.failed",
    error_code="truncated",
    error_message="The file ends too early. Upload it again.",
)
writer = LetterWriter("Spool <spool@mail.example>")


def arrive(facts: Facts) -> EmailMessage:
    """As a mail program reads it."""
    raw = writer.write(facts, now=NOW).as_bytes()
    return message_from_bytes(raw, policy=default)


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text


def test_it_says_that_a_video_is_ready_and_where() -> None:
    mail = arrive(READY)
    assert mail.get_content_type() == "multipart/alternative"
    assert mail["Subject"] == '"Opening night" is ready'
    for kind in ("plain", "html"):
        assert "https://spool.example/watch/4m9x" in body(mail, kind)
        assert "12:04" in body(mail, kind)
        assert "you uploaded this video" in body(mail, kind)


def test_it_says_why_a_video_failed_and_what_to_do() -> None:
    mail = arrive(FAILED)
    assert mail["Subject"] == '"Opening night" could not be processed'
    for kind in ("plain", "html"):
        assert "The file ends too early. Upload it again." in body(mail, kind)
        assert "spool retry ast_1" in body(mail, kind)


def test_a_file_that_never_arrived_cannot_be_tried_again() -> None:
    mail = arrive(replace(FAILED, error_code="upload_expired"))
    assert mail["Subject"] == '"Opening night" could not be uploaded'
    for kind in ("plain", "html"):
        assert "spool retry" not in body(mail, kind)
        assert "spool upload" in body(mail, kind)


def test_a_signed_video_is_not_opened_by_mail() -> None:
    mail = arrive(replace(READY, watch_url=None))
    for kind in ("plain", "html"):
        assert "/watch/" not in body(mail, kind)
        assert "signed" in body(mail, kind)


def test_programs_can_tell_it_and_end_it() -> None:
    raw = writer.write(READY, now=NOW).as_bytes()
    assert b"Message-ID: <evt_1.usr_1@mail.example>\r\n" in raw
    assert b"X-Spool-Event-Id: evt_1\r\n" in raw
    assert b"Auto-Submitted: auto-generated\r\n" in raw
    # Neither folded nor encoded, long as it is.
    assert f"List-Unsubscribe: <{LINK}>\r\n".encode() in raw
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_a_title_cannot_begin_a_header_nor_markup() -> None:
    evil = 'x\r\nBcc: all@example.org\n\n<script>alert(1)</script>"'
    mail = arrive(replace(READY, title=evil, name="A\r\nBcc: b@example.org", project="<i>"))
    assert mail["Bcc"] is None
    assert [address.addr_spec for address in mail["To"].addresses] == ["ada@example.org"]
    assert "<script>" not in body(mail, "html")
    assert "<i>" not in body(mail, "html")
    assert "&lt;script&gt;" in body(mail, "html")


@given(st.text(max_size=300), st.text(max_size=100))
def test_any_title_and_any_name_make_a_mail(title: str, name: str) -> None:
    surrogates = any("\ud800" <= each <= "\udfff" for each in title + name)
    if surrogates:
        return  # PostgreSQL keeps none.
    facts = replace(READY, title=title, name=name)
    mail = arrive(facts)
    assert len(mail["To"].addresses) == 1
    assert mail.keys() == arrive(READY).keys()
    assert " ".join(mail["Subject"].split()) == " ".join(subject_of(facts).split())


def test_a_subject_stays_short() -> None:
    assert len(subject_of(replace(READY, title="x" * 500))) < 150


@pytest.mark.parametrize("email", ["a,b@example.org", "<a@example.org>", "a b@example.org", ""])
def test_what_is_no_address_makes_no_mail(email: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        writer.write(replace(READY, email=email), now=NOW)


def test_one_line() -> None:
    assert one_line(" a\r\n\tb\u2028c\x00 ") == "a b c"
