"""The whole program for each preset: it runs, wires, and gives what it promises."""

import itertools

import pytest

from infra.outputs import Outputs
from tests.infra.chains import longest_chain
from tests.infra.policies import guests
from tests.infra.programs import recording_of, run_program
from tests.infra.recorder import Recording

# Network, cluster, nodes, services, migrations, pods: each waits for the one before.
_LONGEST = 30


@pytest.fixture(scope="module", params=["dev", "staging", "prod", "branch"])
def recording(request: pytest.FixtureRequest) -> Recording:
    preset: str = request.param
    return recording_of(preset)


def test_every_resource_is_part_of_a_component(recording: Recording) -> None:
    alone = [
        each.urn
        for each in recording.resources
        if "spool:" not in each.urn.split("::")[2] and not each.type.startswith("pulumi:providers")
    ]
    assert alone == []


def test_every_resource_has_a_provider_of_ours(recording: Recording) -> None:
    defaults = [
        each.urn
        for each in recording.resources
        if each.type.startswith("aws:") and "pulumi:providers:aws" not in each.provider
    ]
    assert defaults == []


def test_names_are_unique_within_their_type(recording: Recording) -> None:
    # Policies are named within their role, records are of a name and a type, and objects of
    # Kubernetes are named within their namespace.
    shared = {"aws:iam/rolePolicy:RolePolicy", "aws:route53/record:Record"}
    named = [
        each
        for each in recording.resources
        if each.type.startswith("aws:") and each.type not in shared
    ]
    by_type = sorted(named, key=lambda each: each.type)
    for _, group in itertools.groupby(by_type, key=lambda each: each.type):
        names = [each.inputs.get("name") for each in group if each.inputs.get("name")]
        plain = [name for name in names if isinstance(name, str)]
        assert len(plain) == len(set(plain))


def test_outputs_are_the_typed_ones(recording: Recording) -> None:
    outputs = Outputs.of(recording.outputs)
    assert outputs.url is not None
    assert outputs.namespace == "spool"
    assert set(outputs.buckets or {}) == {"source", "media", "frames", "archive"}
    assert set(outputs.dashboards or {}) == {"application", "workers", "infrastructure"}


def test_the_balancer_logs_where_the_bucket_of_logs_lets_it(recording: Recording) -> None:
    """AWS tries at once, and refuses the balancer's attributes where it may not write."""
    ingress = recording.one("kubernetes:networking.k8s.io/v1:Ingress").inputs["metadata"]
    attributes = ingress["annotations"]["alb.ingress.kubernetes.io/load-balancer-attributes"]
    told = dict(each.split("=") for each in attributes.split(","))
    policy = recording.one("aws:s3/bucketPolicy:BucketPolicy", "buckets-logs").inputs["policy"]
    where = guests(policy)["logdelivery.elasticloadbalancing.amazonaws.com"]["Resource"]
    bucket, prefix = told["access_logs.s3.bucket"], told["access_logs.s3.prefix"]
    assert where == f"arn:aws:s3:::{bucket}/{prefix}/*"


def test_the_longest_chain_of_an_update_stays_short(recording: Recording) -> None:
    chain = longest_chain(recording)
    print(f"{len(chain)} one after the other: {' ▸ '.join(chain)}")
    assert len(chain) <= _LONGEST


def test_a_preview_of_a_new_stack_needs_no_value_of_aws() -> None:
    preview = recording_of("prod", preview=True)
    assert len(preview.resources) == len(recording_of("prod").resources)


def test_a_stack_without_images_runs_nothing_yet() -> None:
    none = {f"{kind}Image": "" for kind in ("api", "worker", "console")}
    recording = run_program("dev", none)
    assert not list(recording.under("spool:application:Application"))
    assert set(recording.outputs["registry"]) == {"api", "worker", "console"}
    assert Outputs.of(recording.outputs).url is None
    # And costs something already.
    assert recording.of_type("aws:budgets/budget:Budget")
    names = {each.name for each in recording.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")}
    assert "alarms-database-cpu" in names
    assert "alarms-http-errors" not in names
