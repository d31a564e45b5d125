"""Reads what was made as a player would: nothing is published that is not as planned."""

import asyncio

import msgspec

from workers.actors.stages import layout_of, link_objects, result_of
from workers.pipeline.conformance import verify as examine
from workers.pipeline.errors import HostFailure
from workers.pipeline.package import Package
from workers.work import Work


async def verify(work: Work) -> None:
    layout = await layout_of(work)
    packaged = await result_of(work, "package")
    made = msgspec.convert(packaged["package"], Package)
    root = work.scratch / "package"
    await link_objects(work, root, {name: packaged["prefix"] + name for name in made.files})
    report = await asyncio.to_thread(examine, root, layout.probe, layout.plan)
    if not report.ok:
        failed = [check for check in report.checks if not check.ok]
        work.log_tail = "\n".join(
            f"{check.name}: expected {check.expected}, found {check.found}" for check in failed
        )
        raise HostFailure(
            "not_conformant",
            f"What was made is not as planned ({failed[0].name}), so it was not published.",
        )
    await work.finish(result=msgspec.to_builtins(report))
