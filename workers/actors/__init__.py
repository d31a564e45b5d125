"""All actors. Each is short: load, call the pipeline, record, submit what comes next."""

from workers.actors.delete import delete
from workers.actors.encode import encode
from workers.actors.export import export
from workers.actors.images import images
from workers.actors.ingest import ingest
from workers.actors.noop import noop
from workers.actors.package import package
from workers.actors.probe import probe
from workers.actors.publish import publish
from workers.actors.sweep import sweep
from workers.actors.verify import verify
from workers.registry import ActorSet

ACTORS = ActorSet(
    ingest,
    probe,
    encode,
    package,
    images,
    verify,
    publish,
    export,
    sweep,
    delete,
    noop,
)
