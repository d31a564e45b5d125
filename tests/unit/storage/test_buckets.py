"""Which bucket an object lies in."""

from app.foundation.storage.buckets import Buckets

BUCKETS = Buckets("rest", {"big/": "one", "small/": "two", "other/": "one"})


def test_a_key_has_one_bucket() -> None:
    assert [BUCKETS.of(key) for key in ("big/a", "small/a", "bigger/a", "a")] == [
        "one",
        "two",
        "rest",
        "rest",
    ]


def test_a_prefix_has_all_that_may_hold_its_keys() -> None:
    assert set(BUCKETS.under("")) == {"rest", "one", "two"}
    assert set(BUCKETS.under("big")) == {"rest", "one"}
    assert BUCKETS.under("big/a/") == ("one",)


def test_each_is_named_once() -> None:
    assert BUCKETS.names == ("rest", "one", "two")
