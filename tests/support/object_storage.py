"""An S3 server on loopback, which keeps buckets for the tests that ask for one."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from mlflow_server import free_port


@dataclass(frozen=True)
class ObjectStorage:
    """A running server."""

    endpoint: str

    @property
    def environment(self) -> Mapping[str, str]:
        """What a client reads to find it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "of-the-tests",
            "AWS_REGION": "us-east-1",
        }

    def make_bucket(self, name: str) -> str:
        """A bucket of that name; its address."""
        request = urllib.request.Request(f"{self.endpoint}/{name}", method="PUT")
        urllib.request.urlopen(request, timeout=30).close()
        return f"s3://{name}"


@contextmanager
def running_storage() -> Iterator[ObjectStorage]:
    """A server that lives as long as the context."""
    port = free_port()
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, stdout=quiet, stderr=quiet) as server:
        try:
            storage = ObjectStorage(f"http://127.0.0.1:{port}")
            _await(storage.endpoint)
            yield storage
        finally:
            server.terminate()


def _await(endpoint: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(endpoint, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(endpoint)
