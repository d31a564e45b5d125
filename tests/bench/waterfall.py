"""A trace as a picture: one row per span, children below their parents, time to the right."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from tests.e2e.telemetry.tree import Tree
from tests.servers.otlp import Span

_LABELS = 430
_CHART = 760
_ROW = 20
_TOP = 64
_WIDTH = _LABELS + _CHART + 130
_COLOURS = {"spool-api": "#2f6fb5", "spool-worker": "#2e8b57"}
_KINDS = {"ffmpeg": "#c2571a", "probe": "#c2571a", "store": "#8a63b8", "database": "#9aa4ad"}
_LONGEST_LABEL = 58
_FONT = 'font-family="system-ui, sans-serif" font-size="12"'


@dataclass(frozen=True)
class Row:
    """Spans that are drawn on one line: one, or all of a name below one parent."""

    depth: int
    spans: Sequence[Span]

    @property
    def label(self) -> str:
        first = self.spans[0]
        times = f"  ({len(self.spans)} times)" if len(self.spans) > 1 else ""
        text = f"{first.name}{times}"
        return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"

    @property
    def note(self) -> str:
        first, seconds = self.spans[0], sum(span.seconds for span in self.spans)
        speed = first.attributes.get("spool.ffmpeg.speed")
        return f"{seconds * 1000:.0f} ms" + (f", speed {speed:g}" if speed else "")

    @property
    def colour(self) -> str:
        first = self.spans[0]
        if "db.system.name" in first.attributes:
            return _KINDS["database"]
        if "spool.store.operation" in first.attributes:
            return _KINDS["store"]
        return _KINDS.get(first.name) or _COLOURS.get(first.service, "#444444")


def draw(tree: Tree) -> str:
    """The picture, as SVG."""
    [root] = tree.roots
    rows = list(_rows(tree, root, 0))
    begin = min(span.began for span in tree.spans)
    seconds = max(span.ended for span in tree.spans) - begin
    height = _TOP + _ROW * len(rows) + 34

    def at(moment: float) -> float:
        return _LABELS + (moment - begin) / seconds * _CHART

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {_FONT}>',
        "<title>The trace of one video, from upload to playback</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        *_legend(len(tree.spans), seconds),
        *_axis(seconds, height),
    ]
    places: dict[str, tuple[int, Span]] = {}
    for number, row in enumerate(rows):
        y = _TOP + _ROW * number
        places |= {span.span_id: (y, span) for span in row.spans}
        weight = ' font-weight="600"' if row.label.startswith(("process ", "POST ")) else ""
        parts.append(
            f'<text x="{8 + 14 * row.depth}" y="{y + 14}" fill="#1b1f23"{weight}>'
            f"{escape(row.label)}</text>"
        )
        for span in row.spans:
            width = max(1.5, at(span.ended) - at(span.began))
            parts.append(
                f'<rect x="{at(span.began):.1f}" y="{y + 4}" width="{width:.1f}" height="12" '
                f'rx="2" fill="{row.colour}"/>'
            )
        end = at(max(span.ended for span in row.spans))
        parts.append(
            f'<text x="{end + 5:.1f}" y="{y + 14}" fill="#57606a" font-size="11">'
            f"{escape(row.note)}</text>"
        )
    parts += _links(tree, places, at)
    return "\n".join([*parts, "</svg>\n"])


def _rows(tree: Tree, span: Span, depth: int) -> Iterator[Row]:
    yield Row(depth, [span])
    by_name: dict[str, list[Span]] = {}
    for child in tree.children[span.span_id]:
        by_name.setdefault(child.name, []).append(child)
    for alike in by_name.values():
        if any(tree.children[each.span_id] for each in alike):
            for each in alike:
                yield from _rows(tree, each, depth + 1)
        else:
            yield Row(depth + 1, alike)


def _legend(spans: int, seconds: float) -> Iterator[str]:
    yield (
        f'<text x="8" y="22" font-size="15" font-weight="600" fill="#1b1f23">One video, one trace: '
        f"{spans} spans in {seconds:.1f} s</text>"
    )
    x = _LABELS
    named = {
        "API": _COLOURS["spool-api"],
        "worker": _COLOURS["spool-worker"],
        "FFmpeg": _KINDS["ffmpeg"],
        "object store": _KINDS["store"],
        "transaction": _KINDS["database"],
    }
    for name, colour in named.items():
        yield f'<rect x="{x}" y="12" width="12" height="12" rx="2" fill="{colour}"/>'
        yield f'<text x="{x + 17}" y="22" fill="#1b1f23">{name}</text>'
        x += 30 + 8 * len(name)
    yield f'<path d="M {x} 18 h 22" stroke="#d1242f" stroke-dasharray="3 2" fill="none"/>'
    yield f'<text x="{x + 27}" y="22" fill="#1b1f23">waited for (link)</text>'


def _axis(seconds: float, height: int) -> Iterator[str]:
    step = next(each for each in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 600) if seconds / each <= 12)
    for number in range(int(seconds / step) + 1):
        x = _LABELS + number * step / seconds * _CHART
        yield f'<path d="M {x:.1f} {_TOP - 6} V {height - 10}" stroke="#e4e7eb"/>'
        yield (
            f'<text x="{x:.1f}" y="{_TOP - 12}" fill="#57606a" font-size="11" '
            f'text-anchor="middle">{number * step:g} s</text>'
        )


def _links(
    tree: Tree, places: dict[str, tuple[int, Span]], at: Callable[[float], float]
) -> Iterator[str]:
    for span in tree.spans:
        for link in span.links:
            if link.attributes.get("spool.link") != "waited_for" or link.span_id not in places:
                continue
            (from_y, before), (to_y, _) = places[link.span_id], places[span.span_id]
            x1, x2 = at(before.ended), at(span.began)
            yield (
                f'<path d="M {x1:.1f} {from_y + 16} C {x1:.1f} {to_y} {x2 - 12:.1f} {to_y + 10} '
                f'{x2:.1f} {to_y + 10}" stroke="#d1242f" stroke-dasharray="3 2" fill="none" '
                'opacity="0.7"/>'
            )
