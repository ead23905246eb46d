"""Processes that torchrun starts for one training: asked to stop, killed, refused."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from timm_jobs import a_timm_plan, write_digits
from toy_runs import ADAPTERS, command_line, run_step, unmeasured, write_pictures
from toy_runs import a_plan as a_toy_plan
from vtspec.adapters.pytorch.torchrun import ExitStatus, GroupFolder
from vtspec.adapters.training import checkpoints

pytestmark = pytest.mark.slow

TOGETHER = ("--processes", "2")

ENDLESS = a_timm_plan(model="test_vit", training={"epochs": 500})


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits"), train=6, val=2, test=1)


class Training:
    """Two processes and what started them, followed until it tells of an epoch."""

    def __init__(self, folder: Path, data: Path, plan: Mapping[str, Any], *more: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "plan.json").write_text(json.dumps(plan))
        # A pipe, of which each process opens the end by its path.
        reader, writer = os.pipe()
        self.process = subprocess.Popen(
            command_line("train", folder, data, writer, *TOGETHER, *more),
            env={**unmeasured(), "PYTHONPATH": str(ADAPTERS)},
            pass_fds=[writer],
            stderr=subprocess.DEVNULL,
        )
        os.close(writer)
        self.lines = os.fdopen(reader)
        self.told: list[dict[str, Any]] = []
        self.read("train.epoch")

    def read(self, awaited: str | None = None) -> None:
        for line in self.lines:
            self.told.append(json.loads(line))
            if self.told[-1]["kind"] == awaited:
                return

    @property
    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(word) for word in children.read_text().split()]

    def end(self) -> int:
        self.read()
        self.lines.close()
        return self.process.wait(120)


@pytest.fixture(scope="module")
def stopped(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Training, int]:
    folder = tmp_path_factory.mktemp("runs") / "stopped"
    training = Training(folder, digits, ENDLESS)
    training.process.send_signal(signal.SIGTERM)
    return folder, training, training.end()


def test_who_is_asked_to_stop_leaves_one_checkpoint(
    stopped: tuple[Path, Training, int],
) -> None:
    folder, training, code = stopped
    assert code == 75
    kinds = [event["kind"] for event in training.told]
    assert (kinds[0], kinds[-1], kinds.count("train.started")) == (
        *("train.started", "train.checkpoint"),
        1,
    )
    assert training.told[0]["config"]["processes"] == 2
    # Each event once, though two processes train.
    epochs = [event["epoch"] for event in training.told if event["kind"] == "train.epoch"]
    assert epochs == list(range(1, len(epochs) + 1))
    found = checkpoints.find_resumable(folder / "checkpoints")
    assert found is not None and found[0].name == training.told[-1]["path"].split("/")[-1]


def test_a_process_that_is_killed_ends_the_training_as_it_would_alone(
    stopped: tuple[Path, Training, int], digits: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    shutil.copytree(stopped[0], folder)
    training = Training(folder, digits, ENDLESS, "--resume")
    first, second = training.workers
    os.kill(second, signal.SIGKILL)
    assert training.end() == -signal.SIGKILL
    assert not Path(f"/proc/{first}").exists()
    assert [event for event in training.told if event["kind"] == "failed"] == []


@pytest.mark.exhaustive
def test_what_several_gpus_trained_is_exported_without_one(
    stopped: tuple[Path, Training, int], digits: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "exported"
    shutil.copytree(stopped[0], folder)
    resources = {**a_timm_plan()["resources"], "gpus": 2}
    plan = a_timm_plan(model="test_vit", resources=resources, training={"precision": "fp16"})
    ran = run_step("export", folder, digits, plan)
    assert (ran.code, [one["format"] for one in ran.of("exported")]) == (0, ["safetensors"])


@pytest.mark.exhaustive
def test_processes_end_with_what_started_them(
    stopped: tuple[Path, Training, int], digits: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "orphans"
    shutil.copytree(stopped[0], folder)
    training = Training(folder, digits, ENDLESS, "--resume")
    workers = training.workers
    assert len(workers) == 2
    training.process.kill()
    assert training.end() == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


_TWO_GPUS = """
import os, sys
if "vtspec.adapters" in sys.orig_argv:
    import torch
    from vtspec.adapters.pytorch import epoch_adapter
    torch.cuda.device_count = lambda: 2
    epoch_adapter.choose_device = lambda gpus, precision: torch.device("cpu")
    if "RANK" in os.environ:
        with open(os.environ["SEEN"] + os.environ["RANK"], "w") as file:
            file.write(os.environ["CUDA_VISIBLE_DEVICES"])
"""


@pytest.mark.exhaustive
def test_each_of_several_gpus_has_a_process_that_sees_no_other(
    digits: Path, tmp_path: Path
) -> None:
    patched, folder = tmp_path / "patched", tmp_path / "run"
    for each in (patched, folder):
        each.mkdir()
    (patched / "sitecustomize.py").write_text(_TWO_GPUS)
    resources = {**a_timm_plan()["resources"], "gpus": 2}
    plan = a_timm_plan(model="test_vit", resources=resources, training={"epochs": 1})
    (folder / "plan.json").write_text(json.dumps(plan))
    told = tmp_path / "told"
    with told.open("wb") as events:
        code = subprocess.call(
            command_line("train", folder, digits, events.fileno()),
            env={
                **unmeasured(),
                "PYTHONPATH": f"{patched}:{ADAPTERS}",
                "SEEN": str(tmp_path / "seen-"),
                "CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b",
            },
            pass_fds=[events.fileno()],
        )
    assert code == 0
    assert [(tmp_path / f"seen-{rank}").read_text() for rank in (0, 1)] == ["GPU-a", "GPU-b"]
    lines = [json.loads(line) for line in told.read_text().splitlines()]
    assert lines[0]["config"]["processes"] == 2
    assert lines[-1]["kind"] == "train.finished"


@pytest.mark.exhaustive
def test_what_all_processes_refuse_is_told_once(digits: Path, tmp_path: Path) -> None:
    plan = a_timm_plan(model="test_vit", training={"batchSize": 15})
    ran = run_step("train", tmp_path, digits, plan, *TOGETHER)
    assert ran.code == 2
    (failed,) = ran.of("failed")
    assert failed["message"] == "training.batchSize 15 cannot be divided among 2 processes"
    assert failed["fix"] == "set training.batchSize to 16"


def test_an_adapter_of_one_process_is_not_started_in_two(tmp_path: Path) -> None:
    data = write_pictures(tmp_path / "data")
    ran = run_step("train", tmp_path / "run", data, a_toy_plan(), *TOGETHER)
    (failed,) = ran.of("failed")
    assert (ran.code, failed["fix"]) == (2, "leave --processes out")


def test_as_many_gpus_are_there_or_it_is_refused(digits: Path, tmp_path: Path) -> None:
    resources = {**a_timm_plan()["resources"], "gpus": 64}
    plan = a_timm_plan(model="test_vit", resources=resources, training={"batchSize": 64})
    ran = run_step("train", tmp_path, digits, plan)
    (failed,) = ran.of("failed")
    assert ran.code == 2
    assert failed["message"].startswith("resources.gpus is 64, and PyTorch finds ")


def test_the_first_failure_is_that_of_the_training(tmp_path: Path) -> None:
    """A process whose peer is gone fails too, and later."""
    folder = GroupFolder(tmp_path)
    folder.note(1, ExitStatus(2, {"message": "an image is broken"}))
    folder.note(0, ExitStatus(1, {"message": "connection closed by peer"}))
    assert [one.code for one in folder.list_endings()] == [2, 1]
    folder.note(0, ExitStatus(75))
    assert [one.code for one in folder.list_endings()] == [2, 75]
