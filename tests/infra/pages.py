"""Writes what docs/infrastructure.md tells of the program itself: `python -m tests.infra.pages`.

Between `<!-- resources -->` and its end: what each preset makes, by component. Between
`<!-- costs -->` and its end: what that costs a month. Between `<!-- rules -->` and its end: the
policy; between `<!-- waivers -->` and its end: what checkov may find. A test compares them.
"""

import re
from collections import Counter

from infra.costs import estimate, price_of, total
from policy.rules import ALL
from tests.infra.checkov.waivers import WAIVERS
from tests.infra.programs import ROOT, recording_of

PAGE = ROOT / "docs" / "infrastructure.md"
_PRESETS = ("dev", "staging", "prod")


def resources() -> str:
    """The table of resources by component, most of them first."""
    counts: dict[str, Counter[str]] = {}
    for preset in _PRESETS:
        for each in recording_of(preset).resources:
            parents = [t for t in each.urn.split("::")[2].split("$")[:-1] if t.startswith("spool:")]
            if each.type.startswith("spool:") or not parents:
                continue
            counts.setdefault(parents[-1].removeprefix("spool:"), Counter())[preset] += 1
    lines = ["| Component | " + " | ".join(_PRESETS) + " |", "|---|---|---|---|"]
    for component in sorted(counts):
        found = counts[component]
        lines.append(f"| {component} | " + " | ".join(str(found[p] or "") for p in _PRESETS) + " |")
    whole = [sum(found[preset] for found in counts.values()) for preset in _PRESETS]
    lines.append("| **all** | " + " | ".join(f"**{count}**" for count in whole) + " |")
    return "\n".join(lines)


def costs() -> str:
    """The estimate of each preset, and where each price is from."""
    by_preset = {preset: estimate(recording_of(preset).resources) for preset in _PRESETS}
    lines = [
        f"| a month, USD | {' | '.join(_PRESETS)} | price | page |",
        "|---|---|---|---|---|---|",
    ]
    named = dict.fromkeys(line.what for found in by_preset.values() for line in found)
    for what in named:
        cells = []
        for preset in _PRESETS:
            lines_of = [each for each in by_preset[preset] if each.what == what]
            cells.append("".join(f"{each.usd:.0f} ({each.count:g})" for each in lines_of))
        price = price_of(what)
        cells.append(f"{price.usd:g} by {price.unit}")
        lines.append(f"| {what} | " + " | ".join(cells) + f" | {price.page} |")
    whole = " | ".join(f"**{total(by_preset[preset]):.0f}**" for preset in _PRESETS)
    lines.append(f"| **all** | {whole} | | |")
    return "\n".join(lines)


def rules() -> str:
    """The rules of the policy pack."""
    lines = ["| Rule | What holds |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{rule.name}` | {rule.about} |" for rule in ALL)])


def waivers() -> str:
    """What checkov finds and is meant."""
    lines = ["| Check | Where | Why |", "|---|---|---|"]
    for each in WAIVERS:
        where = ", ".join(f"`{pattern}`" for pattern in each.where)
        lines.append(f"| {each.check} | {where} | {each.why} |")
    return "\n".join(lines)


def rendered(page: str) -> str:
    """The page with its parts as they should be."""
    for name, make in (
        ("resources", resources),
        ("costs", costs),
        ("rules", rules),
        ("waivers", waivers),
    ):
        page = re.sub(
            rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)",
            lambda found, make=make: found[1] + make() + found[2],  # type: ignore[misc]  # of this round
            page,
            flags=re.DOTALL,
        )
    return page


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text()))
