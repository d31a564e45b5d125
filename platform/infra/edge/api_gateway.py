"""API Gateway in front of the API: keys, usage plans, throttling, and a cache (`gateway_routes`).

An option beside the load balancer, for who hands out keys to other parties. Media and parts of
uploads do not pass it; a request may have 10 MB and 29 s.
"""

import json
from dataclasses import asdict, dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.edge.gateway_routes import PROXY, ROUTES, Route
from infra.names import Names

_STAGE = "live"
_LONGEST_MILLISECONDS = 29_000
_IGNORED = "SUCCEED_WITHOUT_RESPONSE_HEADER"


@dataclass(frozen=True)
class ApiGatewayArgs:
    """What `ApiGateway` takes.

    Args:
        names: Of the stack.
        site: What requests are passed on to: `https://videos.example`.
        requests_per_second: Of one key.
        burst: Of one key, at once.
        requests_per_month: Of one key.
        cache: A cache of half a GB, which costs by the hour.
        firewall_arn: Of scope REGIONAL.
    """

    names: Names
    site: pulumi.Input[str]
    requests_per_second: int
    burst: int
    requests_per_month: int
    cache: bool
    firewall_arn: pulumi.Input[str] | None


class ApiGateway(Component):
    """A REST API that passes everything on to the site.

    Attributes:
        url: Stands before a path of the API. The first key is asked of API Gateway, and is in no
            output.
    """

    KIND = "edge:ApiGateway"

    def __init__(
        self, name: str, args: ApiGatewayArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        api = aws.apigateway.RestApi(
            name,
            name=args.names.of("api"),
            endpoint_configuration={"types": "REGIONAL"},
            # Bodies are passed on as they are and not read as text.
            binary_media_types=["*/*"],
            opts=self.child(),
        )
        passed = [self._route(f"{name}-{route.name}", api, route, args.site) for route in ROUTES]
        deployment = aws.apigateway.Deployment(
            name,
            rest_api=api.id,
            # A deployment is a copy of the routes: another is made when they change.
            triggers={
                "routes": json.dumps([asdict(route) for route in ROUTES]),
                "site": args.site,
            },
            opts=self.child(depends_on=passed),
        )
        stage = aws.apigateway.Stage(
            name,
            rest_api=api.id,
            deployment=deployment.id,
            stage_name=_STAGE,
            cache_cluster_enabled=args.cache,
            cache_cluster_size="0.5" if args.cache else None,
            xray_tracing_enabled=True,
            opts=self.child(),
        )
        self._settings(name, api, stage, args)
        if args.firewall_arn is not None:
            aws.wafv2.WebAclAssociation(
                name,
                resource_arn=stage.arn,
                web_acl_arn=args.firewall_arn,
                opts=self.child(),
            )
        plan = aws.apigateway.UsagePlan(
            name,
            name=args.names.of("api"),
            api_stages=[{"api_id": api.id, "stage": stage.stage_name}],
            throttle_settings={"rate_limit": args.requests_per_second, "burst_limit": args.burst},
            quota_settings={"limit": args.requests_per_month, "period": "MONTH"},
            opts=self.child(),
        )
        key = aws.apigateway.ApiKey(name, name=args.names.of("api"), opts=self.child())
        aws.apigateway.UsagePlanKey(
            name, usage_plan_id=plan.id, key_id=key.id, key_type="API_KEY", opts=self.child()
        )
        self.url = stage.invoke_url
        self.register_outputs({"url": self.url})

    def _route(
        self, name: str, api: aws.apigateway.RestApi, route: Route, site: pulumi.Input[str]
    ) -> aws.apigateway.Integration:
        resource = aws.apigateway.Resource(
            name,
            rest_api=api.id,
            parent_id=api.root_resource_id,
            path_part=route.path,
            opts=self.child(),
        )
        rest = route.path == PROXY
        method = aws.apigateway.Method(
            name,
            rest_api=api.id,
            resource_id=resource.id,
            http_method=route.method,
            # Who calls is told by the API itself, from the Authorization header.
            authorization="NONE",
            api_key_required=route.needs_key,
            request_parameters={"method.request.path.proxy": True} if rest else {},
            opts=self.child(),
        )
        return aws.apigateway.Integration(
            name,
            rest_api=api.id,
            resource_id=resource.id,
            http_method=method.http_method,
            type="HTTP_PROXY",
            integration_http_method=route.method,
            uri=pulumi.Output.concat(site, "/", "{proxy}" if rest else route.path),
            request_parameters={"integration.request.path.proxy": "method.request.path.proxy"}
            if rest
            else {},
            timeout_milliseconds=_LONGEST_MILLISECONDS,
            opts=self.child(),
        )

    def _settings(
        self,
        name: str,
        api: aws.apigateway.RestApi,
        stage: aws.apigateway.Stage,
        args: ApiGatewayArgs,
    ) -> None:
        throttled: aws.apigateway.MethodSettingsSettingsArgsDict = {
            "metrics_enabled": True,
            "throttling_rate_limit": args.requests_per_second,
            "throttling_burst_limit": args.burst,
        }
        everywhere = aws.apigateway.MethodSettings(
            name,
            rest_api=api.id,
            stage_name=stage.stage_name,
            method_path="*/*",
            settings={**throttled, "caching_enabled": False},
            opts=self.child(),
        )
        for route in ROUTES if args.cache else ():
            if route.cached_seconds:
                aws.apigateway.MethodSettings(
                    f"{name}-{route.name}",
                    rest_api=api.id,
                    stage_name=stage.stage_name,
                    method_path=route.settings_path,
                    settings={
                        **throttled,
                        "caching_enabled": True,
                        "cache_ttl_in_seconds": route.cached_seconds,
                        "cache_data_encrypted": True,
                        "require_authorization_for_cache_control": True,
                        # Anybody may ask for a fresh answer, and gets the kept one.
                        "unauthorized_cache_control_header_strategy": _IGNORED,
                    },
                    # One patch of a stage at a time.
                    opts=self.child(depends_on=[everywhere]),
                )
