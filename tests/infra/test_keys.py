"""Keys per class of data, and who may use them."""

import json
from typing import Any

import pulumi
import pytest

from infra.ground.keys import USES, Keys, KeysArgs, Use, key_policy
from infra.names import Names
from tests.infra.recorder import Recording, record

_ACCOUNT = "123456789012"


def _keys(*, customer_managed: bool = True, protect: bool = False) -> Recording:
    def program() -> None:
        args = KeysArgs(
            Names("spool", "dev"), pulumi.Output.from_input(_ACCOUNT), "us-east-1",
            customer_managed=customer_managed, protect=protect,
        )  # fmt: skip
        pulumi.export("media", Keys("keys", args).arn("media"))

    return record(program)


def _statements(use: Use) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in key_policy(use, _ACCOUNT, "us-east-1")["Statement"]}


def test_a_key_and_an_alias_per_class() -> None:
    recording = _keys()
    keys = {each.name: each for each in recording.of_type("aws:kms/key:Key")}
    assert set(keys) == {f"keys-{use}" for use in USES}
    assert all(each.inputs["enableKeyRotation"] for each in keys.values())
    assert {each.inputs["name"] for each in recording.of_type("aws:kms/alias:Alias")} == {
        f"alias/spool-{use}-dev" for use in USES
    }
    assert json.loads(keys["keys-media"].inputs["policy"]) == key_policy(
        "media", _ACCOUNT, "us-east-1"
    )
    assert recording.outputs["media"].endswith("keys-media")


def test_of_aws_own_keys_none_is_named() -> None:
    recording = _keys(customer_managed=False)
    assert recording.of_type("aws:kms/key:Key") == []
    assert recording.outputs.get("media") is None


def test_protected_keys_take_a_month_to_go() -> None:
    for protect, days in ((True, 30), (False, 7)):
        keys = _keys(protect=protect).of_type("aws:kms/key:Key")
        assert {(each.protect, each.inputs["deletionWindowInDays"]) for each in keys} == {
            (protect, days)
        }


@pytest.mark.parametrize("use", USES)
def test_guests_come_from_this_account_only(use: Use) -> None:
    statements = _statements(use)
    administration = statements.pop("AccountByItsPolicies")
    assert administration["Principal"] == {"AWS": f"arn:aws:iam::{_ACCOUNT}:root"}
    for statement in statements.values():
        assert _ACCOUNT in json.dumps(statement["Condition"])
        assert not any("*" in action for action in statement["Action"])


def test_services_that_encrypt_in_their_own_name() -> None:
    assert _statements("media")["CloudFrontReads"]["Principal"] == {
        "Service": ["cloudfront.amazonaws.com"]
    }
    assert "sns.amazonaws.com" in _statements("messages")["ServicesSend"]["Principal"]["Service"]
    assert _statements("logs")["LogGroups"]["Principal"] == {
        "Service": ["logs.us-east-1.amazonaws.com"]
    }
    for use in ("database", "secrets"):
        assert list(_statements(use)) == ["AccountByItsPolicies"]


def test_only_launchers_of_nodes_open_volumes() -> None:
    for statement in (
        _statements("cluster")["LaunchersUse"],
        _statements("cluster")["LaunchersLend"],
    ):
        roles = statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]
        assert all(f"{_ACCOUNT}:role/aws-service-role/" in role for role in roles)
    lend = _statements("cluster")["LaunchersLend"]
    assert lend["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}
