"""Keeps secrets out of logs and spans, whoever lets them slip."""

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"
_SHORTEST = 12
# Members that are made here, in each line, of what can be no secret.
_PLAIN = frozenset(
    {"timestamp", "level", "service", "trace_id", "span_id", "method", "route", "task_id"}
)

# Names of members whose value is a secret whatever it looks like.
_SECRET_NAME = re.compile(
    r"passw|secret|credential|authorization|cookie|signature|private_?key|api_?key(?!_id)"
    r"|signing_?key(?!_id)|(?:^|_)token$|refresh_token|access_token(?!_seconds)",
    re.IGNORECASE,
)
# What looks like a secret wherever it stands. Each alternative keeps what tells what it was.
_SECRET_TEXT = re.compile(
    # Authorization: the scheme stays
    r"(?P<scheme>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]+"
    # user:password in a URL
    r"|(?P<userinfo>://[^/\s:@]*:)[^@\s/]+(?=@)"
    # parameters of signed URLs, of ours and of AWS's (SigV4, CloudFront)
    r"|(?P<parameter>\b(?:token|sig|signature|x-amz-signature|x-amz-credential"
    r"|x-amz-security-token|key-pair-id|password|secret)=)[^&\s\"'<>]+"
    r"|(?P<policy>\bpolicy=)[A-Za-z0-9_~-]{32,}"
    # a member of a JSON or Python literal
    r"|(?P<member>[\"'](?:password|secret|token|access_token|refresh_token|api_key)[\"']\s*:\s*)"
    r"(?:\"[^\"]*\"|'[^']*')"
    # API keys of ours; the hint that people see stays
    r"|(?P<key>\bspool_[A-Za-z0-9]{4})[A-Za-z0-9]{16,}"
    # JSON Web Tokens
    r"|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
    # signed tokens of ours: key id, expiry in hex, claims, 16 bytes of mac
    r"|\b[A-Za-z0-9_-]{1,32}\.[0-9a-f]{8,11}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])"
    # keys of AWS
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """The text without what looks like a secret."""
    return _SECRET_TEXT.sub(_kept, text) if len(text) >= _SHORTEST else text


def redact_members(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a log line, or of a mapping within one, without secrets."""
    return {
        name: value if name in _PLAIN else _clean(name, value) for name, value in members.items()
    }


def _clean(name: str, value: Any) -> Any:
    match value:
        case str():
            return REDACTED if value and _SECRET_NAME.search(name) else redact(value)
        case bool() | int() | float() | None:
            return value
        case bytes():
            return REDACTED if _SECRET_NAME.search(name) else redact(value.decode("latin-1"))
        case Mapping():
            return {str(key): _clean(str(key), each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(name, each) for each in value]
        case _:
            return _clean(name, str(value))


def _kept(match: re.Match[str]) -> str:
    kept = next((group for group in match.groups() if group), "")
    return f"{kept}{REDACTED}"
