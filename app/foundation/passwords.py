"""Passwords as Argon2id hashes (RFC 9106), made beside the event loop and a few at a time."""

import asyncio
import unicodedata
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError

from app.foundation.db.ids import random_id
from app.foundation.errors import Unavailable

R = TypeVar("R")


class Passwords:
    """Hashes and verifies.

    RFC 9106's second choice: 64 MiB, three passes, four lanes. What is at work at once bounds the
    memory, and who would wait behind too many others is sent away instead.

    Args:
        at_once: Hashes worked on at once.
        waiting: How many more may wait.
    """

    def __init__(self, *, at_once: int = 2, waiting: int = 32) -> None:
        self._hasher = PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)
        self._slots = asyncio.Semaphore(at_once)
        self._room = at_once + waiting
        self._inside = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to store, with its parameters and salt.

        Raises:
            Unavailable: too many are waiting.
        """
        return await self._aside(self._hasher.hash, _normal(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password is the stored one.

        Args:
            stored: A hash; None for an account that does not exist, which takes as long.

        Raises:
            Unavailable: too many are waiting.
        """
        if stored is not None:
            return await self._aside(self._matches, stored, _normal(password))
        if self._nobody is None:
            self._nobody = await self._aside(self._hasher.hash, random_id())
        await self._aside(self._matches, self._nobody, _normal(password))
        return False

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _aside(self, work: Callable[..., R], *args: str) -> R:
        if self._inside >= self._room:
            raise Unavailable(
                "unavailable", "Too many sign-ins at once. Try again.", headers={"Retry-After": "2"}
            )
        self._inside += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work, *args)
        finally:
            self._inside -= 1


def _normal(password: str) -> str:
    """One form for what keyboards write in several (RFC 8265 asks for NFC)."""
    return unicodedata.normalize("NFC", password)
