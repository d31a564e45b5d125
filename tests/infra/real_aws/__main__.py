"""Takes the whole program through up, preview, up again and destroy on AWS's Terraform provider.

    LOOPBACK PYTHON -m tests.infra.real_aws dev --tool FOLDER

By hand, not in CI: it takes minutes, and needs a Terraform provider of AWS that CI has not.
What moto lacks is left out by `spool:target`; Kubernetes is the tests' own provider, for which
anything is an object, and the control plane of the cluster an `aws.eks.Cluster`.
"""

import argparse
import json
import os
import runpy
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import grpc
from pulumi import automation
from pulumi.automation.events import EngineEvent

from tests.infra.engine.cloud import Cloud, serve
from tests.infra.programs import ROOT, minimal
from tests.infra.real_aws.cluster import ClusterProvider

# What moto has no answer to, or a wrong one that ends the run, and the provider's type for it.
SKIPPED = (
    "aws:eks/addon:Addon",
    "aws:eks/accessEntry:AccessEntry",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm",
    "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
    "aws:costexplorer/anomalySubscription:AnomalySubscription",
    "aws:backup/selection:Selection",
    "aws:budgets/budget:Budget",
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",
    "aws:cloudfront/cachePolicy:CachePolicy",
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
    "aws:xray/group:Group",
)
_PLUGIN = "#!/bin/sh\necho {}\nexec sleep 86400\n"


def main() -> int:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("preset", choices=["dev", "staging", "prod", "branch"])
    args.add_argument("--tool", required=True, help="Folder of real-aws, built")
    args.add_argument("--skip", action="append", default=[], help="One more type to leave out")
    args.add_argument("--config", action="append", default=[], help="key=value, without spool:")
    chosen = args.parse_args()
    with tempfile.TemporaryDirectory(prefix="real-aws-") as folder:
        return _run(chosen, Path(folder))


def _run(chosen: argparse.Namespace, folder: Path) -> int:
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    servers = _environment(folder, url)
    # By its path, and not called `moto`: its folder comes first where modules are looked for.
    server = Path(__file__).with_name("moto_server.py")
    with (folder / "moto.log").open("w") as log:
        moto = subprocess.Popen(
            [sys.executable, str(server), chosen.tool, str(port)], stdout=log, stderr=log
        )
        try:
            _wait(url)
            config = minimal(chosen.preset) | {"protect": "false"}
            config["target"] = json.dumps(
                {
                    "endpoint": url,
                    "pathStyle": True,
                    "maxRetries": 2,
                    "skipTypes": [*SKIPPED, *chosen.skip],
                }
            )
            if "hostedZoneId" in config:
                config["hostedZoneId"] = _zone(url, config["domain"])
            config |= dict(pair.split("=", 1) for pair in chosen.config)
            return _steps(chosen.preset, folder, config)
        finally:
            moto.terminate()
            moto.wait()
            for each in servers:
                each.stop(None)


def _steps(preset: str, folder: Path, config: dict[str, str]) -> int:
    project = folder / "project"
    project.mkdir()
    stack = automation.create_or_select_stack(
        preset,
        project_name="spool",
        program=_program,
        opts=automation.LocalWorkspaceOptions(work_dir=str(project)),
    )
    stack.set_all_config(
        {f"spool:{key}": automation.ConfigValue(value) for key, value in config.items()}
    )
    steps: dict[str, Callable[..., Any]] = {
        "up": lambda seen: stack.up(on_event=seen, continue_on_error=True),
        "preview": lambda seen: stack.preview(on_event=seen),
        "up again": lambda seen: stack.up(on_event=seen, continue_on_error=True),
        "destroy": lambda seen: stack.destroy(on_event=seen, continue_on_error=True),
    }
    failed = False
    for name, step in steps.items():
        start, seen = time.monotonic(), _Seen(tell=name in ("preview", "up again"))
        try:
            step(seen)
        except automation.CommandError as error:
            failed = True
            print(seen.errors or str(error)[-4000:])
        print(f"{name}: {time.monotonic() - start:.0f} s, {dict(seen.counts)}", flush=True)
    left = [
        each["urn"]
        for each in (stack.export_stack().deployment or {}).get("resources") or []
        if each["type"] != "pulumi:pulumi:Stack"
    ]
    print("left:", *left, sep="\n  ")
    return int(failed or bool(left))


class _Seen:
    """What the engine did in a step, by operation, and what it was told when it could not."""

    def __init__(self, *, tell: bool) -> None:
        self.counts: dict[str, int] = {}
        self.errors = ""
        self._tell = tell

    def __call__(self, event: EngineEvent) -> None:
        if event.resource_pre_event:
            operation = str(event.resource_pre_event.metadata.op.value)
            self.counts[operation] = self.counts.get(operation, 0) + 1
            if self._tell and operation not in ("same", "read"):
                metadata = event.resource_pre_event.metadata
                changed = sorted(metadata.detailed_diff or metadata.diffs or ())
                print(f"  {operation} {metadata.urn.split('::', 2)[-1]} {changed}")
        if event.diagnostic_event and event.diagnostic_event.severity == "error":
            name = (event.diagnostic_event.urn or "").rpartition("::")[2]
            self.errors += f"  {name}: {event.diagnostic_event.message}"


def _program() -> None:
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


def _environment(folder: Path, url: str) -> list[grpc.Server]:
    """Plugins, state and AWS's variables for this process and what it starts."""
    cache = os.environ.get("REAL_AWS_CACHE", str(Path.home() / ".cache/spool/real-aws"))
    plugins, servers, cloud = folder / "plugins", [], Cloud()
    plugins.mkdir()
    (folder / "state").mkdir()
    for package in ("kubernetes", "eks"):
        server, port = serve(package, cloud, *([ClusterProvider] if package == "eks" else []))
        servers.append(server)
        plugin = plugins / f"pulumi-resource-{package}"
        plugin.write_text(_PLUGIN.format(port))
        plugin.chmod(0o755)
    os.environ.update(
        PATH=f"{plugins}:{cache}/bin:{os.environ['PATH']}",
        PULUMI_HOME=str(folder / "home"),
        PULUMI_BACKEND_URL=f"file://{folder}/state",
        PULUMI_CONFIG_PASSPHRASE="for tests",
        PULUMI_SKIP_UPDATE_CHECK="true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION="true",
        AWS_ENDPOINT_URL=url,
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        AWS_REGION="us-east-1",
        AWS_EC2_METADATA_DISABLED="true",
        MOTO_ACM_VALIDATION_WAIT="1",
        MOTO_IAM_LOAD_MANAGED_POLICIES="true",
    )
    return servers


def _zone(url: str, domain: str) -> str:
    """A zone for the stack's records, which every account has before the stack."""
    route53 = boto3.client("route53", endpoint_url=url, region_name="us-east-1")
    made = route53.create_hosted_zone(Name=domain, CallerReference=domain)
    return str(made["HostedZone"]["Id"].rpartition("/")[2])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310  # a server of ours
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit(f"moto does not answer at {url}")


if __name__ == "__main__":
    sys.exit(main())
