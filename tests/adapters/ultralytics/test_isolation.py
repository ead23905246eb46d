"""A training by Ultralytics asks no network and writes nowhere but in its work folder."""

import json
import os
import subprocess
import sys
from getpass import getuser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from detector_jobs import write_shapes
from toy_runs import ADAPTERS
from yolo_jobs import a_yolo_plan

pytestmark = pytest.mark.framework

WATCH = """
import os, sys, runpy

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def note(*words):
    os.write(log, ("\\t".join(map(str, words)) + "\\n").encode())

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path, mode, flags = arguments
        if (flags or 0) & WRITING:
            note("write", os.path.abspath(os.fsdecode(path)))
    elif event in ("os.mkdir", "os.rename", "os.link", "os.symlink"):
        note("write", os.path.abspath(os.fsdecode(arguments[1 if event != "os.mkdir" else 0])))
    elif event == "socket.connect" and isinstance(arguments[1], str):
        pass  # A file, by which processes that load images hand over what they made.
    elif event in ("socket.connect", "socket.getaddrinfo", "urllib.Request"):
        note("network", event, arguments[1:])
    elif event in ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec"):
        # By this NVIDIA's package, which PyTorch brings, looks for the system's libraries.
        if arguments[0] == "/sbin/ldconfig":
            return
        note("process", arguments[:2])

sys.addaudithook(watch)
sys.argv = ["vtspec.adapters", *sys.argv[2:]]
runpy.run_module("vtspec.adapters", run_name="__main__", alter_sys=True)
"""


def run_watched(tmp_path: Path, *words: str, workdir: Path, temporary: Path) -> list[list[str]]:
    """What a step of the adapter did, in a process with a home, a place for temporary files and a
    current folder of its own, each of them empty behind it."""
    folders = {name: tmp_path / name for name in ("home", "current")}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    folders["temporary"] = temporary
    log = tmp_path / "log.txt"
    log.unlink(missing_ok=True)
    environment: dict[str, str] = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ADAPTERS),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folders["home"]),
        "TMPDIR": str(folders["temporary"]),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(log), *words, "--workdir", str(workdir)],
        env=environment,
        cwd=folders["current"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    # PyTorch makes an empty folder for what it compiles, whoever uses it.
    left = [file for folder in folders.values() for file in folder.rglob("*")]
    assert [file for file in left if file.name != f"torchinductor_{getuser()}"] == []
    return [line.split("\t") for line in log.read_text().splitlines()]


def list_strays(told: list[list[str]], *allowed: Path) -> list[list[str]]:
    places = (*map(str, allowed), "/dev/", "/proc/")
    return [words for words in told if words[0] != "write" or not words[1].startswith(places)]


def test_a_whole_run_leaves_nothing_outside_of_its_folder(tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "data", train=6, val=2, test=2)
    workdir = tmp_path / "run"
    workdir.mkdir()
    plan: dict[str, Any] = a_yolo_plan(
        training={"epochs": 2, "batchSize": 3, "augmentation": "strong", "workers": 1},
        params={"closeMosaic": 1},
        export={"formats": ["safetensors", "onnx"]},
    )
    (workdir / "plan.json").write_text(json.dumps(plan))
    given = ("--plan", str(workdir / "plan.json"), "--data", str(data))
    own = ("--run", "run", "--attempt", "1", "--events-fd", "1")
    # Of its own and short: sockets lie there, whose paths have 108 bytes.
    with TemporaryDirectory(prefix="u-") as temporary:
        place = Path(temporary)
        for step in ("train", "export"):
            told = run_watched(tmp_path, step, *given, *own, workdir=workdir, temporary=place)
            assert list_strays(told, workdir, place) == [], step
            assert any(words[1].startswith(str(workdir)) for words in told)
