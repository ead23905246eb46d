"""A checkpoint that Ultralytics wrote becomes weights that a spec can name, and runs nothing."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from detector_jobs import SHAPES, write_shapes
from timm_jobs import differing
from toy_runs import Listener
from vtspec.adapters.ultralytics.__main__ import main
from vtspec.adapters.ultralytics.adapter import Adapter
from vtspec.adapters.ultralytics.isolation import isolate
from yolo_jobs import a_yolo_job

pytestmark = pytest.mark.framework


def write_checkpoint(path: Path, **more: Any) -> Any:
    """As the package's trainer writes one: the averaged network in half precision."""
    isolate()
    from ultralytics.nn.tasks import DetectionModel

    network: Any = DetectionModel("yolo11n.yaml", nc=3, verbose=False)
    network.names = dict(enumerate(SHAPES))
    torch.save({"epoch": 3, "model": None, "ema": network.half(), **more}, path)
    return network


def test_a_checkpoints_weights_are_started_from(tmp_path: Path) -> None:
    network = write_checkpoint(tmp_path / "best.pt")
    target = tmp_path / "best.safetensors"
    assert main([str(tmp_path / "best.pt"), str(target)]) == 0
    data = write_shapes(tmp_path / "data", train=2, val=2, test=2)
    job = a_yolo_job(data, tmp_path / "run", weights=target)
    listener = Listener()
    adapter = Adapter(job, listener)
    adapter.prepare_model()
    held = {
        name: tensor.to(adapter.model.state_dict()[name].dtype)
        for name, tensor in network.state_dict().items()
    }
    assert differing(held, adapter.model.state_dict()) == []
    assert listener.of("warning") == []
    classes = tuple(reversed(SHAPES))
    dataset = dataclasses.replace(job.dataset, classes=classes)
    other = Adapter(dataclasses.replace(job, dataset=dataset), listener)
    other.prepare_model()
    assert "was trained for other classes" in listener.of("warning")[0]


class Trap:
    """Makes a folder where it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_a_checkpoint_that_would_run_code_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_checkpoint(tmp_path / "trap.pt", extra=Trap(tmp_path / "sprung"))
    assert main([str(tmp_path / "trap.pt"), str(tmp_path / "out.safetensors")]) == 2
    assert "holds what none of them does" in capfd.readouterr().err
    assert not (tmp_path / "sprung").exists() and not (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize(
    ("content", "said"), [(b"no pickle", "is not read"), (None, "no such file")]
)
def test_what_is_no_checkpoint_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes | None, said: str
) -> None:
    # Of that name the package would download one.
    source = tmp_path / "yolo11n.pt"
    if content is not None:
        source.write_bytes(content)
    assert main([str(source), str(tmp_path / "out.safetensors")]) == 2
    assert said in capfd.readouterr().err


def test_a_weightless_checkpoint_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    torch.save({"model": None}, tmp_path / "empty.pt")
    assert main([str(tmp_path / "empty.pt"), str(tmp_path / "out.safetensors")]) == 2
    assert "holds no network" in capfd.readouterr().err
    assert main([]) == 2
