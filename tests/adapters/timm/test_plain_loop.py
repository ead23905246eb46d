"""The adapter's weights are those of a loop that one writes oneself."""

from pathlib import Path

import pytest

import plain_loop
from timm_jobs import a_timm_job, differing, trained, write_digits

pytestmark = pytest.mark.slow

HYPER = {"seed": 7, "epochs": 2, "batch": 16, "lr": 0.003, "ema": None}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("digits"))


def test_plain_loop_is_short_and_knows_nothing_of_vtspec() -> None:
    text = Path(plain_loop.__file__).read_text()
    assert len(text.splitlines()) <= 45
    assert "vtspec" not in text


@pytest.mark.parametrize("ema", [None, 0.9], ids=["no-ema", "ema"])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("augmentation", ["none", "standard"])
def test_weights_equal_those_of_a_plain_loop(
    digits: Path, tmp_path: Path, augmentation: str, workers: int, ema: float | None
) -> None:
    job = a_timm_job(
        digits,
        tmp_path,
        training={
            "augmentation": augmentation,
            "workers": workers,
            "ema": {"decay": ema, "warmup": True} if ema else None,
        },
    )
    adapter = trained(job)
    model, average = plain_loop.train(
        str(digits / "train"),
        "test_resnet",
        {**HYPER, "ema": ema},
        augmentation == "standard",
        workers,
    )
    assert differing(adapter.model.state_dict(), model.state_dict()) == []
    if average is not None:
        assert adapter.ema is not None
        assert differing(adapter.ema.module.state_dict(), average.state_dict()) == []


@pytest.mark.parametrize("change", [{"seed": 8}, {"lr": 0.0030001}, {"batch": 17}])
def test_another_plain_loop_gives_other_weights(
    digits: Path, tmp_path: Path, change: dict[str, float]
) -> None:
    adapter = trained(a_timm_job(digits, tmp_path))
    model, _ = plain_loop.train(
        str(digits / "train"), "test_resnet", {**HYPER, **change}, False, 0
    )
    assert differing(adapter.model.state_dict(), model.state_dict()) != []
