"""The wheel is whole: installed in an environment of its own, it validates, plans and runs."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def _run(*command: str | Path, cwd: Path) -> str:
    hidden = ("PYTHONPATH", "VIRTUAL_ENV")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    uv = Path(sys.executable).parent / "uv"
    _run(uv, "build", "--quiet", "--wheel", "--out-dir", folder, cwd=ROOT)
    return next(folder.glob("*.whl"))


def test_every_framework_travels_in_the_wheel(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    named = ("image.yaml", "catalog.json", "requirements.txt")
    files = [path for path in (ROOT / "images").glob("*/*") if path.name in named]
    assert {"timm", "toy", "transformers", "ultralytics"} <= {path.parent.name for path in files}
    expected = {f"vtspec/pipelines/_images/{path.parent.name}/{path.name}" for path in files}
    assert expected <= packed
    schemas = {f"vtspec/schema/_v1alpha1/{p.name}" for p in (ROOT / "schema/v1alpha1").glob("*")}
    assert schemas and schemas | {"vtspec/pipelines/reporting/style.css"} <= packed


def test_the_wheel_alone_makes_drafts_validates_and_plans(wheel: Path, tmp_path: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    python = tmp_path / "env" / "bin" / "python"
    _run(uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "env", cwd=tmp_path)
    _run(uv, "pip", "install", "--quiet", "--python", python, wheel, cwd=tmp_path)
    vtspec = python.parent / "vtspec"
    _run(vtspec, "init", "mine", cwd=tmp_path)
    assert "softmax" in _run(vtspec, "plan", "shapes", cwd=tmp_path / "mine")
    _run(vtspec, "validate", "specs", cwd=tmp_path / "mine")
    words = "once it reaches the end, softmax-regresion on shapes, 3 epochs"
    assert "epochs: 3" in _run(vtspec, "draft", "--offline", words, cwd=tmp_path / "mine")
    assert "resnet18" in _run(vtspec, "models", "search", "resnet18", cwd=tmp_path)
    missing = _run(
        python, "-c", "import importlib.util as u; print(u.find_spec('torch'))", cwd=ROOT
    )
    assert "None\n" == missing


def test_the_base_installation_holds_six_distributions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [line.split(">")[0] for line in project["dependencies"]]
    assert ["pydantic", "pyyaml", "click", "rich", "rapidfuzz", "packaging"] == names
