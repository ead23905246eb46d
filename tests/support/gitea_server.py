"""A real Gitea for tests, on loopback unless said, with SQLite in a folder that goes with it."""

import getpass
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from gitea_program import build_gitea
from mlflow_server import free_port

ADMIN, PASSWORD = "root-admin", "a-password-for-tests-1"
_WAIT_S = 120

_SETTINGS = """\
RUN_MODE = prod
RUN_USER = {user}
WORK_PATH = {folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = {host}
HTTP_PORT = {port}
ROOT_URL = {url}/
LOCAL_ROOT_URL = {url}/
STATIC_ROOT_PATH = {static}
APP_DATA_PATH = {folder}/data
DISABLE_SSH = true
OFFLINE_MODE = true
LFS_START_SERVER = false
[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db
SQLITE_JOURNAL_MODE = WAL
[security]
INSTALL_LOCK = true
SECRET_KEY = for-tests-alone
PASSWORD_HASH_ALGO = pbkdf2$2$50
[webhook]
ALLOWED_HOST_LIST = loopback, private
DELIVER_TIMEOUT = 5
[repository]
ROOT = {folder}/repositories
[git]
HOME_PATH = {folder}/home
[oauth2]
ENABLED = false
[cron]
ENABLED = false
[cron.update_checker]
ENABLED = false
[actions]
ENABLED = false
[packages]
ENABLED = false
[mailer]
ENABLED = false
[service]
DISABLE_REGISTRATION = true
[indexer]
ISSUE_INDEXER_TYPE = db
[queue]
TYPE = channel
[session]
PROVIDER = memory
[cache]
ADAPTER = memory
[log]
MODE = console
LEVEL = Warn
"""


class GiteaServer:
    """One server; `admin` asks it as its administrator, and as anybody by `Sudo`."""

    def __init__(self, folder: Path, host: str) -> None:
        self.folder = folder
        port = free_port()
        self.url = f"http://{host}:{port}"
        built = build_gitea()
        self._program = built / "bin" / "gitea"
        self._config = folder / "app.ini"
        settings = _SETTINGS.format(
            user=getpass.getuser(),
            folder=folder,
            host=host,
            port=port,
            url=self.url,
            static=built / "manifests",
        )
        self._config.write_text(settings)
        self._process: subprocess.Popen[bytes] | None = None
        self.admin: httpx.Client

    def start(self) -> None:
        """Make the database, start the server and wait until it answers."""
        self._run("migrate")
        account = ["--username", ADMIN, "--password", PASSWORD, "--email", "root@x.test"]
        account += ["--admin", "--must-change-password=false"]
        token = ["--access-token", "--access-token-name", "t", "--access-token-scopes", "all"]
        said = self._run("admin", "user", "create", *account, *token)
        headers = {"Authorization": f"token {said.split()[-1]}"}
        self.admin = httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=60)
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "web", "--config", self._config],
                stdout=log,
                stderr=log,
                env=self._environment(),
                start_new_session=True,
            )
        self._wait()

    def stop(self) -> None:
        """End the server; what git of it still does ends, too."""
        self.admin.close()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)

    def _wait(self) -> None:
        assert self._process is not None
        end = time.monotonic() + _WAIT_S
        while time.monotonic() < end and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/api/healthz", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError((self.folder / "server.log").read_text()[-3000:])

    def _run(self, *arguments: str) -> str:
        command = [f"{self._program}", *arguments, "--config", f"{self._config}"]
        done = subprocess.run(command, capture_output=True, text=True, env=self._environment())
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT")}
        return {**kept, "GITEA_WORK_DIR": str(self.folder)}


@contextmanager
def serve_gitea(folder: Path, host: str = "127.0.0.1") -> Iterator[GiteaServer]:
    """A server while the context lasts; `folder` is gone after it."""
    folder.mkdir(parents=True)
    server = GiteaServer(folder, host)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
