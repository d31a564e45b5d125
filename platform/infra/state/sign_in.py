"""A Cognito user pool, for those who take sign-in from there and not from Spool's own accounts."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.names import Names

_LONGEST_DOMAIN = 63


@dataclass(frozen=True)
class SignInArgs:
    """What `SignIn` takes.

    Args:
        names: Of the stack.
        account: Its AWS account id; the name of the sign-in page is unique in a region.
        region: Of the pool.
        pages: Where the pool sends who has signed in, or out.
        protect: Resists deletion.
    """

    names: Names
    account: str
    region: str
    pages: Sequence[str]
    protect: bool


class SignIn(Component):
    """A user pool as an OpenID Connect provider, with one public client.

    Attributes:
        told: `issuer`, as `https://cognito-idp.<region>.amazonaws.com/<pool>`; `client`, the id of
            the console, which has no secret, since a page can keep none; `page`, the URL of the
            sign-in page.
    """

    KIND = "state:SignIn"

    def __init__(
        self, name: str, args: SignInArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        pool = aws.cognito.UserPool(
            name,
            name=args.names.of("people"),
            deletion_protection="ACTIVE" if args.protect else "INACTIVE",
            username_attributes=["email"],
            username_configuration={"case_sensitive": False},
            auto_verified_attributes=["email"],
            account_recovery_setting={
                "recovery_mechanisms": [{"name": "verified_email", "priority": 1}]
            },
            mfa_configuration="OPTIONAL",
            software_token_mfa_configuration={"enabled": True},
            password_policy={
                "minimum_length": 12,
                "require_lowercase": True,
                "require_uppercase": True,
                "require_numbers": True,
                "require_symbols": False,
                "temporary_password_validity_days": 3,
            },
            opts=self.child(protect=args.protect),
        )
        client = aws.cognito.UserPoolClient(
            name,
            name=args.names.of("console"),
            user_pool_id=pool.id,
            generate_secret=False,
            allowed_oauth_flows_user_pool_client=True,
            # The code flow with PKCE; the implicit one would put tokens into addresses.
            allowed_oauth_flows=["code"],
            allowed_oauth_scopes=["openid", "email", "profile"],
            explicit_auth_flows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            supported_identity_providers=["COGNITO"],
            callback_urls=list(args.pages),
            logout_urls=list(args.pages),
            # Tells a wrong password and an unknown address alike.
            prevent_user_existence_errors="ENABLED",
            enable_token_revocation=True,
            access_token_validity=15,
            id_token_validity=15,
            refresh_token_validity=30,
            token_validity_units={
                "access_token": "minutes",
                "id_token": "minutes",
                "refresh_token": "days",
            },
            opts=self.child(),
        )
        domain = aws.cognito.UserPoolDomain(
            name,
            domain=args.names.of(f"sign-in-{args.account}", longest=_LONGEST_DOMAIN),
            user_pool_id=pool.id,
            opts=self.child(),
        )
        issuer = pulumi.Output.format(
            "https://cognito-idp.{0}.amazonaws.com/{1}", args.region, pool.id
        )
        page = pulumi.Output.format(
            "https://{0}.auth.{1}.amazoncognito.com", domain.domain, args.region
        )
        self.told = {"issuer": issuer, "client": client.id, "page": page}
        self.register_outputs(self.told)
