"""The edge: certificates, firewalls, and CloudFront in front of the media."""

from dataclasses import dataclass

import pulumi

from infra.component import Component
from infra.config.settings import Edge as EdgeSettings
from infra.edge.api_gateway import ApiGateway, ApiGatewayArgs
from infra.edge.certificate import Certificate, CertificateArgs
from infra.edge.delivery import Delivery, DeliveryArgs, Site, media_domain
from infra.edge.firewall import RATE_WINDOW_SECONDS, Firewall, FirewallArgs
from infra.program.context import Context
from infra.program.ground import Ground
from infra.program.state import State

_VIEWING = 10


@dataclass(frozen=True)
class EdgeArgs:
    context: Context
    ground: Ground
    state: State


class Edge(Component):
    """Where clients come in.

    Attributes:
        certificate_arn: Of the site, for the load balancer; None without a name.
        firewall_arn: Of scope REGIONAL, if any.
        delivery: The distribution, if any.
    """

    KIND = "program:Edge"

    certificate_arn: pulumi.Input[str] | None = None
    firewall_arn: pulumi.Output[str] | None = None
    delivery: Delivery | None = None

    def __init__(
        self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._context = args.context
        edge = args.context.settings.edge
        if edge.certificate_arn:
            self.certificate_arn = edge.certificate_arn
        elif edge.domain and edge.hosted_zone_id:
            self.certificate_arn = self._certificate(
                "site", edge.domain, edge.hosted_zone_id, self.child()
            )
        if edge.waf:
            self.firewall_arn = self._firewall("firewall", "REGIONAL", args, self.child())
        if edge.cdn:
            self.delivery = self._delivery(args)
            if args.state.read_by is not None:
                args.state.read_by(self.delivery.arn)
        self.register_outputs({})

    def gateway(self, site: pulumi.Output[str]) -> pulumi.Output[str] | None:
        """API Gateway in front of the site, where the stack has one; its address."""
        edge = self._context.settings.edge
        if not edge.api_gateway:
            return None
        made = ApiGateway(
            "api-gateway",
            ApiGatewayArgs(
                names=self._context.names,
                site=site,
                requests_per_second=edge.api_gateway_rate,
                burst=2 * edge.api_gateway_rate,
                requests_per_month=edge.api_gateway_monthly,
                cache=edge.api_gateway_cache,
                firewall_arn=self.firewall_arn,
            ),
            opts=self.child(),
        )
        return made.url

    def _delivery(self, args: EdgeArgs) -> Delivery:
        context, edge = args.context, args.context.settings.edge
        there = self.child(providers=[context.cdn_provider])
        site = None
        if edge.domain and edge.hosted_zone_id:
            site = Site(
                edge.domain,
                self._certificate("media", media_domain(edge.domain), edge.hosted_zone_id, there),
                edge.hosted_zone_id,
            )
        return Delivery(
            "delivery",
            DeliveryArgs(
                names=context.names,
                bucket=args.state.buckets.media,
                log_target=args.state.buckets.log_target,
                site=site,
                firewall_arn=self._firewall("cdn-firewall", "CLOUDFRONT", args, there)
                if edge.waf
                else None,
                public_keys=edge.cdn_public_keys or {},
                private_keys=edge.cdn_private_keys or {},
                signing_key=edge.cdn_signing_key or "",
                secrets_key=args.ground.keys.arn("secrets"),
                recoverable=context.settings.general.protect,
                us_east_1=context.cdn_provider,
            ),
            opts=self.child(),
        )

    def _certificate(
        self, name: str, domain: str, zone_id: str, opts: pulumi.ResourceOptions
    ) -> pulumi.Output[str]:
        return Certificate(name, CertificateArgs(domain, zone_id), opts=opts).arn

    def _firewall(
        self, name: str, scope: str, args: EdgeArgs, opts: pulumi.ResourceOptions
    ) -> pulumi.Output[str]:
        context = args.context
        here = scope == "REGIONAL"
        limit = rate_limit(context.settings.edge, viewers=not here)
        return Firewall(
            name,
            FirewallArgs(
                names=context.names,
                scope="REGIONAL" if here else "CLOUDFRONT",
                rate_limit=limit,
                log_retention_days=context.settings.application.log_retention_days,
                # The key of logs is known in the stack's region only.
                logs_key=args.ground.keys.arn("logs") if here else None,
            ),
            opts=opts,
        ).arn


def rate_limit(edge: EdgeSettings, *, viewers: bool) -> int:
    """What one address may ask for in the firewall's window.

    Args:
        viewers: They come to the media; others to the site.
    """
    if viewers:
        # A viewer takes some fifty segments in the time in which a page takes a few.
        return edge.waf_rate_limit * _VIEWING
    # What has passed API Gateway comes from few addresses, all of them AWS': as much as one key
    # may ask for has to get through.
    passed = edge.api_gateway_rate * RATE_WINDOW_SECONDS if edge.api_gateway else 0
    return max(edge.waf_rate_limit, passed)
