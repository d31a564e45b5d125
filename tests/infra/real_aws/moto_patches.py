"""Where moto forgets what it was told, or says it otherwise than AWS does; importing it patches.

The provider compares what it reads with what the program says, so each of these was a change in
every further `up`, or ended the run. What moto lacks altogether is left out by `SKIPPED`.
"""

import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import moto.apigateway.responses as gateway
import moto.awslambda.models as functions
import moto.backup.responses as backup
import moto.backup.urls
import moto.budgets.responses as budgets
import moto.cloudfront.models as cdn
import moto.cloudfront.responses as cdn_answers
import moto.ec2.models.launch_templates as templates
import moto.eks.responses as eks
import moto.kinesis.responses as kinesis
import moto.rds.models as rds
import moto.s3.responses as s3
import moto.ses.models as ses
import moto.sesv2.responses as mail
import moto.sesv2.urls
import moto.sqs.models as sqs
from moto.core.responses import EmptyResult

_Method = Callable[..., Any]


def _instead_of(owner: type, name: str) -> Callable[[_Method], _Method]:
    """The decorated is called with the method that it replaces, None if there is none."""

    def patch(method: _Method) -> _Method:
        plain = getattr(owner, name, None)
        setattr(owner, name, lambda self, *args, **more: method(plain, self, *args, **more))
        return method

    return patch


@_instead_of(templates.LaunchTemplate, "create_version")
def _tags_of_what_is_launched(plain: _Method, self: Any, data: Any, description: Any) -> Any:
    """A template's own tags are not among them."""
    if "TagSpecifications" in data:
        data["TagSpecifications"] = [
            each for each in data["TagSpecifications"] if each["ResourceType"] != "launch-template"
        ]
    return plain(self, data, description)


@_instead_of(eks.EKSResponse, "create_nodegroup")
def _how_groups_are_updated(plain: _Method, self: Any) -> Any:
    answer = plain(self)
    groups = self.eks_backend.clusters[self._get_param("name")].nodegroups
    groups[self._get_param("nodegroupName")].update_config = self._get_param("updateConfig")
    return answer


@_instead_of(rds.RDSBackend, "create_db_instance")
def _performance_insights(plain: _Method, self: Any, asked: dict[str, Any]) -> Any:
    return _with_insights(plain(self, asked), asked)


@_instead_of(rds.RDSBackend, "create_db_instance_read_replica")
def _replica(plain: _Method, self: Any, asked: dict[str, Any]) -> Any:
    """It is another instance than the writer, and its own settings are not the writer's."""
    made = plain(self, asked)
    made.dbi_resource_id = f"db-{uuid.uuid4().hex.upper()}"
    made.enabled_cloudwatch_logs_exports = asked.get("enable_cloudwatch_logs_exports", [])
    made.tags = asked.get("tags", [])
    return _with_insights(made, asked)


def _with_insights(made: Any, asked: dict[str, Any]) -> Any:
    made.performance_insights_enabled = asked.get("enable_performance_insights", False)
    for name in ("performance_insights_kms_key_id", "performance_insights_retention_period"):
        setattr(made, name, asked.get(name))
    return made


@_instead_of(s3.S3Response, "serialized")
def _settings_of_bucket(plain: _Method, self: Any, result: Any) -> Any:
    """The keys of access logs, which versions are replicated, and that EventBridge is told."""
    answer = result.result
    if self.data.get("Action") == "GetBucketNotificationConfiguration":
        kept = self.backend.get_bucket_notification_configuration(self.bucket_name)
        if kept.event_bridge is not None:
            answer["EventBridgeConfiguration"] = {}
    if isinstance(answer, dict) and (enabled := answer.get("LoggingEnabled")):
        kept = self.backend.get_bucket_logging(self.bucket_name)
        enabled["TargetObjectKeyFormat"] = kept.get("TargetObjectKeyFormat")
    if isinstance(answer, dict) and (replication := answer.get("ReplicationConfiguration")):
        kept = self.backend.get_bucket_replication(self.bucket_name)
        for rule, set_ in zip(replication["Rules"], kept["Rule"], strict=True):
            for name in ("DeleteMarkerReplication", "SourceSelectionCriteria"):
                if name in set_:
                    rule[name] = set_[name]
    return plain(self, result)


@_instead_of(cdn.ViewerCertificate, "__init__")
def _certificate(plain: _Method, self: Any, config: dict[str, Any]) -> None:
    """Who has one of ACM has not CloudFront's own."""
    plain(self, config)
    if self.acm_certificate_arn:
        self.cloud_front_default_certificate = False


@_instead_of(cdn.DefaultCacheBehaviour, "__init__")
def _what_is_forwarded(plain: _Method, self: Any, config: dict[str, Any]) -> None:
    """That is for who has no cache policy."""
    plain(self, config)
    if self.cache_policy_id:
        self.forwarded_values = None


@_instead_of(cdn_answers.CloudFrontResponse, "delete_key_group")
def _end_of_key_group(_plain: None, self: Any) -> Any:
    del self.backend.key_groups[self._get_param("Id")]
    return EmptyResult()


@_instead_of(functions.LambdaFunction, "__init__")
def _spec_of_function(plain: _Method, self: Any, *args: Any, **more: Any) -> None:
    plain(self, *args, **more)
    self.logging_config = (more.get("spec") or args[0]).get("LoggingConfig")


@_instead_of(functions.LambdaFunction, "get_configuration")
def _logs_of_function(plain: _Method, self: Any, *args: Any, **more: Any) -> Any:
    return plain(self, *args, **more) | {"LoggingConfig": self.logging_config}


@_instead_of(backup.BackupResponse, "list_tags")
def _tags_of_backups(_plain: _Method, self: Any) -> str:
    """Whether or not the path ends in a slash."""
    arn = unquote(self.path.rstrip("/").rpartition("/")[2])
    return json.dumps({"Tags": self.backup_backend.list_tags(resource_arn=arn)})


@_instead_of(backup.BackupResponse, "list_recovery_points_by_backup_vault")
def _recovery_points(_plain: None, _self: Any) -> str:
    """There are none; who destroys a vault asks first."""
    return json.dumps({"RecoveryPoints": []})


moto.backup.urls.url_paths["{0}/backup-vaults/(?P<name>[^/]+)/recovery-points/?$"] = (
    backup.BackupResponse.dispatch
)


@_instead_of(budgets.BudgetsResponse, "create_budget")
def _tags_of_a_new_budget(plain: _Method, self: Any) -> Any:
    answer = plain(self)
    self.backend.budgets[self._get_param("AccountId")][
        self._get_param("Budget")["BudgetName"]
    ].tags = self._get_param("ResourceTags", [])
    return answer


@_instead_of(budgets.BudgetsResponse, "list_tags_for_resource")
def _tags_of_a_budget(_plain: None, self: Any) -> str:
    account, _, name = self._get_param("ResourceARN").split(":", 4)[4].partition(":budget/")
    return json.dumps({"ResourceTags": self.backend.budgets[account][name].tags})


@_instead_of(budgets.BudgetsResponse, "describe_subscribers_for_notification")
def _who_is_told_of_a_budget(_plain: None, self: Any) -> str:
    budget = self.backend.budgets[self._get_param("AccountId")][self._get_param("BudgetName")]
    asked = self._get_param("Notification")
    found = [
        each.subscribers
        for each in budget.notifications
        if all(each.details.get(key) == value for key, value in asked.items())
    ]
    return json.dumps({"Subscribers": found[0] if found else []})


@_instead_of(ses.ConfigurationSet, "to_dict_v2")
def _options_of_mail(plain: _Method, self: Any) -> Any:
    """What was not set is not there; and an object is not whether mail is sent."""
    told = {key: value for key, value in plain(self).items() if value != {}}
    return told | {"SendingOptions": {"SendingEnabled": True}}


@_instead_of(mail.SESV2Response, "list_tags_for_resource")
def _tags_of_senders(plain: _Method, self: Any) -> Any:
    kind, _, name = self._get_param("ResourceArn").rpartition(":")[2].partition("/")
    if kind != "identity":
        return plain(self)
    return json.dumps({"Tags": self.sesv2_backend.get_email_identity(name).tags})


@_instead_of(mail.SESV2Response, "get_email_identity")
def _proofs_of_senders(plain: _Method, self: Any) -> str:
    """The keys that mail is signed with, and where bounces go."""
    told = json.loads(plain(self))
    sender = self.sesv2_backend.get_email_identity(self._get_param("EmailIdentity"))
    told["DkimAttributes"] |= {
        "SigningEnabled": True,
        "Status": "SUCCESS",
        "Tokens": ["first", "second", "third"],
    }
    if domain := getattr(sender, "mail_from", None):
        told["MailFromAttributes"] = {
            "MailFromDomain": domain,
            "MailFromDomainStatus": "SUCCESS",
            "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
        }
    return json.dumps(told)


@_instead_of(mail.SESV2Response, "put_email_identity_mail_from_attributes")
def _where_bounces_go(_plain: None, self: Any) -> str:
    sender = self.sesv2_backend.get_email_identity(self._get_param("EmailIdentity"))
    sender.mail_from = self._get_param("MailFromDomain")
    return "{}"


moto.sesv2.urls.url_paths["{0}/v2/email/identities/(?P<name>[^/]+)/mail-from$"] = (
    mail.SESV2Response.dispatch
)


@_instead_of(kinesis.KinesisResponse, "create_stream")
def _tags_of_stream(plain: _Method, self: Any) -> Any:
    answer = plain(self)
    if tags := self._get_param("Tags"):
        self.kinesis_backend.add_tags_to_stream(None, self._get_param("StreamName"), tags)
    return answer


@_instead_of(gateway.APIGatewayResponse, "create_rest_api")
def _binary_bodies(plain: _Method, self: Any) -> Any:
    answer = plain(self)
    if types := self._get_param("binaryMediaTypes"):
        made = json.loads(answer[2])
        self.backend.get_rest_api(made["id"]).binaryMediaTypes = types
        answer = (*answer[:2], json.dumps(made | {"binaryMediaTypes": types}))
    return answer


def _no_scaling(_self: Any) -> None:
    """Of the first Aurora Serverless, which nobody asks for."""


rds.DBCluster.scaling_configuration_info = property(_no_scaling)  # type: ignore[assignment]  # a patch
_attributes = sqs.Queue.attributes


def _of_queue(self: Any) -> Any:
    """AWS gives the JSON back as short as it can be."""
    found = _attributes.__get__(self)
    if "RedrivePolicy" in found:
        found["RedrivePolicy"] = json.dumps(self.redrive_policy, separators=(",", ":"))
    return found


sqs.Queue.attributes = property(_of_queue)  # type: ignore[assignment]  # a patch
