"""Run by the engine: `pulumi preview --policy-pack platform/policy`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policy.pack import pack

pack()
