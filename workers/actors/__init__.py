"""All actors. Each is short: load, call the pipeline, record, submit what comes next."""

from workers.actors.media import media
from workers.actors.noop import noop
from workers.registry import ActorSet
