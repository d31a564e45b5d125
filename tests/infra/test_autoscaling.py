"""How many pods and connections: plans that hold whatever a stack says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.application.autoscaling import (
    Limits,
    Replicas,
    TooManyConnections,
    connections_of,
    database_connections,
    peak_connections,
    plan_pool,
    replicas_of,
)
from infra.application.processes import PROCESSES
from infra.config.settings import Settings
from tests.infra.programs import minimal

_LIMITS = st.builds(
    lambda api, more, workers, workers_more, nodes: Limits(
        api, api + more, workers, workers + workers_more, nodes
    ),
    st.integers(1, 5),
    st.integers(0, 20),
    st.integers(0, 5),
    st.integers(1, 40),
    st.integers(1, 30),
)
_AT_THE_DATABASE = {
    name: process for name, process in PROCESSES.items() if process.kind not in ("console", "job")
}


def _replicas(limits: Limits) -> dict[str, Replicas]:
    return {name: replicas_of(process, limits) for name, process in _AT_THE_DATABASE.items()}


@given(_LIMITS)
def test_the_relay_always_runs_and_bounds_are_in_order(limits: Limits) -> None:
    for process in PROCESSES.values():
        replicas = replicas_of(process, limits)
        assert 0 <= replicas.least <= replicas.most
        if process.kind != "worker":
            assert replicas.least >= 1
        if limits.api_least > 1 and process.kind not in ("worker", "job"):
            assert replicas.least >= 2, f"{process.name} is a single point"


@given(_LIMITS, st.integers(20, 5000))
def test_all_pods_together_find_a_connection(limits: Limits, connections: int) -> None:
    replicas = _replicas(limits)

    def opened(size: int) -> int:
        return sum(
            (each.most + each.surge) * peak_connections(PROCESSES[name], size)
            for name, each in replicas.items()
        )

    if opened(2) > connections - 10:
        with pytest.raises(TooManyConnections, match="apiReplicasMax"):
            plan_pool(connections, replicas)
        return
    size = plan_pool(connections, replicas)
    assert opened(size) <= connections - 10
    assert size == 10 or opened(size + 1) > connections - 10


@pytest.mark.parametrize("preset", ["dev", "staging", "prod"])
def test_each_preset_fits_its_database(preset: str) -> None:
    settings = Settings.of("spool", preset, minimal(preset))
    app = settings.application
    limits = Limits(
        app.api_replicas_min,
        app.api_replicas_max,
        app.workers_min,
        app.workers_max,
        settings.cluster.media_nodes_max,
    )
    replicas = _replicas(limits)
    database = settings.database
    for kind in ("rds", "aurora"):
        taken = database_connections(kind, database.database_class, database.aurora_max_acu)
        assert plan_pool(taken, replicas) >= 2


def test_connections_by_class() -> None:
    assert connections_of("db.t3.micro") == 81
    assert connections_of("db.t3.small") == 182
    assert connections_of("db.r6g.large") == 1601
    assert connections_of("db.m7g.2xlarge") == 3224
    assert connections_of("db.r6g.16xlarge") == 5000
    with pytest.raises(ValueError, match=r"db\.x2g"):
        connections_of("db.x2g.large")


def test_slots_of_workers() -> None:
    assert {n: p.slots for n, p in PROCESSES.items() if p.slots} == {"encode": 1, "light": 2}
