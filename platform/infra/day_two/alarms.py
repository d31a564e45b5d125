"""Alarms of CloudWatch, each to one topic."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.day_two.watch import Metric, Watch
from infra.names import Names


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    """What `Alarms` takes.

    Args:
        account: Id of the account; the topic takes from nobody else.
        watches: What is watched; those without metrics of CloudWatch are Prometheus' business.
        places: By name, what dimensions of metrics refer to.
        emails: Who subscribes; each confirms by a link.
        kms_key: ARN of the key of messages; its policy lets CloudWatch in.
    """

    names: Names
    account: pulumi.Input[str]
    watches: Sequence[Watch]
    places: Mapping[str, pulumi.Input[str]]
    emails: Sequence[str]
    kms_key: pulumi.Input[str] | None


class Alarms(Component):
    """A topic, and an alarm for everything that is watched.

    Attributes:
        topic_arn: Where alarms and budgets are told.
    """

    KIND = "day-two:Alarms"

    topic_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        topic = aws.sns.Topic(
            name,
            name=args.names.of("alarms"),
            kms_master_key_id=args.kms_key,
            opts=self.child(),
        )
        policy = aws.sns.TopicPolicy(
            name,
            arn=topic.arn,
            policy=pulumi.Output.all(topic.arn, args.account).apply(
                lambda known: json.dumps(_may_publish(*known))
            ),
            opts=self.child(),
        )
        for email in args.emails:
            aws.sns.TopicSubscription(
                f"{name}-{email}",
                topic=topic.arn,
                protocol="email",
                endpoint=email,
                opts=self.child(),
            )
        for watch in args.watches:
            if watch.metrics:
                self._alarm(name, args, watch, topic, policy)
        # Whoever tells the topic something does so when it may be told.
        self.topic_arn = pulumi.Output.all(topic.arn, policy.id).apply(lambda known: str(known[0]))
        self.register_outputs({"topic_arn": self.topic_arn})

    def _alarm(
        self,
        name: str,
        args: AlarmsArgs,
        watch: Watch,
        topic: aws.sns.Topic,
        policy: aws.sns.TopicPolicy,
    ) -> None:
        queries = [
            aws.cloudwatch.MetricAlarmMetricQueryArgs(
                id=id_,
                metric=_metric(metric, args.places),
                return_data=watch.expression is None,
            )
            for id_, metric in watch.metrics.items()
        ]
        if watch.expression is not None:
            queries.append(
                aws.cloudwatch.MetricAlarmMetricQueryArgs(
                    id="watched", expression=watch.expression, label=watch.name, return_data=True
                )
            )
        aws.cloudwatch.MetricAlarm(
            f"{name}-{watch.name}",
            name=args.names.of(watch.name, longest=255),
            alarm_description=watch.about,
            comparison_operator="LessThanThreshold" if watch.below else "GreaterThanThreshold",
            threshold=watch.threshold,
            evaluation_periods=watch.periods,
            # No messages, no requests, no errors: what has nothing to count is not measured.
            treat_missing_data="notBreaching",
            metric_queries=queries,
            alarm_actions=[topic.arn],
            ok_actions=[topic.arn],
            opts=self.child(depends_on=[policy]),
        )


def _metric(
    metric: Metric, places: Mapping[str, pulumi.Input[str]]
) -> aws.cloudwatch.MetricAlarmMetricQueryMetricArgs:
    return aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
        namespace=metric.namespace,
        metric_name=metric.name,
        stat=metric.statistic,
        period=metric.period,
        dimensions={
            dimension: place[1:] if place.startswith("=") else places[place]
            for dimension, place in metric.dimensions.items()
        },
    )


def _may_publish(topic: str, account: str) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": service.partition(".")[0],
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sns:Publish",
                "Resource": topic,
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            }
            for service in (
                "budgets.amazonaws.com",
                "cloudwatch.amazonaws.com",
                "costalerts.amazonaws.com",
                "events.amazonaws.com",
            )
        ],
    }
