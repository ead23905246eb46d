"""An S3 server on loopback, which keeps buckets for the tests that ask for one."""

import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from moto.server import ThreadedMotoServer

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

    def put_object(self, bucket: str, key: str) -> None:
        """An object of any key, such as no client of ours would write."""
        address = f"{self.endpoint}/{bucket}/{urllib.parse.quote(key, safe='')}"
        request = urllib.request.Request(address, method="PUT", data=b"x")
        urllib.request.urlopen(request, timeout=30).close()


class BreakableStorage(ObjectStorage):
    """A server that can be away for a while, and has its objects when it is back."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__(f"http://{host}:{free_port()}")
        self.start()

    def start(self) -> None:
        """Answer (again)."""
        _, host, port = self.endpoint.split(":")
        self._server = ThreadedMotoServer(host.removeprefix("//"), int(port), verbose=False)
        self._server.start()
        _await(self.endpoint)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Within, nobody answers at its address."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._server.stop()


@contextmanager
def another_storage() -> Iterator[ObjectStorage]:
    """A server whose objects are its own; those of one process share theirs."""
    storage = ObjectStorage(f"http://127.0.0.1:{free_port()}")
    port = storage.endpoint.rpartition(":")[2]
    with subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", port],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _await(storage.endpoint)
            yield storage
        finally:
            process.kill()


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
