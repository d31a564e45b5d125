"""Who reaches whom in the namespace, asked of the policies as they are written: every pair."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.application.flows import NOT_PUBLIC, Flow, Surroundings, flows_of
from infra.application.network_policies import NetworkPolicies, NetworkPoliciesArgs
from infra.application.processes import NAMESPACE, PROCESSES
from tests.infra.reach import End, Host, Pod, Policy, allowed
from tests.infra.recorder import record

_SURROUNDINGS = {
    "plain": Surroundings(balancer_cidrs=["10.0.101.0/24"], database_cidrs=["10.0.201.0/24"]),
    "endpoints and agent": Surroundings(
        balancer_cidrs=["10.0.101.0/24", "10.0.102.0/24"],
        database_cidrs=["10.0.201.0/24", "10.0.202.0/24"],
        endpoint_cidrs=["10.0.1.0/24"],
        pod_identity=True,
    ),
}
_PORTS = (22, 53, 80, 443, 4317, 5432, 8000, 8080, 9090)
_PODS = {
    name: Pod(NAMESPACE, {"app.kubernetes.io/name": name}, f"10.0.1.{10 + place}")
    for place, name in enumerate(PROCESSES)
}


def _pod_in(namespace: str, address: str, **labels: str) -> Pod:
    names = {"kubernetes.io/metadata.name": namespace}
    return Pod(namespace, {k.replace("_", "-"): v for k, v in labels.items()}, address, names)


# What each word of a flow may be; the first is the place itself, as far as tests look.
_PLACES: dict[str, End] = {
    "balancer": Host("10.0.101.7"),
    "database": Host("10.0.201.7"),
    "dns": _pod_in("kube-system", "10.0.2.53", k8s_app="kube-dns"),
    "collector": _pod_in("observability", "10.0.2.60"),
    "prometheus": _pod_in("observability", "10.0.2.61"),
    "internet": Host("52.94.5.1"),
    "endpoints": Host("10.0.1.200"),
    "agent": Host("169.254.170.23"),
}
_NOBODY: dict[str, End] = {
    "metadata": Host("169.254.169.254"),
    "metadata of tasks": Host("169.254.170.2"),
    "somebody else's pod": _pod_in("default", "10.0.2.70", app="x"),
    "kube-system": _pod_in("kube-system", "10.0.2.71", k8s_app="metrics"),
    "a node": Host("10.0.3.4"),
    "another network": Host("192.168.7.7"),
}
_ENDS: dict[str, End] = {**_PODS, **_PLACES, **_NOBODY}


@pytest.fixture(scope="module", params=list(_SURROUNDINGS))
def surroundings(request: pytest.FixtureRequest) -> Surroundings:
    return _SURROUNDINGS[request.param]


@pytest.fixture(scope="module")
def policies(surroundings: Surroundings) -> list[Policy]:
    return rendered(surroundings)


def rendered(surroundings: Surroundings) -> list[Policy]:
    args = NetworkPoliciesArgs(
        namespace=NAMESPACE, processes=list(PROCESSES.values()), surroundings=surroundings
    )

    def program() -> None:
        NetworkPolicies("policies", args)

    recording = record(program)
    type_ = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    return [each.inputs for each in recording.of_type(type_)]


def _flows(surroundings: Surroundings) -> list[Flow]:
    return [flow for each in PROCESSES.values() for flow in flows_of(each, surroundings)]


def _pairs() -> Iterator[tuple[str, str]]:
    """Every two ends of which one is ours."""
    for source, destination in product(_ENDS, _ENDS):
        if source != destination and (source in _PODS or destination in _PODS):
            yield source, destination


def test_every_pair_is_let_through_as_the_table_says_and_not_otherwise(
    policies: list[Policy], surroundings: Surroundings
) -> None:
    table = {(f.source, f.destination, f.port, f.protocol) for f in _flows(surroundings)}
    # Both are of one namespace, and no policy tells its pods apart.
    table |= {
        (source, "prometheus", port, protocol)
        for source, destination, port, protocol in table
        if destination == "collector"
    } | {
        ("collector", destination, port, protocol)
        for source, destination, port, protocol in table
        if source == "prometheus"
    }
    for (source, destination), port, protocol in product(_pairs(), _PORTS, ("TCP", "UDP")):
        expected = (source, destination, port, protocol) in table
        got = allowed(policies, _ENDS[source], _ENDS[destination], port, protocol)
        assert got == expected, f"{source} to {destination}:{port}/{protocol}"


def test_nobody_reaches_the_metadata_address(policies: list[Policy]) -> None:
    for pod, port in product(_PODS.values(), range(1, 1000)):
        assert not allowed(policies, pod, Host("169.254.169.254"), port)


@pytest.fixture(scope="module")
def plain() -> list[Policy]:
    return rendered(_SURROUNDINGS["plain"])


@given(
    st.ip_addresses(network="10.0.0.0/8")
    | st.ip_addresses(network="172.16.0.0/12")
    | st.ip_addresses(network="192.168.0.0/16")
    | st.ip_addresses(network="100.64.0.0/10")
    | st.ip_addresses(network="169.254.0.0/16")
    | st.ip_addresses(network="127.0.0.0/8"),
    st.sampled_from([22, 25, 80, 443, 587, 4317, 6443, 8000, 8080, 9090, 10250]),
)
def test_who_notifies_reaches_no_private_address(
    plain: list[Policy], address: object, port: int
) -> None:
    """The relay sends where users said; a name of theirs may lead in here."""
    assert not allowed(plain, _PODS["relay"], Host(str(address)), port)


def test_nothing_is_open_where_no_policy_is_meant(policies: list[Policy]) -> None:
    stranger = Pod(NAMESPACE, {"app.kubernetes.io/name": "new"}, "10.0.1.99")
    for end, port in product(_ENDS.values(), _PORTS):
        assert not allowed(policies, stranger, end, port)
        assert not allowed(policies, end, stranger, port)


def test_the_metadata_address_is_no_public_one() -> None:
    assert "169.254.0.0/16" in NOT_PUBLIC
    with pytest.raises(ValueError, match="subnets of balancer"):
        Surroundings(balancer_cidrs=[], database_cidrs=["10.0.201.0/24"])


def _policy(spec: dict[str, object], namespace: str = "a") -> Policy:
    return {"metadata": {"namespace": namespace}, "spec": spec}


def test_the_evaluator_knows_kubernetes_rules() -> None:
    one, two = Pod("a", {"x": "1"}, "10.0.0.1"), Pod("b", {"x": "2"}, "10.0.0.2", {"n": "b"})
    assert allowed([], one, two, 1)
    closed = _policy({"podSelector": {}, "policyTypes": ["Ingress"]})
    assert allowed([closed], one, two, 1), "it is of another namespace"
    assert not allowed([closed], two, one, 1)
    everybody = _policy({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]})
    assert allowed([closed, everybody], two, one, 1), "policies add up"
    from_b = {"from": [{"namespaceSelector": {"matchLabels": {"n": "b"}}}]}
    ranged = {**from_b, "ports": [{"port": 10, "endPort": 20, "protocol": "TCP"}]}
    some = _policy({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [ranged]})
    assert allowed([some], two, one, 15)
    assert not allowed([some], two, one, 21)
    assert not allowed([some], two, one, 15, "UDP")
    assert not allowed([some], Host("10.0.0.9"), one, 15)
    with pytest.raises(NotImplementedError):
        allowed(
            [_policy({"podSelector": {"matchExpressions": [{}]}, "policyTypes": ["Ingress"]})],
            two,
            one,
            1,
        )


def test_the_page_has_the_same_table() -> None:
    """docs/cluster.md says of each process whom it speaks to."""
    words = {"database": "database", "collector": "collector", "AWS": "internet", "DNS": "dns"}
    page = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text()
    told = {
        name: {word for word in words if word in cell}
        for names, cell in re.findall(r"^\| (`.*`) \|[^|]*\|([^|]*)\|$", page, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", names)
    }
    flows = _flows(_SURROUNDINGS["plain"])
    assert told == {
        name: {
            word
            for word, place in words.items()
            if any(flow.source == name and flow.destination == place for flow in flows)
        }
        for name in PROCESSES
    }
