"""Reads what was made as a player would: nothing is published that is not as planned."""

import asyncio

import msgspec

from workers.actors.stages import layout_of, link_objects, result_of
from workers.pipeline.conformance import explain_failure
from workers.pipeline.conformance import verify as examine
from workers.pipeline.package import Package
from workers.work import Work


async def verify(work: Work) -> None:
    layout = await layout_of(work)
    packaged = await result_of(work, "package")
    made = msgspec.convert(packaged["package"], Package)
    root = work.scratch / "package"
    await link_objects(work, root, {name: packaged["prefix"] + name for name in made.files})
    report = await asyncio.to_thread(examine, root, layout.plan, layout.probe)
    if not report.ok:
        work.log_tail = "\n".join(
            f"{check.name}: expected {check.expected}, found {check.found}"
            for check in report.failures
        )
        raise explain_failure(report)
    await work.finish(result=msgspec.to_builtins(report))
