"""Texts that people type, made fit for a database, a page and a terminal."""

import unicodedata

# Cc: control characters, with NUL, which PostgreSQL refuses. Cs: lone surrogates.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs"})
# These turn the direction of what follows, so that `gpj.exe` reads as `exe.jpg` (UAX #9).
_BIDI_CONTROLS = frozenset(
    "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)

MAX_TITLE_CHARS = 200
MAX_FILENAME_CHARS = 200


def clean_text(text: str) -> str:
    """Text of several lines: line ends and tabs stay, other control characters go."""
    return "".join(c for c in unicodedata.normalize("NFC", text) if c in "\n\t" or _shows(c))


def clean_line(text: str) -> str:
    """Text of one line: runs of white space become one space."""
    return " ".join(clean_text(text).split())


def clean_filename(name: str) -> str:
    """The name of a file to show: its last segment, without what could mislead.

    The name never becomes part of a key or a path. Too long names lose their middle part, so that
    the ending stays.
    """
    last = clean_line(name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1])
    if not last.strip(". "):
        return "video"
    if len(last) <= MAX_FILENAME_CHARS:
        return last
    stem, dot, ending = last.rpartition(".")
    if not dot or len(ending) > 16:
        return last[:MAX_FILENAME_CHARS]
    return stem[: MAX_FILENAME_CHARS - len(ending) - 1] + "." + ending


def title_of(filename: str) -> str:
    """A first title for who gave none: the file's name without its ending."""
    stem, dot, _ = filename.rpartition(".")
    return (stem if dot and stem else filename)[:MAX_TITLE_CHARS]


def _shows(character: str) -> bool:
    return (
        unicodedata.category(character) not in _REFUSED_CATEGORIES
        and character not in _BIDI_CONTROLS
    )
