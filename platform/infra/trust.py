"""Roles' trust policies: which service may take a role."""

import json
from collections.abc import Mapping


def service_trust(service: str, conditions: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """The trust of an AWS service, by the first part of its name: `lambda`.

    Args:
        conditions: When it may; operator to condition key to value.
    """
    statement: dict[str, object] = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    if conditions:
        statement["Condition"] = conditions
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
