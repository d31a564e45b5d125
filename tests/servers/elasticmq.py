"""ElasticMQ: a server that speaks SQS, from Maven, in a process of its own.

Its class path is resolved by Maven once and kept below ~/.cache/spool.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.ports import unused_port

VERSION = "1.7.1"
_START_SECONDS = 60
_MAVEN_SECONDS = 600
_CACHE = Path.home() / ".cache" / "spool"
_PROJECT = f"""
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>spool</groupId><artifactId>elasticmq</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.elasticmq</groupId><artifactId>elasticmq-server_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""
_SETTINGS = """
include classpath("application.conf")
generate-node-address = false
node-address {{ protocol = http, host = "127.0.0.1", port = {port}, context-path = "" }}
rest-sqs {{
  enabled = true, bind-hostname = "127.0.0.1", bind-port = {port}, sqs-limits = strict
}}
rest-stats.enabled = false
queues {{}}
"""


@contextmanager
def elasticmq(folder: Path) -> Iterator[str]:
    """A running server; gives its URL. Queues are lost with it.

    Args:
        folder: For its settings and what it says.
    """
    libraries = _libraries()
    port = unused_port()
    settings = folder / "elasticmq.conf"
    settings.write_text(_SETTINGS.format(port=port))
    output = folder / "elasticmq.log"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [
                "java",
                "-Xmx512m",
                f"-Dconfig.file={settings}",
                "-Dpekko.log-dead-letters=off",
                "-cp",
                f"{libraries}/*",
                "org.elasticmq.server.Main",
            ],
            stdout=file,
            stderr=file,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _await_answer(process, url, output)
        yield url
    finally:
        process.kill()
        process.wait()


def _libraries() -> Path:
    """The folder of its jars, filled when it is not there."""
    place = _CACHE / f"elasticmq-{VERSION}"
    if place.is_dir():
        return place
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            pytest.skip(f"ElasticMQ needs {tool}")
    _CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE) as name:
        project = Path(name)
        (project / "pom.xml").write_text(_PROJECT)
        subprocess.run(
            ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime",
             f"-DoutputDirectory={project / 'jars'}"],
            cwd=project, check=True, timeout=_MAVEN_SECONDS, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if not place.is_dir():  # another test run may have been quicker
            (project / "jars").replace(place)
    return place


def _await_answer(process: "subprocess.Popen[bytes]", url: str, output: Path) -> None:
    client = boto3.client(
        "sqs",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5),
    )
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            client.list_queues()
        except (BotoCoreError, ClientError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"ElasticMQ did not start:\n{output.read_text()[-2000:]}"
                ) from None
            time.sleep(0.05)
        else:
            client.close()
            return
