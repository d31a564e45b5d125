"""Roles' trust policies: which service may take a role."""

import json


def service_trust(service: str) -> str:
    """The trust of an AWS service, by the first part of its name: `lambda`."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": f"{service}.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    )
