"""What the firewall looks at, in its order. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

# Where bodies are media: a rule that looks for scripts in them finds some sooner or later. Such
# requests are let in once they have passed what is asked of everybody.
MEDIA_PATHS = "^/(v1/tus|v1/uploads/simple|api/uploader/upload)(/|$)"


@dataclass(frozen=True)
class ManagedGroup:
    """A group of rules that AWS keeps.

    Args:
        name: AWS' name of it.
        only_counts: Rules in it that count and stop nobody.
    """

    name: str
    only_counts: Sequence[str] = ()

    @property
    def short_name(self) -> str:
        return self.name.removeprefix("AWSManagedRules").removesuffix("RuleSet")


OF_EVERYBODY = ManagedGroup("AWSManagedRulesAmazonIpReputationList")
OF_BODIES = (
    ManagedGroup("AWSManagedRulesKnownBadInputsRuleSet"),
    ManagedGroup(
        "AWSManagedRulesCommonRuleSet",
        only_counts=(
            # Completing an upload of many parts takes more than the 8 KB that it allows.
            "SizeRestrictions_BODY",
            # Programs that call the API need not say what they are.
            "NoUserAgent_HEADER",
        ),
    ),
    ManagedGroup("AWSManagedRulesSQLiRuleSet"),
)
