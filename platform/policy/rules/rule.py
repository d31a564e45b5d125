"""What a rule is: a name, a sentence, and a pure function over all resources of a stack."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

Properties = Mapping[str, Any]


class Unknown(Enum):
    """The value that only an update will tell.

    It counts as set and is judged once it is known; else every new stack's preview would fail.
    """

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


@dataclass(frozen=True)
class Resource:
    """A resource as it is about to be.

    Args:
        type, name: Its type token and logical name.
        properties: Plain values; `UNKNOWN` for what is not known yet.
        protected: The engine refuses to delete it.
        urn: What the engine calls it; violations are shown beside it.
    """

    type: str
    name: str
    properties: Properties
    protected: bool = False
    urn: str | None = None

    def get(self, *path: str) -> Any:
        """A property by its path; the first item stands for a list of one. None if missing."""
        return dig(self.properties, *path)


@dataclass(frozen=True)
class Stack:
    """All resources of a stack, and what it is.

    Args:
        preset: `prod` is held to more.
        eu_residency: No region outside the EU.
    """

    resources: Sequence[Resource]
    preset: str = "dev"
    eu_residency: bool = False

    def of(self, *types: str) -> Iterator[Resource]:
        return (each for each in self.resources if each.type in types)


@dataclass(frozen=True)
class Violation:
    """A resource that breaks a rule; the message says how and what to do."""

    rule: str
    resource: Resource
    message: str


Found = Iterable[tuple[Resource, str]]


@dataclass(frozen=True)
class Rule:
    """Says of a stack which resources break it.

    Args:
        name: In kebab case, unique.
        about: One sentence: what must hold.
        check: Pure: the stack in, offenders and what is wrong with each out.
    """

    name: str
    about: str
    check: Callable[[Stack], Found]

    def violations(self, stack: Stack) -> Iterator[Violation]:
        for resource, message in self.check(stack):
            yield Violation(self.name, resource, message)


def dig(value: Any, *path: str) -> Any:
    """`dig({"a": [{"b": 1}]}, "a", "b")` is 1; None where there is nothing."""
    for name in path:
        if isinstance(value, list):
            value = value[0] if value else None
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def parsed(document: Any) -> Any:
    """A document that may be given as JSON; None if it is text of another kind."""
    if not isinstance(document, str):
        return document
    try:
        return json.loads(document)
    except json.JSONDecodeError:
        return None


def default_tags(provider: Resource) -> Mapping[str, Any]:
    """What a provider puts on everything. Properties of providers are JSON on their way."""
    tags = dig(parsed(provider.get("defaultTags")), "tags")
    return tags if isinstance(tags, Mapping) else {}


def statements_of(document: Any) -> list[Mapping[str, Any]]:
    """The statements of a policy document, given as text or as an object; none if unknown."""
    return [
        each for each in listed(dig(parsed(document), "Statement")) if isinstance(each, Mapping)
    ]


def listed(value: Any) -> list[Any]:
    """A single value as a list of one, as IAM has it; nothing if it is not known."""
    if value is None or value is UNKNOWN:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
