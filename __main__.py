"""Spool on AWS: what `pulumi up` makes, from the ground up.

Each line is a component of `infra`; what it takes and gives is written there. Access is wiring:
who is handed a grant may do what it says, and is told what it needs for it.
"""

import sys
from pathlib import Path

# `platform/` is no package: one would hide Python's own module of that name.
sys.path.insert(0, str(Path(__file__).parent / "platform"))

from infra.config.settings import Settings
from infra.names import Names
from infra.target import Target, aws_provider

settings = Settings.load()
names = Names(settings.project, settings.stack)
provider = aws_provider(
    "aws",
    region=settings.general.region,
    tags=settings.tags,
    target=Target.of(settings.general.target),
    account=settings.general.account,
)
