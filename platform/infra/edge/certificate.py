"""A certificate for one name, proven by a record in its zone."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component

_TTL_SECONDS = 300


@dataclass(frozen=True)
class CertificateArgs:
    """What `Certificate` takes.

    Args:
        domain: The name.
        zone_id: Route 53 zone that it is in.
    """

    domain: str
    zone_id: str


class Certificate(Component):
    """A certificate of ACM, in the region of the component's provider.

    CloudFront takes only those of us-east-1, load balancers only those of their own region.

    Attributes:
        arn: Known once the certificate is proven.
    """

    KIND = "edge:Certificate"

    def __init__(
        self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        certificate = aws.acm.Certificate(
            name,
            domain_name=args.domain,
            validation_method="DNS",
            opts=self.child(),
        )
        asked = certificate.domain_validation_options.apply(lambda options: options[0])
        record = aws.route53.Record(
            name,
            zone_id=args.zone_id,
            name=asked.apply(lambda option: str(option.resource_record_name)),
            type=asked.apply(lambda option: str(option.resource_record_type)),
            records=[asked.apply(lambda option: str(option.resource_record_value))],
            ttl=_TTL_SECONDS,
            # ACM asks for the same record in every region and for every stack of a name.
            allow_overwrite=True,
            opts=self.child(),
        )
        proven = aws.acm.CertificateValidation(
            name,
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=self.child(),
        )
        self.arn = proven.certificate_arn
        self.register_outputs({"arn": self.arn})
