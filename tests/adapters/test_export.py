"""What PyTorch networks are exported by has no effect beside the file."""

import os
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest
import torch

from toy_runs import ADAPTERS
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.pytorch.export import Outputs, export_onnx

pytestmark = pytest.mark.slow

EXPORT = """
import sys
from pathlib import Path

import torch

from vtspec.adapters.pytorch.export import export_onnx

network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
print(export_onnx(network, torch.rand(2, 3, 2, 2), Path(sys.argv[1]), {}).max_difference)
"""


def test_an_export_leaves_nothing_at_home(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "model.onnx"
    home.mkdir()
    variables = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ADAPTERS)}
    command = [sys.executable, "-c", EXPORT, str(file)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1e-4
    assert file.is_file()
    assert list(home.rglob("*")) == []


def test_a_network_of_any_size_is_exported_so_and_held_to_it(tmp_path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3, padding=1), torch.nn.PixelUnshuffle(2))
    file, any_size = tmp_path / "model.onnx", Outputs(("made",), size_step=2)
    images = torch.rand(2, 3, 6, 8)
    assert (export_onnx(network, images, file, {}, any_size).max_difference or 0) < 1e-5
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    other = torch.rand(1, 3, 10, 4)
    (made,) = session.run(None, {"images": other.numpy()})
    assert torch.allclose(torch.from_numpy(made), network(other), atol=1e-5)


class Counter(torch.nn.Module):
    """Brightness as a whole number, which in what is exported is another one by `off`."""

    def __init__(self, off: int) -> None:
        super().__init__()
        self.off = off

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = (images.mean(dim=(1, 2, 3)) * 50_000).long()
        return tokens + (self.off if torch.compiler.is_exporting() else 0)


def test_of_tokens_none_is_close_to_another(tmp_path: Path) -> None:
    images, outputs = torch.rand(3, 3, 4, 4), Outputs(("tokens",))
    exported = export_onnx(Counter(0), images, tmp_path / "same.onnx", {}, outputs)
    assert exported.max_difference == 0
    # Of 25,000 a share of 1e-4 is more than one.
    with pytest.raises(AdapterError, match=r"gives other tokens$"):
        export_onnx(Counter(1), images, tmp_path / "other.onnx", {}, outputs)
    assert not (tmp_path / "other.onnx").exists()
