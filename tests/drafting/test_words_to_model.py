"""Words in, a trained model out: `draft`, `validate` and `run` on the real digits."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vtspec.pipelines.data.sample_digits import write_digits

ROOT = Path(__file__).parents[2]

MAIN = "from vtspec.cli.main import main; main()"

WORDS = (
    "digits 데이터로 ResNet10t 를 처음부터 세 에폭만 학습해줘. 이미지 크기는 32, 배치는 128, "
    "학습률 0.002, 증강 없이. 정확도 60% 이상이어야 해"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """This repository's own sample, without its experiments."""
    write_digits(tmp_path / "data" / "digits")
    (tmp_path / "specs" / "datasets").mkdir(parents=True)
    for file in ("vtspec.yaml", "dvc.yaml", "dvc.lock", "specs/datasets/digits.yaml"):
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def vtspec(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    keys = ("_API_KEY", "VTSPEC_DRAFT")
    environment = {
        name: each for name, each in os.environ.items() if not any(map(name.count, keys))
    }
    return subprocess.run(
        [sys.executable, "-c", MAIN, *words],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_words_become_a_model_that_reads_digits(home: Path) -> None:
    drafted = vtspec(home, "draft", WORDS, "--save")
    assert drafted.returncode == 0, drafted.stderr
    spec = home / "specs" / "experiments" / "digits-resnet10t.yaml"
    assert spec.read_text() == drafted.stdout

    checked = vtspec(home, "validate", "specs")
    assert checked.returncode == 0, checked.stderr

    ran = vtspec(home, "run", "digits-resnet10t", "--no-tracking", "--fail-on-gate")
    assert ran.returncode == 0, ran.stderr
    (run,) = (home / "runs").glob("digits-resnet10t-*")
    plan = json.loads((run / "plan.json").read_text())
    assert plan["model"]["name"] == "resnet10t"
    assert (plan["training"]["epochs"], plan["training"]["augmentation"]) == (3, "none")
    assert (run / "model" / "model.safetensors").is_file()
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["final"]["split"] == "test"
    # Chance is 0.1; the gate that the words asked for was held, or run would have said 3.
    assert metrics["final"]["accuracy"] >= 0.6
    assert plan["report"]["gates"] == ["accuracy >= 0.6"]
