"""P8 on a store that speaks S3: presigned parts, four at once, against one plain PUT, in pairs.

Both sides send the same file to the same versitygw, which checks their signatures. A creates an
upload at the API, sends parts of 16 MiB to the store and completes; B is one PUT to a signed URL
of the store. Then what the API itself read during one such upload, from files and connections: it
carries no byte of the file.

    python -m tests.bench.p8_s3 [--pairs 5] [--quick]
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from app.seams import make_s3_store
from tests.bench.installation import Installation, install
from tests.bench.p8_upload import in_one, in_parts
from tests.bench.pairs import Comparison, Figure, Goal, Options, Report, in_turn, paired
from tests.bench.programs import running_api
from tests.bench.report import run_alone
from tests.bench.uploading import api_client, make_file, make_key, upload
from tests.integration.storage.s3_stores import make_buckets
from tests.servers.versitygw import ObjectServer, versitygw

_MIB = 1024 * 1024
_FILE_MIB = 512
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench-secret",
    "AWS_EC2_METADATA_DISABLED": "true",
}


async def run(options: Options) -> Report:
    size = options.scaled(_FILE_MIB, 32) * _MIB
    async with install() as installation:
        project = await installation.add_project()
        async with installation.database() as database:
            key = await make_key(database, project)
        file = make_file(installation.folder / "file.mp4", size)
        with _object_server(installation) as (server, bucket):
            settings = installation.settings.model_copy(
                update={
                    "store": "s3",
                    "s3_source_bucket": bucket,
                    "s3_endpoint_url": server.url,
                    "s3_path_style": True,
                    "scratch_root": None,
                }
            )
            environment = {
                "SPOOL_STORE": "s3",
                "SPOOL_S3_SOURCE_BUCKET": bucket,
                "SPOOL_S3_ENDPOINT_URL": server.url,
                "SPOOL_S3_PATH_STYLE": "true",
                **_CREDENTIALS,
            }
            store = make_s3_store(settings)
            with (
                running_api(installation, **environment) as (program, url),
                api_client(url, key) as api,
            ):
                parts = in_parts(installation, program, store, api, file)
                plain = in_one(installation, program, store, file)
                for side in (parts, plain):  # so that the file lies in the page cache
                    await side()
                pairs = paired(*await in_turn(options.pairs, parts, plain))
                before = _read_bytes(program.pid)
                await asyncio.to_thread(upload, api, installation.folder, file)
                read = _read_bytes(program.pid) - before
            store.close()
    what = f"{size // _MIB} MiB upload to versitygw"
    return Report(
        "P8 on S3",
        "Uploads to a store that speaks S3",
        [Comparison("P8", what, "parts", "one PUT", "MiB/s", pairs, Goal("≥", 0.95))],
        [
            Figure(
                "P8",
                f"read by the API during {size // _MIB} MiB in parts",
                "MiB",
                read / _MIB,
                1,
                Goal("≤", 1),
            ),
        ],
        ["CPU is the API's; client, store and database run on the same machine."],
    )


@contextmanager
def _object_server(installation: Installation) -> Iterator[tuple[ObjectServer, str]]:
    """A server and a bucket on it, for whoever has the credentials that are set meanwhile."""
    folder = installation.folder / "versitygw"
    folder.mkdir()
    with (
        patch.dict(os.environ, _CREDENTIALS),
        versitygw(
            folder,
            access_key=_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            secret_key=_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        ) as server,
    ):
        [bucket] = make_buckets(server.url, 1)
        yield server, bucket


def _read_bytes(pid: int) -> int:
    """What a process has read so far, from wherever."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


if __name__ == "__main__":
    run_alone(run)
