"""The user pool: a public client with the code flow, and names that a region takes."""

import pulumi
import pytest

from infra.names import Names
from infra.state.sign_in import SignIn, SignInArgs
from tests.infra.outputs import ACCOUNT
from tests.infra.recorder import record


@pytest.mark.parametrize("protect", [True, False])
def test_a_public_client_with_the_code_flow(protect: bool) -> None:
    def program() -> None:
        args = SignInArgs(
            names=Names("spool", "dev"),
            account=ACCOUNT,
            region="us-east-1",
            pages=["https://videos.example"],
            protect=protect,
        )
        pulumi.export("told", SignIn("sign-in", args).told)

    recording = record(program)
    pool = recording.one("aws:cognito/userPool:UserPool")
    assert pool.inputs["deletionProtection"] == ("ACTIVE" if protect else "INACTIVE")
    assert pool.protect is protect
    client = recording.one("aws:cognito/userPoolClient:UserPoolClient").inputs
    assert (client["generateSecret"], client["allowedOauthFlows"]) == (False, ["code"])
    assert client["preventUserExistenceErrors"] == "ENABLED"
    domain = recording.one("aws:cognito/userPoolDomain:UserPoolDomain").inputs["domain"]
    assert domain == f"spool-sign-in-{ACCOUNT}-dev"
    assert recording.outputs["told"] == {
        "issuer": "https://cognito-idp.us-east-1.amazonaws.com/sign-in-UserPool",
        "client": "sign-in-UserPoolClient",
        "page": f"https://{domain}.auth.us-east-1.amazoncognito.com",
    }
