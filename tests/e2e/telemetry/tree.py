"""A trace as a tree."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.servers.otlp import Span


@dataclass
class Tree:
    """The spans of one trace, by what they are children of."""

    spans: Sequence[Span]
    children: dict[str, list[Span]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for span in sorted(self.spans, key=lambda span: span.began):
            self.children[span.parent_id].append(span)

    @property
    def roots(self) -> list[Span]:
        return self.children[""]

    @property
    def orphans(self) -> list[str]:
        """Names of spans whose parent never arrived."""
        known = {span.span_id for span in self.spans}
        return [span.name for span in self.spans if span.parent_id and span.parent_id not in known]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> Span:
        [span] = self.named(name)
        return span

    def parent_name(self, span: Span) -> str | None:
        return next((each.name for each in self.spans if each.span_id == span.parent_id), None)

    def below(self, span: Span) -> list[Span]:
        """The children of a span, and theirs."""
        found = []
        for child in self.children[span.span_id]:
            found += [child, *self.below(child)]
        return found


def trace_of(spans: Iterable[Span], trace_id: str) -> Tree:
    return Tree([span for span in spans if span.trace_id == trace_id])


def trace_of_asset(spans: Iterable[Span], asset_id: str) -> Tree:
    """The trace that worked on an asset."""
    seen = list(spans)
    ids = {span.trace_id for span in seen if span.attributes.get("spool.asset_id") == asset_id}
    assert len(ids) == 1, ids
    return trace_of(seen, ids.pop())


def whole(spans: Sequence[Span], asset_id: str) -> bool:
    """Whether the last thing that is done for a new asset has arrived."""
    done = {
        span.attributes.get("spool.task.kind")
        for span in spans
        if span.attributes.get("spool.asset_id") == asset_id
        and span.attributes.get("spool.task.outcome") == "succeeded"
    }
    return {"publish", "export", "sweep"} <= done
