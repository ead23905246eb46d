"""`vtspec run --queue`: one after another on this machine, as people and `status` see it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from vtspec.pipelines.project.scaffold import scaffold
from vtspec.pipelines.runs import Runs

MAIN = "from vtspec.cli.main import main; main()"
LONG = ("run", "shapes", "--set", "training.epochs=3000", "--no-tracking", "--queue")
SHORT = ("run", "shapes-short", "--no-tracking", "--queue")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("queue") / "mine"
    scaffold(root, "mine", lambda line: None, lambda name: None)
    (root / ".git").mkdir()
    return root


@pytest.fixture
def begun(repository: Path) -> Iterator[list["subprocess.Popen[str]"]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def begin(root: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, *words],
        cwd=root,
        env={**os.environ, "VTSPEC_CACHE": str(root.parent / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process: "subprocess.Popen[str]", words: str) -> str:
    """The line of its standard error in which it says the words."""
    stream: IO[str] | None = process.stderr
    assert stream is not None
    lines = []
    for line in stream:
        lines.append(line)
        if words in line:
            return line
    raise AssertionError(f"it ended without {words!r}: {''.join(lines)}")


def status(root: Path, *words: str) -> str:
    process = begin(root, "status", *words)
    told, errors = process.communicate()
    assert process.returncode == 0, errors
    return told


@pytest.mark.slow
def test_runs_wait_for_one_another_and_tell_it(
    repository: Path, begun: "list[subprocess.Popen[str]]"
) -> None:
    runs = Runs(repository / "runs")
    begun.append(first := begin(repository, *LONG))
    said(first, "train     epoch   2/3000")
    [working] = runs.list_runs()
    begun.append(second := begin(repository, *SHORT))
    line = said(second, "in the queue")
    assert f"number 1 in the queue, for the CPU: {working.plan_id} (process {first.pid})" in line
    shown = " ".join(status(repository).split())
    has = f"{working.plan_id} (process {first.pid}) has the CPU"
    assert f"queue of this machine {has}" in shown
    assert f"(process {second.pid}) is number 1 in the queue, for the CPU: {has}" in shown
    queue = json.loads(status(repository, "--output", "json"))["queue"]
    assert [(one["pid"], one["devices"], one["position"]) for one in queue] == [
        (first.pid, ["cpu"], None),
        (second.pid, [], 1),
    ]
    # A Ctrl-C in the queue begins nothing, and leaves nothing.
    second.send_signal(signal.SIGINT)
    assert second.communicate()[1].endswith("stopped\n")
    assert second.returncode == 130
    assert [run.name for run in runs.list_runs()] == [working.name]
    # Nor does who asks for that from another terminal, whatever it is called by.
    begun.append(waiting := begin(repository, *SHORT))
    said(waiting, "in the queue")
    stopping = begin(repository, "stop", "shapes-short")
    told, errors = stopping.communicate()
    assert stopping.returncode == 0, errors
    assert "has left the queue; nothing of it was begun" in told
    assert waiting.wait(timeout=60) == 130
    assert [run.name for run in runs.list_runs()] == [working.name]
    nobody = begin(repository, "stop", "shapes-short")
    assert "there is no run 'shapes-short'" in nobody.communicate()[1]
    assert nobody.returncode == 2
    begun.append(third := begin(repository, *SHORT))
    said(third, "in the queue")
    # A plan that is being carried out is looked on at, and waits for nothing.
    begun.append(onlooker := begin(repository, *LONG))
    said(onlooker, "looking on at")
    first.send_signal(signal.SIGTERM)
    _, told = first.communicate()
    assert first.returncode == 75
    assert "--queue --resume" in told.split("resume with: ")[1]
    assert third.wait(timeout=120) == 0
    done = [run.read_state().status for run in runs.list_runs()]
    assert sorted(done) == ["interrupted", "succeeded"]
    assert json.loads(status(repository, "--output", "json"))["queue"] == []


def test_a_queue_of_this_machine_is_none_of_a_cluster(repository: Path) -> None:
    process = begin(repository, "run", "shapes", "--queue", "--backend", "argo")
    _, told = process.communicate()
    assert process.returncode == 2
    assert "--queue is this machine's" in told
