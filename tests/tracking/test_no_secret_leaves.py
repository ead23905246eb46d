"""Canaries in every slot where a password may stand, looked for in all that is left and shown."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from dvc_repositories import command, dvc_repository
from loopback import Answer, FakeServer, body_of, raw_of, running
from run_folders import STARTED, SUCCEEDED, a_run_folder, an_epoch
from toy_runs import a_plan, write_pictures
from vtspec.pipelines.address import Address, parse_address
from vtspec.pipelines.project.scaffold import scaffold
from vtspec.pipelines.runs.event_log import EventLog
from vtspec.pipelines.runs.events import Failed, Printed, RunFinished, Told, Warned
from vtspec.pipelines.tracking import start_follower
from vtspec.pipelines.tracking.follower import follow_run

pytestmark = pytest.mark.slow

CANARY = "canary-4711-x"
"""Stands in each address, each variable and each answer of a server."""


def _echo(status: int, kind: str) -> Answer:
    """An answer that says back what it was sent, as a careless server may."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        sent = request.headers.get("Authorization", "")
        words = f"{CANARY} {sent} http://me:{CANARY}@host/ is wrong"
        told = json.dumps({"error_code": kind, "message": words})
        body_of((told if kind else f"<html>{words}</html>").encode(), status)(request)

    return answer


ANSWERS = [
    _echo(401, "PERMISSION_DENIED"),
    _echo(403, "PERMISSION_DENIED"),
    _echo(404, "RESOURCE_DOES_NOT_EXIST"),
    _echo(404, ""),
    _echo(429, "REQUEST_LIMIT_EXCEEDED"),
    _echo(500, ""),
    _echo(200, ""),
    _echo(200, "WRONG"),
    raw_of(f"{CANARY}\r\n\r\n".encode()),
]


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    with running() as fake:
        yield fake


@pytest.fixture(autouse=True)
def canaries(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DB_PASSWORD", "SOME_TOKEN", "MY_SECRET_KEY"):
        monkeypatch.setenv(name, CANARY)
    # What `make_client` sets in this process is taken back.
    monkeypatch.setenv("MLFLOW_TRACKING_AUTH", "")
    monkeypatch.delenv("MLFLOW_TRACKING_AUTH")


def _secret_address(server: FakeServer) -> Address:
    return parse_address(server.endpoint.replace("://", f"://me:{CANARY}@"))


def _assert_clean(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files, "a glob has gone quiet"
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("number", range(len(ANSWERS)))
def test_whatever_a_server_answers_no_file_holds_the_password(
    tmp_path: Path, server: FakeServer, number: int
) -> None:
    run_dir = a_run_folder(tmp_path, [STARTED, an_epoch(1), SUCCEEDED])
    server.answer = ANSWERS[number]
    before = len(server.tokens)
    place = follow_run(run_dir, _secret_address(server), told=lambda: True)
    assert place.error is not None and CANARY not in place.error
    # It was used all the same: what is hidden must not be lost.
    assert str(server.tokens[before]).startswith("Basic ")
    _assert_clean(tmp_path)


def test_a_client_that_knows_no_user_sends_none_of_another(server: FakeServer) -> None:
    server.answer = ANSWERS[0]
    from vtspec.pipelines.errors import Permanent, Temporary
    from vtspec.pipelines.tracking.mlflow_client import make_client, translate_errors

    for address in (_secret_address(server), parse_address(server.endpoint)):
        client = make_client(address)
        with pytest.raises((Permanent, Temporary)), translate_errors(address):
            client.get_experiment_by_name("x")
    assert server.tokens[-1] is None


def test_each_server_is_sent_its_own_password_and_no_program_that_is_started_inherits_one(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vtspec.pipelines.errors import Permanent, Temporary
    from vtspec.pipelines.tracking.mlflow_client import make_client, translate_errors

    server.answer = ANSWERS[0]
    for name in ("DB_PASSWORD", "SOME_TOKEN", "MY_SECRET_KEY"):
        monkeypatch.delenv(name)
    with running() as other:
        other.answer = ANSWERS[0]
        addresses = {
            password: parse_address(where.endpoint.replace("://", f"://me:{password}@"))
            for password, where in ((CANARY, server), ("other-4711-y", other))
        }
        clients = {password: make_client(one) for password, one in addresses.items()}
        # The first again, after the second logged in.
        for password in (CANARY, "other-4711-y", CANARY):
            with pytest.raises((Permanent, Temporary)), translate_errors(addresses[password]):
                clients[password].get_experiment_by_name("x")
        sent = [server.tokens[-2:], other.tokens]
    basic = [base64.b64encode(f"me:{one}".encode()).decode() for one in addresses]
    assert sent == [[f"Basic {basic[0]}"] * 2, [f"Basic {basic[1]}"]]
    inherited = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
    assert not [one for one in (*addresses, *basic) if one in inherited]


def test_the_tracker_has_no_password_on_its_command_line_and_none_in_its_log(
    tmp_path: Path, server: FakeServer
) -> None:
    run_dir = a_run_folder(tmp_path, [STARTED, an_epoch(1), SUCCEEDED])
    server.answer = _echo(500, "")
    follower = start_follower(run_dir, _secret_address(server))
    commands: list[str] = []
    # A process that has begun shows its command line a moment later.
    for _ in range(200):
        commands = _list_commands(lambda command: str(run_dir) in command)
        if commands:
            break
        time.sleep(0.05)
    assert 1 == len(commands) and CANARY not in commands[0] and server.endpoint in commands[0]
    follower.finish()
    assert b"Basic" not in (run_dir / "tracking.log").read_bytes()
    _assert_clean(tmp_path)


def _list_commands(claim: Callable[[str], bool]) -> list[str]:
    """The command lines of processes, as every user of the machine can read them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if claim(command):
            found.append(command)
    return found


@pytest.mark.parametrize("where", ["environment", "option"])
def test_a_command_shows_and_keeps_no_password(
    tmp_path: Path, server: FakeServer, where: str
) -> None:
    scaffold(tmp_path / "mine", "mine", lambda line: None, lambda name: None)
    (tmp_path / "mine" / ".git").mkdir()
    a_run_folder(tmp_path / "mine" / "runs", [STARTED, SUCCEEDED], a_plan())
    server.answer = ANSWERS[0]
    full = _secret_address(server).full
    words = ["sync", *(["--uri", full] if where == "option" else [])]
    done = subprocess.run(
        [sys.executable, "-c", "from vtspec.cli.main import main; main()", *words],
        cwd=tmp_path / "mine",
        env=os.environ | {"MLFLOW_TRACKING_URI": full},
        capture_output=True,
        text=True,
    )
    assert 4 == done.returncode and "refused" in done.stderr
    assert CANARY not in done.stdout + done.stderr
    _assert_clean(tmp_path)


def test_what_a_framework_says_is_kept_without_secrets(tmp_path: Path) -> None:
    log = EventLog(tmp_path, "x-0123456789", 1)
    said = f"the token is {CANARY}, at http://me:{CANARY}@host"
    log.append(Warned(message=said))
    log.append(Printed(stream="stdout", line=said))
    log.append(Failed(message=said, fix=said, traceback=said))
    log.append(
        RunFinished(
            ending="failed", exit_code=1, message=said, fix=said, artifacts={}, seconds=1.0
        )
    )
    assert ("the token is [hidden], at http://[hidden]@host",) == log.state.warnings
    log.close()
    _assert_clean(tmp_path)


def test_what_an_adapter_tells_is_kept_without_secrets_however_deep(tmp_path: Path) -> None:
    log = EventLog(tmp_path, "x-0123456789", 1)
    config = {"hub": {"tokens": [CANARY, 1]}, CANARY: None, "url": f"http://me:{CANARY}@host"}
    log.append_told(Told(kind="train.started", fields={"config": config}), step="train")
    log.append_told(Told(kind="evaluated", fields={"split": CANARY, "metrics": {}, "x": [CANARY]}))
    assert log.state.final.split == "[hidden]"
    log.close()
    _assert_clean(tmp_path)


def test_a_run_leaves_no_password_anywhere(tmp_path: Path, server: FakeServer) -> None:
    root = tmp_path / "mine"
    scaffold(root, "mine", lambda line: None, lambda name: None)
    (root / ".git").mkdir()
    server.answer = ANSWERS[3]
    full = _secret_address(server).full
    process = subprocess.Popen(
        [sys.executable, "-c", "from vtspec.cli.main import main; main()", "run", "shapes-short"],
        cwd=root,
        env=os.environ | {"MLFLOW_TRACKING_URI": full},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    seen: set[str] = set()
    while process.poll() is None:
        seen |= set(_list_commands(lambda command: str(root) in command))
        time.sleep(0.05)
    assert process.stdout is not None
    shown = process.stdout.read()
    process.stdout.close()
    assert 0 == process.returncode, shown
    assert seen and not [command for command in seen if CANARY in command]
    assert CANARY not in shown and "have not arrived" in shown
    _assert_clean(root)


def test_adding_data_leaves_no_secret_of_stores_hubs_and_remotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HF_TOKEN",
        "VTSPEC_RUNS_AWS_SECRET_ACCESS_KEY",
    ):  # fmt: skip
        monkeypatch.setenv(name, CANARY)
    root = dvc_repository(tmp_path / "mine")
    scaffold(root, "mine", lambda line: None, lambda name: None)
    write_pictures(root / "data" / "more", per_class=2)
    url = f"http://me:{CANARY}@127.0.0.1:9/store"
    command(root, "dvc", "remote", "add", "-q", "-d", "--local", "shelf", url)
    config = root / ".dvc" / "config.local"
    assert CANARY in config.read_text()
    shown, seen = "", set[str]()
    for words in (["datasets", "add", "data/more", "--name", "more"], ["plan", "shapes-short"]):
        process = subprocess.Popen(
            [sys.executable, "-c", "from vtspec.cli.main import main; main()", *words],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        while process.poll() is None:
            seen |= set(_list_commands(lambda command: str(root) in command or "dvc" in command))
            time.sleep(0.02)
        assert process.stdout is not None
        shown += process.stdout.read()
        process.stdout.close()
        assert process.returncode == 0, shown
    assert seen and not [line for line in seen if CANARY in line]
    assert CANARY not in shown
    # Where a person put it, it stays.
    config.unlink()
    _assert_clean(root)
