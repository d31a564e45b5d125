"""Sealed answers and passwords."""

import asyncio
from itertools import pairwise

import pytest

from app.accounts.models import Role
from app.accounts.roles import SCOPES_OF
from app.foundation.auth import SCOPES
from app.foundation.errors import Unavailable
from app.foundation.passwords import Passwords
from app.foundation.sealing import CannotOpen, Sealer

KEYS = {"old": b"o" * 32, "new": b"n" * 32}


def test_what_was_sealed_opens_for_the_same_context_only() -> None:
    sealer = Sealer(KEYS, "new")
    sealed = sealer.seal(b"secret", "prj_1 key")
    assert b"secret" not in sealed
    assert sealer.open(sealed, "prj_1 key") == b"secret"
    with pytest.raises(CannotOpen):
        sealer.open(sealed, "prj_2 key")


def test_rotated_keys_still_open_and_lost_ones_do_not() -> None:
    sealed = Sealer(KEYS, "old").seal(b"secret", "c")
    assert Sealer(KEYS, "new").open(sealed, "c") == b"secret"
    with pytest.raises(CannotOpen):
        Sealer({"new": KEYS["new"]}, "new").open(sealed, "c")


@pytest.mark.parametrize("at", [4, 16, -1])
def test_damage_is_noticed(at: int) -> None:
    sealed = bytearray(Sealer(KEYS, "new").seal(b"secret", "c"))
    sealed[at] ^= 1
    with pytest.raises(CannotOpen):
        Sealer(KEYS, "new").open(bytes(sealed), "c")


@pytest.mark.parametrize("text", [b"", b"new", b"new\0", b"\xff\0abc"])
def test_what_was_never_sealed_does_not_open(text: bytes) -> None:
    with pytest.raises(CannotOpen):
        Sealer(KEYS, "new").open(text, "c")


async def test_a_password_matches_however_the_keyboard_writes_it() -> None:
    passwords = Passwords()
    stored = await passwords.hash("caf\u00e9 au lait")
    assert stored.startswith("$argon2id$")
    assert not passwords.outdated(stored)
    assert await passwords.verify(stored, "cafe\u0301 au lait")
    assert not await passwords.verify(stored, "cafe au lait")
    assert not await passwords.verify(None, "caf\u00e9 au lait")
    assert not await passwords.verify("no hash at all", "caf\u00e9 au lait")


async def test_who_would_wait_too_long_is_sent_away() -> None:
    passwords = Passwords(at_once=1, waiting=1)
    outcomes = await asyncio.gather(
        *(passwords.hash("a password") for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 2
    assert sum(isinstance(outcome, Unavailable) for outcome in outcomes) == 2


def test_a_higher_role_may_all_that_a_lower_one_may() -> None:
    ladder = [SCOPES_OF[role] for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER)]
    assert all(lower <= higher for lower, higher in pairwise(ladder))
    assert SCOPES_OF.keys() == set(Role)
    assert SCOPES_OF[Role.OWNER] == SCOPES
