"""The sender of mail: proven by records where the domain is ours, and nobody else is sent from."""

import pulumi
import pulumi_aws as aws
import pytest

from infra.grants import policy_document
from infra.names import Names
from infra.state.mail import Mail, MailArgs, mail_domain
from tests.infra.outputs import REGION
from tests.infra.policies import statements
from tests.infra.recorder import Recording, record

SENDER = "Spool <spool@mail.videos.example>"


def _mail(domain: str | None, zone: str | None = "Z1") -> Mail:
    return Mail("mail", MailArgs(Names("spool", "dev"), REGION, SENDER, domain, zone))


def _recorded(domain: str | None, zone: str | None = "Z1") -> Recording:
    return record(lambda: (_mail(domain, zone), None)[1])


@pytest.mark.parametrize(
    ("address", "site", "domain"),
    [
        ("a@videos.example", "videos.example", "videos.example"),
        ("a@mail.Videos.example", "videos.example", "mail.videos.example"),
        ("a@othervideos.example", "videos.example", None),
        ("a@example", "videos.example", None),
        ("a@videos.example", None, None),
    ],
)
def test_a_domain_is_ours_if_it_is_the_sites_or_under_it(
    address: str, site: str | None, domain: str | None
) -> None:
    assert mail_domain(address, site) == domain


def test_a_domain_of_ours_is_proven_by_records() -> None:
    recording = _recorded("videos.example")
    identity = recording.one("aws:sesv2/emailIdentity:EmailIdentity")
    assert identity.inputs["emailIdentity"] == "mail.videos.example"
    records = {
        each.name: (each.inputs["type"], each.inputs["name"])
        for each in recording.of_type("aws:route53/record:Record")
    }
    assert records == {
        "mail-dkim-1": ("CNAME", "one._domainkey.mail.videos.example"),
        "mail-dkim-2": ("CNAME", "two._domainkey.mail.videos.example"),
        "mail-dkim-3": ("CNAME", "three._domainkey.mail.videos.example"),
        "mail-bounce-mx": ("MX", "bounce.mail.videos.example"),
        "mail-bounce-txt": ("TXT", "bounce.mail.videos.example"),
    }


@pytest.mark.parametrize(
    ("domain", "zone"), [(None, None), ("other.example", "Z1"), ("videos.example", None)]
)
def test_else_the_address_is_asked(domain: str | None, zone: str | None) -> None:
    recording = _recorded(domain, zone)
    identity = recording.one("aws:sesv2/emailIdentity:EmailIdentity")
    assert identity.inputs["emailIdentity"] == "spool@mail.videos.example"
    assert not recording.of_type("aws:route53/record:Record")


def test_mail_is_sent_from_this_address_alone() -> None:
    def program() -> None:
        grant = _mail("videos.example").send_grant()
        aws.iam.Policy("granted", policy=policy_document(grant.statements))
        pulumi.export("environment", dict(grant.environment))

    recording = record(program)
    (statement,) = statements(recording.one("aws:iam/policy:Policy").inputs["policy"])
    assert statement["Action"] == ["ses:SendEmail", "ses:SendRawEmail"]
    assert statement["Condition"] == {
        "StringEquals": {"ses:FromAddress": ["spool@mail.videos.example"]}
    }
    assert recording.outputs["environment"] == {"SPOOL_MAIL": "ses", "SPOOL_MAIL_FROM": SENDER}
