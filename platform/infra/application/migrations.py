"""The migrations, as a job that has to succeed before any pod is changed."""

import hashlib

import pulumi
import pulumi_kubernetes as k8s

from infra.application.pods import metadata, pod_template
from infra.application.workload import Identity, WorkloadArgs
from infra.component import Component

_SECONDS = 1500


class Migrations(Component):
    """A job that is named by its image, so that a new image migrates and an old one again too.

    What comes after it waits until it has succeeded; where it fails, nothing else is touched. An
    older image finds a newer schema, and goes on if that still has what it needs: see
    `migrations/compatibility.py`.

    Attributes:
        job: The job.
    """

    KIND = "application:Migrations"

    job: k8s.batch.v1.Job

    def __init__(
        self,
        name: str,
        args: WorkloadArgs,
        *,
        database_host: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`database_host` is told to the pod, so that another database is migrated as well."""
        super().__init__(name, opts)
        identity = Identity(name, args, opts=self.child())
        self.job = k8s.batch.v1.Job(
            name,
            metadata=metadata(job_name(args.process.name, args.image), args.namespace),
            spec=k8s.batch.v1.JobSpecArgs(
                backoff_limit=3,
                active_deadline_seconds=_SECONDS,
                template=pod_template(
                    args.process,
                    image=args.image,
                    variables=identity.variables,
                    service_account=identity.service_account,
                    annotations={"spool/database": database_host},
                ),
            ),
            opts=self.child(
                depends_on=[*identity.ready, *args.pods_after],
                custom_timeouts=pulumi.CustomTimeouts(create=f"{_SECONDS // 60 + 5}m"),
            ),
        )
        self.register_outputs({"job": self.job.metadata.name})


def job_name(process: str, image: str) -> str:
    """`migrations-` and twelve digits of the image's digest, or of its tag's hash."""
    digest = image.rpartition("@sha256:")[2] if "@sha256:" in image else None
    return f"{process}-{(digest or hashlib.sha256(image.encode()).hexdigest())[:12]}"
