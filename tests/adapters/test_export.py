"""What PyTorch networks are exported by has no effect beside the file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from toy_runs import ADAPTERS

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
