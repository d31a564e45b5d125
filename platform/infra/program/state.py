"""State and what carries it: buckets, messages, secrets, images, sign-in."""

from collections.abc import Callable
from dataclasses import dataclass

import pulumi

from infra.component import Component
from infra.program.context import Context
from infra.program.ground import Ground
from infra.state.bucket_notices import BucketNotices, BucketNoticesArgs
from infra.state.buckets import Buckets, BucketsArgs
from infra.state.mail import Mail, MailArgs
from infra.state.messaging import Messaging, MessagingArgs
from infra.state.registry import Registry, RegistryArgs
from infra.state.secrets import Secrets, SecretsArgs
from infra.state.sign_in import SignIn, SignInArgs
from infra.state.stream import Stream, StreamArgs


@dataclass(frozen=True)
class StateArgs:
    context: Context
    ground: Ground


class State(Component):
    """What is kept, and what is passed on.

    Attributes:
        buckets, messaging, secrets: Always there.
        read_by: To be called with the ARN of the distribution that reads media, where the stack
            has one: the bucket's policy waits for it.
        registry, stream, notices, mail, sign_in: None where the stack has none.
    """

    KIND = "program:State"

    read_by: Callable[[pulumi.Output[str]], None] | None = None
    buckets: Buckets
    messaging: Messaging
    secrets: Secrets
    registry: Registry | None = None
    stream: Stream | None = None
    notices: BucketNotices | None = None
    mail: Mail | None = None
    sign_in: SignIn | None = None

    def __init__(
        self, name: str, args: StateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        context, keys = args.context, args.ground.keys
        names, settings = context.names, context.settings
        general, state, edge = settings.general, settings.state, settings.edge
        sites = [f"https://{edge.domain}"] if edge.domain else ["*"]
        distribution_arn: pulumi.Output[str] | None = None
        if edge.cdn:
            distribution_arn, self.read_by = pulumi.deferred_output()
        self.buckets = Buckets(
            "buckets",
            BucketsArgs(
                names=names,
                account=context.account,
                region=context.region,
                kms_key=keys.arn("media"),
                protect=general.protect,
                source_tiers=state.source_tiers,
                incoming=state.bucket_events != "none",
                replica=context.replica_provider,
                site_origins=sites,
                distribution_arn=distribution_arn,
                log_retention_days=settings.application.log_retention_days,
                trail=context.trail,
            ),
            opts=self.child(),
        )
        self.messaging = Messaging(
            "messaging", MessagingArgs(names, keys.arn("messages")), opts=self.child()
        )
        self.secrets = Secrets(
            "secrets",
            SecretsArgs(names, keys.arn("secrets"), recoverable=general.protect),
            opts=self.child(),
        )
        if state.registry:
            self.registry = Registry(
                "registry",
                RegistryArgs(
                    settings.project,
                    state.registry_keep_images,
                    general.protect,
                    state.registry_delete_images,
                ),
                opts=self.child(),
            )
        if state.kinesis and state.kinesis_project_id:
            self.stream = Stream(
                "stream",
                StreamArgs(
                    names,
                    state.kinesis_shards,
                    state.kinesis_retention_hours,
                    state.kinesis_project_id,
                    keys.arn("messages"),
                ),
                opts=self.child(),
            )
        if state.bucket_events != "none":
            self.notices = BucketNotices(
                "arrivals",
                BucketNoticesArgs(
                    names,
                    context.account,
                    self.buckets.source,
                    state.bucket_events,
                    keys.arn("messages"),
                ),
                opts=self.child(),
            )
        if state.mail_from:
            self.mail = Mail(
                "mail",
                MailArgs(names, context.region, state.mail_from, edge.domain, edge.hosted_zone_id),
                opts=self.child(),
            )
        if state.cognito:
            # Where there is no name yet, the one page that Cognito takes without TLS.
            pages = [f"https://{edge.domain}" if edge.domain else "http://localhost:8080"]
            self.sign_in = SignIn(
                "sign-in",
                SignInArgs(names, context.account, context.region, pages, general.protect),
                opts=self.child(),
            )
        self.register_outputs({})
