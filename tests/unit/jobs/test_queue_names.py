"""The names are stated twice: here, and for whoever makes the queues."""

import re
from pathlib import Path

from app.jobs.catalog import PRIORITY_HIGH, PRIORITY_LOW, PRIORITY_NORMAL
from app.jobs.queue_names import Band, band_of, dead_letter_name, every_queue

_PAGE = Path(__file__).parents[3] / "docs" / "queues.md"


def test_the_page_names_the_queues_that_there_are() -> None:
    named = re.findall(r"^\| `(spool-\S+)` \| `(\S+)` \|$", _PAGE.read_text(), re.MULTILINE)
    assert named == [(name, dead_letter_name(name)) for name in every_queue("spool")]


def test_a_name_fits_into_what_sqs_allows() -> None:
    assert max(len(dead_letter_name(name)) for name in every_queue("p" * 40)) <= 80


def test_bands_follow_the_priority_whatever_a_job_adds_to_it() -> None:
    assert band_of(PRIORITY_HIGH) is band_of(1000) is Band.HIGH
    assert band_of(PRIORITY_NORMAL) is band_of(PRIORITY_HIGH - 1) is Band.NORMAL
    assert band_of(PRIORITY_LOW) is band_of(-1000) is Band.LOW
