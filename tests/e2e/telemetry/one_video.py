"""What the trace of one video has to be, on one machine and in the cloud."""

from tests.e2e.telemetry.tree import Tree, trace_of_asset
from tests.servers.otlp import Span

TASKS = ("ingest", "probe", "encode", "package", "images", "verify", "publish", "export", "sweep")
FIRST = "POST /v1/uploads"


def links(span: Span, why: str) -> set[str]:
    return {link.span_id for link in span.links if link.attributes.get("spool.link") == why}


def check_trace(spans: list[Span], asset_id: str, *, correlation_id: str, store: str) -> Tree:
    """Looks at who is whose child, and at what each tells.

    Args:
        spans: What the collector was sent, in the environment "test".
        store: The word for it in the names of its spans.
    """
    tree = trace_of_asset(spans, asset_id)
    assert [root.name for root in tree.roots] == [FIRST]
    assert tree.orphans == []
    assert {span.service for span in tree.spans} == {"spool-api", "spool-worker"}
    _resources_tell_who(tree)
    for span in tree.spans:
        assert span.attributes["spool.correlation_id"] == correlation_id, span.name
        assert not span.failed, span
    _steps_follow_from_each_other(tree)
    _requests_of_other_traces_are_linked(tree, spans)
    _processes_tell_how_they_went(tree)
    _store_and_database_are_there(tree, store)
    return tree


def attempts_of(tree: Tree) -> dict[str, Span]:
    """Those that did the work, by the kind of the task: a busy machine may have lost a lease."""
    done = [s for s in tree.spans if s.attributes.get("spool.task.outcome") == "succeeded"]
    assert len(done) == len(TASKS), [span.name for span in done]
    attempts = {span.attributes["spool.task.kind"]: span for span in done}
    return {kind: attempts[kind] for kind in TASKS}


def _resources_tell_who(tree: Tree) -> None:
    for span in tree.spans:
        about = span.resource
        assert about["deployment.environment.name"] == "test"
        assert about["service.version"]
        assert about["service.instance.id"]


def _steps_follow_from_each_other(tree: Tree) -> None:
    for name in ("sign parts", "complete upload"):
        assert {tree.parent_name(span) for span in tree.named(name)} == {FIRST}
    assert tree.parent_name(tree.one("submit ingest")) == "complete upload"
    attempts = attempts_of(tree)
    assert tree.parent_name(attempts["ingest"]) == "submit ingest"
    assert tree.parent_name(attempts["probe"]) == "process ingest"
    for kind in TASKS[2:]:
        assert tree.parent_name(attempts[kind]) == "process probe", kind
    for span in attempts.values():
        assert span.kind == "consumer"
        assert span.attributes["messaging.operation.type"] == "process"
        assert span.name == f"process {span.attributes['spool.task.kind']}"
    ids = {kind: span.span_id for kind, span in attempts.items()}
    # Fan-out from the plan, fan-in by links.
    assert links(attempts["package"], "waited_for") == {ids["encode"]}
    assert links(attempts["publish"], "waited_for") == {ids["verify"], ids["images"]}
    assert links(attempts["export"], "waited_for") == {ids["publish"]}


def _requests_of_other_traces_are_linked(tree: Tree, spans: list[Span]) -> None:
    completing = tree.one("complete upload")
    [request] = [
        span for span in spans if completing.span_id in {link.span_id for link in span.links}
    ]
    assert request.name == "POST /v1/uploads/{upload_id}/complete"
    assert request.trace_id != completing.trace_id
    assert request.span_id in {link.span_id for link in completing.links}
    assert request.kind == "server"
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["http.route"] == "/v1/uploads/{upload_id}/complete"


def _processes_tell_how_they_went(tree: Tree) -> None:
    runs = tree.named("ffmpeg")
    assert {tree.parent_name(run) for run in runs} == {"process encode", "process images"}
    for run in runs:
        assert run.attributes["process.exit.code"] == 0
        assert run.attributes["spool.ffmpeg.speed"] > 0
        assert run.attributes["spool.ffmpeg.frames"] > 0
        assert run.attributes["spool.process.cpu_seconds"] > 0
        assert "-progress" in run.attributes["process.command_args"]
    assert tree.parent_name(tree.one("probe")) == "process probe"


def _store_and_database_are_there(tree: Tree, store: str) -> None:
    begun = tree.one(f"{store} create_multipart")
    assert tree.parent_name(begun) == FIRST
    stored = tree.named(f"{store} put_file")
    assert {tree.parent_name(span) for span in stored} == {
        f"process {kind}" for kind in ("encode", "package", "images")
    }
    transactions = [span for span in tree.spans if "db.system.name" in span.attributes]
    writes = [span for span in transactions if "INSERT uploads" in span.name]
    assert [tree.parent_name(span) for span in writes] == [FIRST]
    published = [
        span for span in transactions if "INSERT renditions" in span.attributes["db.query.summary"]
    ]
    assert [tree.parent_name(span) for span in published] == ["process publish"]
    assert all(span.attributes["spool.db.statements"] > 0 for span in published)
