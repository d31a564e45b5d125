"""What the stack may cost: a budget by its tag, told of at 80 % and 100 %, spent and forecast."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.names import Names


@dataclass(frozen=True)
class BudgetsArgs:
    """What `Budgets` takes.

    Args:
        monthly_usd: The limit.
        topic_arn: Where it is told; its policy lets AWS Budgets in.
        emails: Who is told besides.
    """

    names: Names
    monthly_usd: int
    topic_arn: pulumi.Input[str]
    emails: Sequence[str]


class Budgets(Component):
    """One monthly budget of what carries the stack's tag."""

    KIND = "day-two:Budgets"

    def __init__(
        self, name: str, args: BudgetsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        aws.budgets.Budget(
            name,
            name=args.names.of("budget", longest=100),
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(args.monthly_usd),
            limit_unit="USD",
            # The tag has to be activated for billing once, in the payer's account.
            cost_filters=[
                aws.budgets.BudgetCostFilterArgs(
                    name="TagKeyValue", values=[f"user:stack${args.names.stack}"]
                )
            ],
            notifications=[
                aws.budgets.BudgetNotificationArgs(
                    comparison_operator="GREATER_THAN",
                    threshold=threshold,
                    threshold_type="PERCENTAGE",
                    notification_type=kind,
                    subscriber_sns_topic_arns=[args.topic_arn],
                    subscriber_email_addresses=list(args.emails),
                )
                for threshold, kind in ((80, "ACTUAL"), (100, "ACTUAL"), (100, "FORECASTED"))
            ],
            opts=self.child(),
        )
        self.register_outputs({})
