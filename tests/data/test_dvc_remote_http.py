"""A remote that is asked over HTTP: what it lacks is one thing, that it is away another."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dvc_repositories import pinned_data
from vtspec.pipelines.data.dvc_remote import check_remote
from vtspec.pipelines.errors import Refused

HASH = f"md5:{'a' * 32}.dir"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_a_server_that_is_away_is_not_said_to_lack_the_data(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    address = f"http://127.0.0.1:{server.server_port}/dvc"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        with pytest.raises(Refused, match=f"1 object is not in {address}"):
            check_remote(pinned_data(HASH), tmp_path, address, "storage")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    told = check_remote(pinned_data(HASH), tmp_path, address, "storage")
    assert told is not None and "cannot be told from here" in told
