"""An application on a ground that is made up: grants as AWS would have them, and nothing else."""

import dataclasses
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from infra.application.application import Application, ApplicationArgs, Images, Tracing
from infra.application.autoscaling import Limits
from infra.application.flows import Surroundings
from infra.application.ingress import Entrance
from infra.application.wiring import Grants
from infra.grants import Grant, SecretValue, Statement
from infra.names import Names
from infra.workload_role import PodCredentials
from tests.infra.recorder import Recording, record

DIGESTS = {kind: digit * 64 for kind, digit in (("api", "a"), ("worker", "b"), ("console", "c"))}
IMAGES = Images(
    **{
        kind: f"123456789012.dkr.ecr.us-east-1.amazonaws.com/spool/{kind}@sha256:{digest}"
        for kind, digest in DIGESTS.items()
    }
)
_BUCKETS = {
    "SPOOL_STORE": "s3",
    "SPOOL_S3_SOURCE_BUCKET": "spool-source-dev",
    "SPOOL_S3_MEDIA_BUCKET": "spool-media-dev",
}
_DATABASE_URL = "postgresql://{{ .username }}:{{ .password | urlquery }}@db:5432/spool"
_QUEUES = {"SPOOL_QUEUE": "sqs", "SPOOL_SQS_QUEUE_PREFIX": "spool-dev"}


def _may(*actions: str, on: str) -> list[Statement]:
    return [Statement(list(actions), [f"arn:aws:{actions[0].partition(':')[0]}:::{on}"])]


def grants() -> Grants:
    """Each says what it is for in the words of docs/."""
    return Grants(
        database=Grant(
            secrets={
                "SPOOL_DATABASE_URL": SecretValue(
                    "/spool/dev/database/app",
                    "arn:aws:secretsmanager:us-east-1:123456789012:secret:app",
                    template=_DATABASE_URL,
                )
            }
        ),
        migration=Grant(
            secrets={
                "SPOOL_MIGRATION_DATABASE_URL": SecretValue(
                    "/spool/dev/database/master",
                    "arn:aws:secretsmanager:us-east-1:123456789012:secret:master",
                    template=_DATABASE_URL,
                )
            }
        ),
        signing=Grant(
            secrets={
                "SPOOL_SIGNING_KEYS": SecretValue("/spool/dev/signing", "arn:aws:s:s"),
                "SPOOL_SIGNING_KEY_ID": SecretValue("/spool/dev/signing-id", "arn:aws:s:i", "id"),
            }
        ),
        delivery=Grant(
            environment={"SPOOL_DELIVERY": "cloudfront", "SPOOL_CLOUDFRONT_URL": "https://m"},
            secrets={"SPOOL_CLOUDFRONT_PRIVATE_KEYS": SecretValue("/spool/dev/cdn", "arn:c")},
        ),
        read_store=Grant(_may("s3:GetObject", on="read"), _BUCKETS),
        write_sources=Grant(_may("s3:PutObject", on="sources"), _BUCKETS),
        write_media=Grant(_may("s3:PutObject", on="media"), _BUCKETS),
        write_all=Grant(_may("s3:PutObject", on="all"), _BUCKETS),
        sweep=Grant(_may("s3:ListBucketMultipartUploads", on="all"), _BUCKETS),
        ring=Grant(_may("sqs:SendMessage", on="all"), _QUEUES),
        consume={
            kind: Grant(_may("sqs:ReceiveMessage", "sqs:DeleteMessage", on=kind), _QUEUES)
            for kind in ("encode", "light")
        },
        publish=Grant(
            _may("sns:Publish", on="topics"),
            {
                "SPOOL_SNS_API_TOPIC_ARN": "arn:aws:sns:::api",
                "SPOOL_SNS_WORKER_TOPIC_ARN": "arn:aws:sns:::worker",
            },
        ),
        mail=Grant(
            _may("ses:SendEmail", on="mail"), {"SPOOL_MAIL": "ses", "SPOOL_MAIL_FROM": "a@b"}
        ),
        stream=Grant(
            _may("kinesis:GetRecords", on="stream"),
            {"SPOOL_KINESIS_STREAM": "s", "SPOOL_KINESIS_PROJECT_ID": "prj_1"},
        ),
        notices=Grant(
            _may("sqs:ReceiveMessage", on="notices"),
            {"SPOOL_BUCKET_EVENTS_QUEUE_URL": "https://sqs/notices"},
        ),
    )


def arguments(**changes: Any) -> ApplicationArgs:
    args = ApplicationArgs(
        names=Names("spool", "dev"),
        region="us-east-1",
        images=IMAGES,
        grants=grants(),
        queue_urls={
            kind: [f"https://sqs/spool-dev-{kind}-{band}" for band in ("high", "normal", "low")]
            for kind in ("encode", "light")
        },
        credentials=PodCredentials(
            "irsa", "spool-dev", "arn:aws:eks:::cluster", "arn:aws:iam:::oidc", "oidc.example/id/A"
        ),
        limits=Limits(2, 4, 0, 10, 6),
        database_connections=400,
        database_host="db",
        surroundings=Surroundings(
            balancer_cidrs=["10.0.101.0/24"], database_cidrs=["10.0.201.0/24"]
        ),
        entrance=Entrance(
            subnet_ids=["subnet-1", "subnet-2"],
            domain="spool.example",
            certificate_arn="arn:aws:acm:::certificate/1",
            hosted_zone_id="Z1",
            web_acl_arn="arn:aws:wafv2:::acl/1",
            log_bucket="spool-logs-dev",
        ),
        tracing=Tracing("http://otel-collector.observability:4317", 0.5),
        secret_store="secrets-manager",
        services_ready=[],
        tags={"project": "spool", "stack": "dev"},
        intake=True,
        prometheus=True,
    )
    return dataclasses.replace(args, **changes)


def run_application(*, preview: bool = False, **changes: Any) -> Recording:
    """The component alone, on a controller that is a ConfigMap."""

    def program() -> None:
        controller = k8s.core.v1.ConfigMap("controller")
        args = arguments(services_ready=[controller], **changes)
        providers = [aws.Provider("aws", region="us-east-1"), k8s.Provider("kubernetes")]
        made = Application("application", args, opts=pulumi.ResourceOptions(providers=providers))
        pulumi.export("loadBalancer", made.ingress.load_balancer())

    return record(program, preview=preview)


def manifests(recording: Recording) -> list[dict[str, Any]]:
    """What Kubernetes would be given."""
    return [
        dict(each.inputs)
        for each in recording.resources
        if each.type.startswith("kubernetes:") and each.name != "controller"
    ]
