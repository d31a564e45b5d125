"""What the library of stacks decides purely."""

import json
import re
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.names import LOAD_BALANCER, Names, fitted
from infra.stacks.bootstrap import bootstrap
from infra.stacks.branches import end_of, is_branch, stack_name
from infra.stacks.errors import BackendAway, StackFailed, StackInvalid, UpdateFailed, explained
from infra.stacks.images import previous, unpinned

_NOW = datetime(2026, 11, 27, tzinfo=UTC)


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_branches_have_short_names_of_their_own(one: str, other: str) -> None:
    try:
        first, second = stack_name(one), stack_name(other)
    except ValueError:
        return
    assert is_branch(first)
    assert len(first) <= 16
    assert first == first.lower()
    assert (first == second) == (one == other)
    # A load balancer's name is the shortest that AWS takes.
    assert len(Names("spool", first).of("api", longest=LOAD_BALANCER)) <= LOAD_BALANCER


@given(st.text(st.characters(codec="ascii"), min_size=1, max_size=200), st.integers(12, 100))
def test_names_fit_and_stay_two(name: str, longest: int) -> None:
    assert len(fitted(name, longest)) <= longest
    assert fitted(name, longest) != fitted(name + "x", longest)


def test_spans() -> None:
    assert end_of("12h", _NOW) == _NOW + timedelta(hours=12)
    assert end_of("3d", _NOW) == _NOW + timedelta(days=3)
    for wrong in ("3", "3w", "-1d", "0h", "31d"):
        with pytest.raises(ValueError, match=r"12h or 3d|30 days"):
            end_of(wrong, _NOW)


def test_which_images_are_the_previous_ones() -> None:
    old, new = {"apiImage": "a@1"}, {"apiImage": "a@2"}
    history = [("succeeded", new), ("failed", {"apiImage": "a@3"}), ("succeeded", old)]
    assert previous(history, new) == old
    assert previous(history[:2], new) is None
    assert unpinned({"apiImage": "a:1", "workerImage": "w@sha256:" + "0" * 64}) == ["a:1"]


@pytest.mark.parametrize(
    ("text", "failures", "kind", "words"),
    [
        (
            "operation error S3: GetObject, get credentials: failed to refresh cached credentials",
            None,
            BackendAway,
            "state of dev",
        ),
        ("error: whatever", None, BackendAway, "could not say anything of dev: error: whatever"),
        ("error: whatever", [], UpdateFailed, "whatever"),
        ("this cannot work", ["Topic t: no"], UpdateFailed, "Topic t: no"),
        (
            "x\nThe configuration of stack dev cannot work:\n  - zones\n\nmore",
            [],
            StackInvalid,
            "^The configuration of stack dev cannot work:\n  - zones$",
        ),
    ],
)
def test_errors_are_of_the_kind_that_helps(
    text: str, failures: list[str] | None, kind: type[StackFailed], words: str
) -> None:
    found = explained(RuntimeError(text), "dev", failures)
    assert type(found) is kind
    assert re.search(words, str(found))


def test_the_backend_is_made_once(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    first = bootstrap("spool-state", "eu-west-1", moto_url)
    assert bootstrap("spool-state", "eu-west-1", moto_url) == first
    assert first.backend_url == "s3://spool-state?region=eu-west-1&awssdk=v2"
    s3 = boto3.client("s3", region_name="eu-west-1", endpoint_url=moto_url)
    assert s3.get_bucket_versioning(Bucket="spool-state")["Status"] == "Enabled"
    policy = json.loads(s3.get_bucket_policy(Bucket="spool-state")["Policy"])
    assert policy["Statement"][0]["Effect"] == "Deny"
    kms = boto3.client("kms", region_name="eu-west-1", endpoint_url=moto_url)
    assert len(kms.list_keys()["Keys"]) == 1
