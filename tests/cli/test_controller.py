"""`vtspec controller` as a process, beside a stand-in of GitHub and real git."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from forge_sites import TOKEN, GitHubSite, serve_github_site
from github_webhooks import Webhooks
from kubernetes_server import await_true
from mlflow_server import free_port
from plan_repository import a_repository
from proposed_changes import propose_change, push_change
from server_faults import Fault

MAIN = (sys.executable, "-c", "from vtspec.cli.main import main; main()")
SECRET = "a secret of the webhook"


class Proposed:
    """A repository with a pull request, and how the controller is called for it."""

    def __init__(self, root: Path, github: GitHubSite) -> None:
        self.root, self.github = a_repository(root / "repository"), github
        self.number = propose_change(self.root, github)
        self.environ: Mapping[str, str] = {
            **os.environ,
            "VTSPEC_CACHE": str(root / "cache"),
            "VTSPEC_FORGE_TOKEN": TOKEN,
            "VTSPEC_WEBHOOK_SECRET": SECRET,
        }

    def command(self, *words: str) -> list[str]:
        return [*MAIN, "controller", "acme/vision", "--url", self.github.server.url, *words]

    def call(self, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        environ = {**self.environ, **changes}
        return subprocess.run(
            self.command(*words), env=environ, capture_output=True, text=True, timeout=120
        )

    def read_plans(self) -> list[str]:
        comments = self.github.repository.comments.values()
        return [one.body for one in comments if one.body.startswith("<!-- vtspec:plan -->")]


@pytest.fixture
def proposed(tmp_path: Path) -> Iterator[Proposed]:
    with serve_github_site() as github:
        yield Proposed(tmp_path, github)


def test_once_does_what_there_is_to_do_and_ends(proposed: Proposed) -> None:
    done = proposed.call("--once")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    (plan,) = proposed.read_plans()
    assert "/vtspec apply " in plan
    assert proposed.call("--once").returncode == 0
    assert proposed.read_plans() == [plan]


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (("--namespace", "Foo Bar"), "--namespace vision"),
        (("--runs", "foo"), "--runs s3://BUCKET/PREFIX"),
        (("--folder", "/proc/nope"), "--folder DIR"),
        (("--listen", "127.0.0.1:8090"), "leave --listen out"),
        (("--metrics", "127.0.0.1:8091"), "leave --metrics out"),
        (("--sweep", "5"), "leave --sweep out"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_type(
    proposed: Proposed, words: tuple[str, str], fix: str
) -> None:
    done = proposed.call("--once", *words)
    assert fix in done.stderr and "Traceback" not in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize("option", ["--listen", "--metrics"])
def test_an_address_that_is_taken_is_told_before_anything_is_looked_after(
    proposed: Proposed, option: str
) -> None:
    words = {"--listen": f"127.0.0.1:{free_port()}", "--metrics": f"127.0.0.1:{free_port()}"}
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        words[option] = f"127.0.0.1:{taken.getsockname()[1]}"
        done = proposed.call(*(word for pair in words.items() for word in pair))
    assert (done.returncode, "looking after" in done.stderr) == (2, False), done.stderr
    assert f"{option} HOST:PORT" in done.stderr
    assert not proposed.read_plans()


def test_a_forge_that_is_away_is_told_with_what_to_do(proposed: Proposed) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    done = proposed.call("--url", away)
    assert done.returncode == 75
    assert f"see that {away.removeprefix('http://')} is up" in done.stderr


def test_a_webhook_is_acted_on_and_a_signal_ends_it(proposed: Proposed) -> None:
    address = f"127.0.0.1:{free_port()}"
    figures = f"127.0.0.1:{free_port()}"
    words = ("--listen", address, "--metrics", figures, "--sweep", "3600")
    process = subprocess.Popen(
        proposed.command(*words), env=proposed.environ, stderr=subprocess.PIPE, text=True
    )
    try:
        await_true(proposed.read_plans, "the plan is told", 90)
        hooks = Webhooks(proposed.github.server.world, f"http://{address}/webhook", SECRET)
        with closing(hooks):
            head = push_change(proposed.root, proposed.github, proposed.number)
            assert set(hooks.deliver()) == {202}
        await_true(lambda: f"`{head[:7]}`" in proposed.read_plans()[0], "the push is told of", 90)
        assert len(proposed.read_plans()) == 1
        assert httpx.get(f"http://{address}/healthz").text == "ok\n"
        assert httpx.get(f"http://{address}/metrics").status_code == 404
        told = httpx.get(f"http://{figures}/metrics").text
        assert 'vtspec_webhooks_total{outcome="taken"} ' in told
    finally:
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert TOKEN not in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("signals", "code"), [(1, 0), pytest.param(2, -signal.SIGTERM, marks=pytest.mark.exhaustive)]
)
def test_what_is_under_way_ends_whatever_comes_in(
    proposed: Proposed, signals: int, code: int
) -> None:
    """Told to end amid webhooks and a write; a second time, at once."""
    server, address = proposed.github.server, f"127.0.0.1:{free_port()}"
    may_go_on, is_over = threading.Event(), threading.Event()
    words = ("--listen", address, "--sweep", "3600")
    process = subprocess.Popen(
        proposed.command(*words), env=proposed.environ, stderr=subprocess.PIPE, text=True
    )
    hooks = Webhooks(server.world, f"http://{address}/webhook", SECRET)
    with closing(hooks), ThreadPoolExecutor(4) as threads:
        try:
            await_true(proposed.read_plans, "the plan is told", 90)
            head = push_change(proposed.root, proposed.github, proposed.number)
            (pushed,) = hooks.pending[-1:]
            server.faults = [Fault(match="PATCH .*/comments", until=may_go_on)]

            def deliver() -> None:
                while not is_over.is_set():
                    hooks.deliver([pushed])

            load = [threads.submit(deliver) for _ in range(4)]
            await_true(lambda: server.count("PATCH .*/comments"), "the plan is changed", 90)
            process.send_signal(signal.SIGTERM)
            await_true(lambda: None in hooks.answers, "no webhook is taken any more", 30)
            assert process.poll() is None
            if signals == 2:
                process.send_signal(signal.SIGTERM)
                process.wait(10)
        finally:
            may_go_on.set()
            is_over.set()
            said = process.communicate(timeout=60)[1]
        assert [one.result() for one in load] == [None] * 4
    assert process.returncode == code, said
    assert set(hooks.answers) == {202, None}
    assert "Traceback" not in said
    assert signals == 2 or f"`{head[:7]}`" in proposed.read_plans()[0]


@pytest.mark.parametrize(
    ("words", "changes", "told"),
    [
        (("--once",), {"VTSPEC_FORGE_TOKEN": ""}, "export VTSPEC_FORGE_TOKEN"),
        ((), {"VTSPEC_WEBHOOK_SECRET": ""}, "export VTSPEC_WEBHOOK_SECRET"),
        (("--listen", "8090"), {}, "--listen 127.0.0.1:8090"),
        (("--metrics", "8091"), {}, "--metrics 127.0.0.1:8091"),
        (("--metrics", "192.0.2.1:8091"), {}, "name another: --metrics HOST:PORT"),
        (("--metrics", "127.0.0.1:8091", "--once"), {}, "leave --metrics out"),
        (("--app-id", "7"), {}, "--app-id ID --private-key FILE"),
        (("acme/other", "--namespace", "vision"), {}, "one controller for each"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_done(
    proposed: Proposed, words: tuple[str, ...], changes: Mapping[str, str], told: str
) -> None:
    done = proposed.call(*words, **changes)
    assert done.returncode == 2
    assert told in done.stderr.partition("fix: ")[2]
    assert proposed.read_plans() == []


def test_a_token_that_the_forge_does_not_take_is_refused(proposed: Proposed) -> None:
    done = proposed.call("--once", VTSPEC_FORGE_TOKEN="ghp_0123456789abcdefghijklmnopqrstuvwxyz")
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
