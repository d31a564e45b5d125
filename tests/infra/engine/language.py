"""A language host: what the real engine starts Python programs and policy packs by.

A test double of `pulumi-language-python`, which comes with a released CLI and is in none of Go's
modules that are to be had. It speaks the language protocol (github.com/pulumi/pulumi,
proto/pulumi/language.proto) as far as a project with a virtual environment needs it, and what it
runs a program by is Pulumi's own.

The engine starts it as `language.py SHIM … ENGINE`: where `pulumi-language-python-exec` is, and
the engine's address.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

# The program has said itself what is wrong.
_EXPLAINED = 32


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    def __init__(self, shim: str, engine: str) -> None:
        self._shim = shim
        self._engine = engine

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="999.0.0")

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        """None: providers of tests are on the PATH."""
        return language_pb2.GetRequiredPackagesResponse()

    def Run(self, request: Any, context: Any) -> Any:
        said = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "root_directory": request.info.root_directory,
            "stack": request.stack,
            "pwd": request.pwd,
            "dry_run": str(request.dryRun).lower(),
            "parallel": str(request.parallel),
            "organization": request.organization,
        }
        options = [f"--{name}={value}" for name, value in said.items() if value]
        done = subprocess.run(
            [_python(request.info), self._shim, *options, request.info.entry_point, *request.args],
            env=os.environ
            | {
                "PULUMI_CONFIG": json.dumps(dict(request.config)),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            },
            check=False,
        )
        if done.returncode == _EXPLAINED:
            return language_pb2.RunResponse(bail=True)
        wrong = f"program exited with non-zero exit code: {done.returncode}"
        return language_pb2.RunResponse(error=wrong if done.returncode else "")

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:
        """A policy pack: the engine reads of its output where it is to be asked."""
        folder = request.info.program_directory
        with subprocess.Popen(
            [_python(request.info), "-u", "-m", "pulumi.policy", *request.args, folder],
            cwd=folder,
            env=os.environ | dict(each.split("=", 1) for each in request.env),
            stdout=subprocess.PIPE,
        ) as pack:
            assert pack.stdout is not None
            context.add_callback(pack.terminate)
            for line in pack.stdout:
                yield language_pb2.RunPluginResponse(stdout=line)
        yield language_pb2.RunPluginResponse(exitcode=pack.returncode)


def _python(info: Any) -> Path:
    """The interpreter that the options of `Pulumi.yaml` or `PulumiPolicy.yaml` name."""
    options = json_format.MessageToDict(info.options)
    return Path(info.root_directory, options["virtualenv"], "bin", "python")


def main(shim: str, engine: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # how the engine ends it
    server = grpc.server(ThreadPoolExecutor(8))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(shim, engine), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[-1])
