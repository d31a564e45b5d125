"""What every part of the program is given: settings, names, providers."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.application.autoscaling import database_connections
from infra.config.settings import Settings
from infra.names import Names
from infra.skipping import skip_types
from infra.target import Target, aws_provider

_CDN_REGION = "us-east-1"


@dataclass(frozen=True)
class Context:
    """One stack's settings and ways out.

    Args:
        account: Its AWS account id.
        provider: Of the stack's region.
        cdn_provider: Of us-east-1, the only region that knows CloudFront's certificates.
        replica_provider: Of the region of the copies, if any.
    """

    settings: Settings
    names: Names
    account: str
    provider: aws.Provider
    cdn_provider: aws.Provider
    replica_provider: aws.Provider | None

    @classmethod
    def of(cls, settings: Settings) -> "Context":
        """Explicit providers, one a region, for a target that may not be AWS."""
        general = settings.general
        target = Target.of(general.target)
        skip_types(target.skip_types)

        def provider(name: str, region: str) -> aws.Provider:
            return aws_provider(name, region, settings.tags, target, general.account)

        main = provider("aws", general.region)
        other = settings.state.replica_region
        return cls(
            settings=settings,
            names=Names(settings.project, settings.stack),
            account=aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=main)).account_id,
            provider=main,
            cdn_provider=main
            if general.region == _CDN_REGION
            else provider("aws-edge", _CDN_REGION),
            replica_provider=provider("aws-replica", other) if other else None,
        )

    @property
    def database_connections(self) -> int:
        """What the database takes, from all pods together."""
        database = self.settings.database
        return database_connections(
            database.database, database.database_class, database.aurora_max_acu
        )

    @property
    def trail(self) -> str | None:
        """Name of the account's trail, where this stack makes it."""
        made = self.settings.general.account_baseline
        return self.names.of("trail", longest=128) if made else None

    @property
    def region(self) -> str:
        return self.settings.general.region

    def options(self, *more: pulumi.ProviderResource) -> pulumi.ResourceOptions:
        """Options of a part: what it makes goes to the stack's region unless it says otherwise."""
        return pulumi.ResourceOptions(providers=[self.provider, *more])
