"""Takes the whole program through up, up again and destroy on AWS's Terraform provider.

    LOOPBACK PYTHON -m tests.infra.real_aws dev --tool FOLDER

By hand, not in CI: it takes minutes, and needs a Terraform provider of AWS that CI has not.
What moto lacks is left out by `spool:target`; Kubernetes is the tests' own provider, for which
anything is an object, and the control plane of the cluster an `aws.eks.Cluster`.
"""

import argparse
import json
import os
import runpy
import signal
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
    "aws:accessanalyzer/analyzer:Analyzer",
    "aws:eks/addon:Addon",
    "aws:eks/accessEntry:AccessEntry",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm",
    "aws:computeoptimizer/enrollmentStatus:EnrollmentStatus",
    "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
    "aws:costexplorer/anomalySubscription:AnomalySubscription",
    "aws:backup/selection:Selection",
    "aws:backup/vaultNotifications:VaultNotifications",
    "aws:cloudfront/cachePolicy:CachePolicy",
    "aws:cloudfront/monitoringSubscription:MonitoringSubscription",
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",
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
            [sys.executable, str(server), chosen.tool, str(port), str(folder / "held.json")],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )
        try:
            _wait(url)
            config = minimal(chosen.preset) | {"protect": "false"}
            config |= dict(pair.split("=", 1) for pair in chosen.config)
            if "hostedZoneId" in config:
                config["hostedZoneId"] = _zone(url, config["domain"])
            before = _held(moto, url, folder / "held.json")
            failed = _steps(chosen, folder, config, url)
            after = _held(moto, url, folder / "held.json")
            for where in sorted(after):
                if more := set(after[where]) - set(before.get(where, ())):
                    print(f"moto still has, {where}: {sorted(more)[:12]}")
            return failed
        finally:
            moto.terminate()
            moto.wait()
            for each in servers:
                each.stop(None)


def _steps(chosen: argparse.Namespace, folder: Path, config: dict[str, str], url: str) -> int:
    project = folder / "project"
    project.mkdir()
    stack = automation.create_or_select_stack(
        chosen.preset,
        project_name="spool",
        program=_program,
        opts=automation.LocalWorkspaceOptions(work_dir=str(project)),
    )
    stack.set_all_config(
        {f"spool:{key}": automation.ConfigValue(value) for key, value in config.items()}
    )
    skipped = [*SKIPPED, *chosen.skip]
    steps: dict[str, Callable[..., Any]] = {
        # Nothing is made by it, so that the provider checks also what moto lacks.
        "check": lambda seen: stack.preview(on_event=seen),
        "up": lambda seen: stack.up(on_event=seen, continue_on_error=True),
        "preview": lambda seen: stack.preview(on_event=seen),
        "up again": lambda seen: stack.up(on_event=seen, continue_on_error=True),
        "destroy": lambda seen: stack.destroy(on_event=seen, continue_on_error=True),
    }
    failed = False
    for name, step in steps.items():
        target = {"endpoint": url, "pathStyle": True, "maxRetries": 2}
        target["skipTypes"] = [] if name == "check" else skipped
        stack.set_config("spool:target", automation.ConfigValue(json.dumps(target)))
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
    made = _client("route53", url).create_hosted_zone(Name=domain, CallerReference=domain)
    return str(made["HostedZone"]["Id"].rpartition("/")[2])


def _client(service: str, url: str) -> Any:
    return boto3.client(service, endpoint_url=url, region_name="us-east-1")  # type: ignore[call-overload]  # any


def _held(moto: subprocess.Popen[bytes], url: str, file: Path) -> dict[str, list[str]]:
    """What moto holds now; see `moto_server`."""
    for service, call in (("ec2", "describe_vpcs"), ("rds", "describe_db_instances")):
        # What these have from the start is there once they are asked.
        getattr(_client(service, url), call)()
    file.unlink(missing_ok=True)
    moto.send_signal(signal.SIGUSR1)
    for _ in range(120):
        if file.exists():
            return dict(json.loads(file.read_text()))
        time.sleep(0.5)
    raise SystemExit("moto does not say what it holds")


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
