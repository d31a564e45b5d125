"""The load balancer in front: an Application Load Balancer that the controller makes of an Ingress.

It sends straight to pods (targets by ip). The Ingress is made before the pods, so that they are
told its name and wait to be found by it, and after the controller, so that a destroy takes the
balancer away before the one who could.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from infra.application.pods import NAME_LABEL, metadata
from infra.application.processes import BALANCER_IDLE_SECONDS, NAMESPACE, PROCESSES, Process
from infra.application.routes import PATHS, rules
from infra.component import Component
from infra.names import LOAD_BALANCER, Names
from infra.state.log_guests import BALANCER

_NAME = "web"
_ALB = "alb.ingress.kubernetes.io"
# TLS 1.3, and of 1.2 only ciphers with forward secrecy and authentication in one.
_TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
_STICKY_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """How clients come in.

    Args:
        subnet_ids: Public ones.
        domain: The name that it answers to; any where it is None.
        certificate_arn: Of that name; without, it speaks plain HTTP, which is for trying out.
        hosted_zone_id: Where the name's record is written.
        web_acl_arn: AWS WAF's rules, if any.
        log_bucket: Where access logs go, if anywhere.
        sticky: A client stays at one pod.
    """

    subnet_ids: Sequence[pulumi.Input[str]]
    domain: str | None = None
    certificate_arn: pulumi.Input[str] | None = None
    hosted_zone_id: str | None = None
    web_acl_arn: pulumi.Input[str] | None = None
    log_bucket: pulumi.Input[str] | None = None
    sticky: bool = False


@dataclass(frozen=True, kw_only=True)
class IngressArgs:
    """What `Ingress` takes.

    Args:
        cluster_name: Whose controller makes the balancer.
        tags: Of the balancer: the controller makes it, and not the provider that tags the rest.
    """

    names: Names
    namespace: pulumi.Input[str]
    region: str
    cluster_name: pulumi.Input[str]
    tags: Mapping[str, str]
    entrance: Entrance


class Ingress(Component):
    """The Ingress, and a Service for each process behind it.

    Attributes:
        hostname: Its name in DNS.
        url: What clients put before a path.
        ready: What pods wait for.
    """

    KIND = "application:Ingress"

    hostname: pulumi.Output[str]
    url: pulumi.Output[str]
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: IngressArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._cluster_name = args.cluster_name
        entrance = args.entrance
        services = [self._service(name, PROCESSES[each], args) for each in PATHS]
        ingress = k8s.networking.v1.Ingress(
            name,
            metadata=metadata(_NAME, args.namespace, _annotations(args)),
            spec=k8s.networking.v1.IngressSpecArgs(
                ingress_class_name="alb",
                rules=[
                    k8s.networking.v1.IngressRuleArgs(
                        host=entrance.domain,
                        http=k8s.networking.v1.HTTPIngressRuleValueArgs(
                            paths=[_path(rule.pattern, rule.process) for rule in rules()]
                        ),
                    )
                ],
            ),
            opts=self.child(
                depends_on=services,
                custom_timeouts=pulumi.CustomTimeouts(create="15m", delete="15m"),
            ),
        )
        self.ready = [ingress]
        self.hostname = ingress.status.apply(_hostname)
        if entrance.domain and entrance.hosted_zone_id:
            self._record(name, entrance.domain, entrance.hosted_zone_id, args.region)
        self.url = (
            pulumi.Output.from_input(f"https://{entrance.domain}")
            if entrance.domain
            else self.hostname.apply(lambda host: f"http://{host}")
        )
        self.register_outputs({"hostname": self.hostname, "url": self.url})

    def load_balancer(self) -> pulumi.Output[str]:
        """`app/<name>/<id>`, as CloudWatch names it: asked of AWS when the Ingress is there.

        By the tags that the controller gives it, because asking for a name fails where there is
        none, as on a target without a controller. Another stack's Ingress has the same name.
        """
        found = aws.lb.get_lbs_output(
            tags=pulumi.Output.from_input(self._cluster_name).apply(
                lambda cluster: {
                    "elbv2.k8s.aws/cluster": cluster,
                    "ingress.k8s.aws/stack": f"{NAMESPACE}/{_NAME}",
                }
            ),
            opts=pulumi.InvokeOutputOptions(parent=self, depends_on=self.ready),
        )
        return found.arns.apply(
            lambda arns: arns[0].partition("loadbalancer/")[2] if arns else "app/none/none"
        )

    def _service(self, name: str, process: Process, args: IngressArgs) -> k8s.core.v1.Service:
        attributes = {"deregistration_delay.timeout_seconds": process.pre_stop_seconds}
        sticky = {
            "stickiness.enabled": "true",
            "stickiness.type": "lb_cookie",
            "stickiness.lb_cookie.duration_seconds": _STICKY_SECONDS,
        }
        return k8s.core.v1.Service(
            f"{name}-{process.name}",
            metadata=metadata(
                process.name,
                args.namespace,
                {
                    # A service's own word goes before the Ingress's.
                    f"{_ALB}/healthcheck-path": process.ready,
                    f"{_ALB}/target-group-attributes": _pairs(
                        attributes | (sticky if args.entrance.sticky else {})
                    ),
                    # Services are made before their pods and have nothing to wait for.
                    "pulumi.com/skipAwait": "true",
                },
            ),
            spec=k8s.core.v1.ServiceSpecArgs(
                type="ClusterIP",
                selector={NAME_LABEL: process.name},
                ports=[
                    k8s.core.v1.ServicePortArgs(
                        name="http", port=process.port or 0, target_port="http"
                    )
                ],
            ),
            opts=self.child(),
        )

    def _record(self, name: str, domain: str, zone_id: str, region: str) -> None:
        balancers = aws.lb.get_hosted_zone_id_output(
            region=region,
            load_balancer_type="application",
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        aws.route53.Record(
            name,
            zone_id=zone_id,
            name=domain,
            type="A",
            aliases=[
                aws.route53.RecordAliasArgs(
                    name=self.hostname, zone_id=balancers.id, evaluate_target_health=False
                )
            ],
            opts=self.child(),
        )


def _annotations(args: IngressArgs) -> dict[str, pulumi.Input[str]]:
    entrance = args.entrance
    attributes: dict[str, pulumi.Input[object]] = {
        "idle_timeout.timeout_seconds": BALANCER_IDLE_SECONDS,
        "routing.http.drop_invalid_header_fields.enabled": "true",
        "routing.http2.enabled": "true",
    }
    if entrance.log_bucket is not None:
        attributes |= {
            "access_logs.s3.enabled": "true",
            "access_logs.s3.bucket": entrance.log_bucket,
            "access_logs.s3.prefix": BALANCER,
        }
    found: dict[str, pulumi.Input[str]] = {
        "load-balancer-name": args.names.of("web", longest=LOAD_BALANCER),
        "scheme": "internet-facing",
        "target-type": "ip",
        "ip-address-type": "ipv4",
        "subnets": pulumi.Output.all(*entrance.subnet_ids).apply(",".join),
        "load-balancer-attributes": pulumi.Output.all(**attributes).apply(_pairs),
        "listen-ports": '[{"HTTP":80}]',
        "healthcheck-port": "traffic-port",
        "healthcheck-interval-seconds": "10",
        "healthcheck-timeout-seconds": "6",
        "healthy-threshold-count": "2",
        "unhealthy-threshold-count": "2",
        "success-codes": "200",
        "tags": _pairs(args.tags),
    }
    if entrance.certificate_arn is not None:
        found |= {
            "listen-ports": '[{"HTTP":80},{"HTTPS":443}]',
            "ssl-redirect": "443",
            "ssl-policy": _TLS_POLICY,
            "certificate-arn": entrance.certificate_arn,
        }
    if entrance.web_acl_arn is not None:
        found["wafv2-acl-arn"] = entrance.web_acl_arn
    return {f"{_ALB}/{key}": value for key, value in found.items()} | {
        # By itself the engine would wait for pods, and pods wait for this.
        "pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress[0].hostname}"
    }


def _pairs(values: Mapping[str, object]) -> str:
    return ",".join(f"{key}={value}" for key, value in values.items())


def _path(pattern: str, process: str) -> k8s.networking.v1.HTTPIngressPathArgs:
    return k8s.networking.v1.HTTPIngressPathArgs(
        path=pattern,
        # Patterns are the balancer's, and are tried in this order.
        path_type="ImplementationSpecific",
        backend=k8s.networking.v1.IngressBackendArgs(
            service=k8s.networking.v1.IngressServiceBackendArgs(
                name=process, port=k8s.networking.v1.ServiceBackendPortArgs(name="http")
            )
        ),
    )


def _hostname(status: k8s.networking.v1.outputs.IngressStatus | None) -> str:
    """Where there is no controller, as in tests, there is no balancer either."""
    balancers = status.load_balancer.ingress if status and status.load_balancer else None
    return (balancers[0].hostname if balancers else None) or "localhost"
