"""Who mail is from, as SES knows it (docs/events.md)."""

from dataclasses import dataclass
from email.utils import parseaddr

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.grants import Grant, Statement
from infra.names import Names

# SES makes three keys and asks for a record of each.
_DKIM_KEYS = 3
_TTL_SECONDS = 1800


@dataclass(frozen=True)
class MailArgs:
    """What `Mail` takes.

    Args:
        names: Of the stack.
        region: Of SES.
        sender: `Spool <spool@videos.example>`.
        domain: Of the site.
        zone_id: Route 53 zone of the site. Where the sender is of the site's domain, SES is shown
            there that the domain is ours; else it sends a mail to the sender, which somebody has to
            answer once.
    """

    names: Names
    region: str
    sender: str
    domain: str | None
    zone_id: str | None


class Mail(Component):
    """A sender's identity.

    Attributes:
        identity: A domain or an address.
        configuration_set: How mail leaves, and whose metrics tell of bounces.
    """

    KIND = "state:Mail"

    def __init__(
        self, name: str, args: MailArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._address = parseaddr(args.sender)[1]
        proven = mail_domain(self._address, args.domain if args.zone_id else None)
        self.configuration_set = aws.sesv2.ConfigurationSet(
            name,
            configuration_set_name=args.names.of("mail"),
            delivery_options={"tls_policy": "REQUIRE"},
            reputation_options={"reputation_metrics_enabled": True},
            # Who bounced or complained gets nothing more: SES stops senders who go on.
            suppression_options={"suppressed_reasons": ["BOUNCE", "COMPLAINT"]},
            opts=self.child(),
        )
        self.identity = aws.sesv2.EmailIdentity(
            name,
            email_identity=proven or self._address,
            configuration_set_name=self.configuration_set.configuration_set_name,
            opts=self.child(),
        )
        if proven and args.zone_id:
            self._records(name, proven, args.zone_id, args.region)
        self._environment: dict[str, pulumi.Input[str]] = {
            "SPOOL_MAIL": "ses",
            "SPOOL_MAIL_FROM": args.sender,
        }
        self.register_outputs({"identity": self.identity.email_identity})

    def send_grant(self) -> Grant:
        """Sends the mail that rows say, from this sender alone."""
        return Grant(
            [
                Statement(
                    ["ses:SendEmail", "ses:SendRawEmail"],
                    [self.identity.arn, self.configuration_set.arn],
                    {"StringEquals": {"ses:FromAddress": [self._address]}},
                )
            ],
            self._environment,
        )

    def _records(self, name: str, domain: str, zone_id: str, region: str) -> None:
        tokens = self.identity.dkim_signing_attributes.tokens
        for place in range(_DKIM_KEYS):
            token = tokens.apply(lambda found, place=place: (found or [])[place])  # type: ignore[misc]  # of this round
            aws.route53.Record(
                f"{name}-dkim-{place + 1}",
                zone_id=zone_id,
                name=pulumi.Output.format("{0}._domainkey.{1}", token, domain),
                type="CNAME",
                ttl=_TTL_SECONDS,
                records=[pulumi.Output.format("{0}.dkim.amazonses.com", token)],
                opts=self.child(),
            )
        # Bounces go to a name under ours, so that SPF is about our domain and not about Amazon's.
        bounces = aws.sesv2.EmailIdentityMailFromAttributes(
            name,
            email_identity=self.identity.email_identity,
            mail_from_domain=f"bounce.{domain}",
            opts=self.child(),
        )
        for type_, record in (
            ("MX", f"10 feedback-smtp.{region}.amazonses.com"),
            ("TXT", "v=spf1 include:amazonses.com -all"),
        ):
            aws.route53.Record(
                f"{name}-bounce-{type_.lower()}",
                zone_id=zone_id,
                name=bounces.mail_from_domain.apply(str),
                type=type_,
                ttl=_TTL_SECONDS,
                records=[record],
                opts=self.child(),
            )


def mail_domain(address: str, site: str | None) -> str | None:
    """The address's domain, if it is the site's or under it; None where we cannot prove it ours."""
    domain = address.rpartition("@")[2].lower()
    if site is None or not (domain == site or domain.endswith(f".{site}")):
        return None
    return domain
