"""ElasticMQ: a server that speaks SQS, whose class path Maven resolves once."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import unused_port
from tests.servers.kept import kept, require, run
from tests.servers.process import answering

VERSION = "1.7.1"
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

    Raises:
        RuntimeError: it does not start.
    """
    libraries = kept(f"elasticmq-{VERSION}", f"elasticmq-server_2.13-{VERSION}.jar", _download)
    port = unused_port()
    settings = folder / "elasticmq.conf"
    settings.write_text(_SETTINGS.format(port=port))
    options = ("-Xmx512m", f"-Dconfig.file={settings}", "-Dpekko.log-dead-letters=off")
    argv = ["java", *options, "-cp", f"{libraries}/*", "org.elasticmq.server.Main"]
    url = f"http://127.0.0.1:{port}"
    with answering("elasticmq", argv, url, folder):
        yield url


def _download(folder: Path) -> None:
    """All jars of its class path."""
    require("java", "mvn")
    with tempfile.TemporaryDirectory() as name:
        project = Path(name)
        (project / "pom.xml").write_text(_PROJECT)
        goal = ("dependency:copy-dependencies", "-DincludeScope=runtime")
        run(project, "mvn", "-q", "-B", *goal, f"-DoutputDirectory={folder}")
