"""A server that speaks S3: moto's, in a thread, or the one that PLAYHEAD_TEST_S3 names.

The variable is `http://KEY:SECRET@host:port`. moto is quick and accepts every secret; secrets are
tested with a real server, by `make test-s3`.
"""

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from pydantic import SecretStr

from app.storage.bucket import BucketAccess, BucketLocation, CallTimeouts

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

VARIABLE: Final = "PLAYHEAD_TEST_S3"
HASTY: Final = CallTimeouts(connect_s=1, read_s=0.5, attempts=1)


@dataclass(frozen=True, slots=True)
class Service:
    """The address of the service, and a client with rights that the driver never uses."""

    access: BucketAccess
    owner: "S3Client"

    def new_bucket(self) -> str:
        """Make an empty bucket and return its name."""
        bucket = f"playhead-{secrets.token_hex(8)}"
        self.owner.create_bucket(Bucket=bucket)
        return bucket

    def new_location(self, prefix: str = "some/where") -> BucketLocation:
        """Make an empty bucket and point into it."""
        return BucketLocation(self.new_bucket(), prefix)

    def with_secret(self, secret: str) -> BucketAccess:
        """Return the access of somebody who has another secret."""
        return replace(self.access, secret=SecretStr(secret))


@contextmanager
def serving() -> Iterator[Service]:
    """Give the server for as long as it runs."""
    given = os.environ.get(VARIABLE)
    if given:
        yield _service(given)
        return
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - a second, only where needed

    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        yield _service(f"http://key:secret@{host}:{port}")
    finally:
        moto.stop()


@contextmanager
def frozen() -> Iterator[None]:
    """Hold a real server as if its machine hung: connections are accepted, but get no answer."""
    pid = _pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def kill() -> None:
    """End a real server as a power cut does; it is started again, which takes a while."""
    os.kill(_pid(), signal.SIGKILL)


def _pid() -> int:
    return int(Path(os.environ["PLAYHEAD_TEST_S3_PID"]).read_text())


def _service(url: str) -> Service:
    parts = urlsplit(url)
    access = BucketAccess(
        endpoint_url=f"http://{parts.hostname}:{parts.port}",
        region="us-east-1",
        key_id=parts.username,
        secret=SecretStr(parts.password or ""),
        addressing="path",
    )
    client: Any = boto3.session.Session().client(
        "s3",
        endpoint_url=access.endpoint_url,
        region_name=access.region,
        aws_access_key_id=parts.username,
        aws_secret_access_key=parts.password,
        config=Config(s3={"addressing_style": "path"}),
    )
    return Service(access, client)
