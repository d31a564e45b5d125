"""A pod as the Pod Security Standard "restricted" wants it, and a bit more."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from infra.application.processes import Process

NAME_LABEL = "app.kubernetes.io/name"
PART_LABEL = "app.kubernetes.io/part-of"
PART = "spool"
COMPONENT_LABEL = "app.kubernetes.io/component"
_SCRATCH = "scratch"


def metadata(
    name: str,
    namespace: pulumi.Input[str] | None = None,
    annotations: Mapping[str, pulumi.Input[str]] | None = None,
    labels: Mapping[str, str] | None = None,
) -> k8s.meta.v1.ObjectMetaArgs:
    """Names are set and not left to the engine: policies, dashboards and people go by them."""
    return k8s.meta.v1.ObjectMetaArgs(
        name=name,
        namespace=namespace,
        annotations=annotations or None,
        labels={NAME_LABEL: name, PART_LABEL: PART, **(labels or {})},
    )


def environment(
    plain: Mapping[str, pulumi.Input[str]], secret: Sequence[str], secret_name: str
) -> list[k8s.core.v1.EnvVarArgs]:
    """Variables, by name; the secret ones from the Kubernetes secret of the same workload."""
    return [
        *(k8s.core.v1.EnvVarArgs(name=name, value=plain[name]) for name in sorted(plain)),
        *(
            k8s.core.v1.EnvVarArgs(
                name=name,
                value_from=k8s.core.v1.EnvVarSourceArgs(
                    secret_key_ref=k8s.core.v1.SecretKeySelectorArgs(name=secret_name, key=name)
                ),
            )
            for name in sorted(secret)
        ),
    ]


def pod_template(
    process: Process,
    *,
    image: str,
    variables: Sequence[k8s.core.v1.EnvVarArgs],
    service_account: str,
    annotations: Mapping[str, pulumi.Input[str]] | None = None,
) -> k8s.core.v1.PodTemplateSpecArgs:
    """The pod of a process: nobody's user, a root that is read-only, one folder to write to."""
    return k8s.core.v1.PodTemplateSpecArgs(
        metadata=k8s.meta.v1.ObjectMetaArgs(
            annotations=annotations,
            labels={
                NAME_LABEL: process.name,
                PART_LABEL: PART,
                COMPONENT_LABEL: process.kind,
                **process.placement.labels,
            },
        ),
        spec=k8s.core.v1.PodSpecArgs(
            service_account_name=service_account,
            # None of them speaks to Kubernetes; IRSA and Pod Identity bring a token of their own.
            automount_service_account_token=False,
            enable_service_links=False,
            restart_policy="Never" if process.kind == "job" else "Always",
            termination_grace_period_seconds=process.grace_seconds,
            security_context=k8s.core.v1.PodSecurityContextArgs(
                run_as_non_root=True,
                run_as_user=process.uid,
                run_as_group=process.uid,
                fs_group=process.uid,
                seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
            ),
            node_selector=dict(process.placement.node_selector) or None,
            tolerations=[
                k8s.core.v1.TolerationArgs(
                    key=each["key"],
                    operator=each["operator"],
                    value=each["value"],
                    effect=each["effect"],
                )
                for each in process.placement.tolerations
            ]
            or None,
            topology_spread_constraints=[
                k8s.core.v1.TopologySpreadConstraintArgs(
                    max_skew=1,
                    topology_key=key,
                    when_unsatisfiable="ScheduleAnyway",
                    label_selector=k8s.meta.v1.LabelSelectorArgs(
                        match_labels={NAME_LABEL: process.name}
                    ),
                )
                for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
            ]
            if process.kind != "job"
            else None,
            containers=[_container(process, image, variables)],
            volumes=[
                k8s.core.v1.VolumeArgs(
                    name=_SCRATCH,
                    empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs(
                        size_limit=process.resources.scratch
                    ),
                )
            ],
        ),
    )


def _container(
    process: Process, image: str, variables: Sequence[k8s.core.v1.EnvVarArgs]
) -> k8s.core.v1.ContainerArgs:
    resources = process.resources
    return k8s.core.v1.ContainerArgs(
        name=process.name,
        image=image,
        # By digest it costs a question, and a node's cache is no way to somebody else's image.
        image_pull_policy="Always",
        args=[process.module] if process.module else None,
        env=list(variables) or None,
        ports=[k8s.core.v1.ContainerPortArgs(name="http", container_port=process.port)]
        if process.port
        else None,
        resources=k8s.core.v1.ResourceRequirementsArgs(
            requests={
                "cpu": resources.cpu,
                "memory": resources.memory,
                "ephemeral-storage": resources.scratch_asked or resources.scratch,
            },
            limits={
                "cpu": resources.cpu_limit,
                "memory": resources.memory_limit,
                "ephemeral-storage": resources.scratch,
            },
        ),
        security_context=k8s.core.v1.SecurityContextArgs(
            allow_privilege_escalation=False,
            privileged=False,
            read_only_root_filesystem=True,
            run_as_non_root=True,
            run_as_user=process.uid,
            capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"]),
            seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
        ),
        volume_mounts=[k8s.core.v1.VolumeMountArgs(name=_SCRATCH, mount_path="/tmp")],  # noqa: S108  # where the images write
        lifecycle=k8s.core.v1.LifecycleArgs(
            # The kubelet's own sleep needs no shell in the image.
            pre_stop=k8s.core.v1.LifecycleHandlerArgs(
                sleep=k8s.core.v1.SleepActionArgs(seconds=process.pre_stop_seconds)
            )
        )
        if process.pre_stop_seconds
        else None,
        # A restart for who does not answer at all; no traffic for who lacks what it needs.
        startup_probe=_probe(process.health, process, period=3, failures=40),
        liveness_probe=_probe(process.health, process, period=10, failures=6),
        readiness_probe=_probe(process.ready, process, period=10, failures=2),
    )


def _probe(
    path: str, process: Process, *, period: int, failures: int
) -> k8s.core.v1.ProbeArgs | None:
    if process.port is None:
        return None
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=path, port="http"),
        period_seconds=period,
        # Readiness asks database, store and queue, and has up to 5 s for it.
        timeout_seconds=6,
        failure_threshold=failures,
    )
