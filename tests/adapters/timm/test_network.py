"""The network of a job: its start, its frozen parts, and what is said where it cannot be built."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from timm_jobs import DIGITS, a_timm_job, differing, prepared, write_digits
from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.pytorch.state import choose_device
from vtspec.adapters.timm.network import build_network, freeze
from vtspec.adapters.timm.params import complete_job

pytestmark = pytest.mark.slow


def a_job(tmp_path: Path, **changes: Any) -> Job:
    return complete_job(a_timm_job(tmp_path, tmp_path / "work", **changes))


def silent(message: str) -> None:
    raise AssertionError(f"warned: {message}")


def weights_file(
    tmp_path: Path, classes: int, metadata: dict[str, str] | None = None
) -> tuple[Path, torch.nn.Module]:
    torch.manual_seed(5)
    network: torch.nn.Module = timm.create_model("test_resnet", num_classes=classes)
    path = tmp_path / "weights.safetensors"
    save_file(network.state_dict(), path, metadata=metadata)
    return path, network


def test_network_is_the_one_that_timm_makes_of_the_seed(tmp_path: Path) -> None:
    torch.manual_seed(3)
    built = build_network(a_job(tmp_path), silent)
    torch.manual_seed(3)
    expected = timm.create_model("test_resnet", num_classes=10)
    assert differing(built.state_dict(), expected.state_dict()) == []
    assert built.training


def test_image_size_reaches_the_models_that_fix_it(tmp_path: Path) -> None:
    job = a_job(tmp_path, model="test_vit", training={"imageSize": [48, 64]})
    network = build_network(job, silent)
    assert network(torch.zeros(1, 3, 48, 64)).shape == (1, 10)


def test_params_reach_the_network(tmp_path: Path) -> None:
    params = {"dropRate": 0.3, "dropPathRate": 0.2, "globalPool": "catavgmax"}
    network = build_network(a_job(tmp_path, params=params), silent)
    assert network.drop_rate == 0.3
    assert "CatAvgMax" in repr(network.global_pool) or "catavgmax" in repr(network.global_pool)
    drops = [repr(m) for m in network.modules() if type(m).__name__ == "DropPath"]
    assert any("0.2" in drop for drop in drops)


@pytest.mark.parametrize(
    ("changes", "message", "fix"),
    [
        ({"model": "resnett18"}, "no model 'resnett18'", "did you mean 'resnet18'?"),
        ({"model": "xyzzy"}, "no model 'xyzzy'", "vtspec models search"),
        ({"params": {"globalPool": "nonsense"}}, "nonsense", "params"),
        (
            {"model": "test_vit", "params": {"globalPool": "nonsense"}},
            "cannot build test_vit: Only avg",
            "params",
        ),
        (
            {"model": "test_vit", "training": {"imageSize": [7, 9]}},
            "does not take images of 7 by 9 pixels",
            "training.imageSize",
        ),
    ],
)
def test_network_that_cannot_be_built_is_explained(
    tmp_path: Path, changes: dict[str, Any], message: str, fix: str
) -> None:
    with pytest.raises(AdapterError, match=message) as error:
        build_network(a_job(tmp_path, **changes), silent)
    assert fix in (error.value.fix or "")


def test_network_that_does_not_know_a_param_is_explained(tmp_path: Path) -> None:
    job = a_job(tmp_path, model="vgg11", params={"dropPathRate": 0.1})
    with pytest.raises(AdapterError, match="vgg11 does not take one of drop_path_rate"):
        build_network(job, silent)


def test_weights_of_the_same_classes_are_taken_whole(tmp_path: Path) -> None:
    path, network = weights_file(tmp_path, 10, {"classes": json.dumps(list(DIGITS))})
    built = build_network(a_job(tmp_path, weights=path), silent)
    assert differing(built.state_dict(), network.state_dict()) == []


def test_weights_that_do_not_say_their_classes_keep_their_head_with_a_warning(
    tmp_path: Path,
) -> None:
    path, network = weights_file(tmp_path, 10)
    warnings: list[str] = []
    built = build_network(a_job(tmp_path, weights=path), warnings.append)
    assert differing(built.state_dict(), network.state_dict()) == []
    assert warnings == ["weights.safetensors does not say its classes: its head is kept as it is"]


@pytest.mark.parametrize(
    ("classes", "names"), [(10, list(reversed(DIGITS))), (3, ["a", "b", "c"]), (1000, None)]
)
def test_weights_of_other_classes_get_a_new_head(
    tmp_path: Path, classes: int, names: list[str] | None
) -> None:
    path, network = weights_file(
        tmp_path, classes, {"classes": json.dumps(names)} if names else None
    )
    warnings: list[str] = []
    torch.manual_seed(6)
    built = build_network(a_job(tmp_path, weights=path), warnings.append)
    old = {name: t for name, t in network.state_dict().items() if not name.startswith("fc.")}
    new = {name: t for name, t in built.state_dict().items() if not name.startswith("fc.")}
    assert differing(old, new) == []
    assert built.get_parameter("fc.weight").shape[0] == 10
    assert not torch.equal(
        built.get_parameter("fc.weight"), network.get_parameter("fc.weight")[:10]
    )
    assert len(warnings) == 1
    assert "the head starts at random" in warnings[0]


@pytest.mark.parametrize(
    ("kind", "value"), [("weight", math.inf), ("weight", math.nan), ("running_var", math.nan)]
)
def test_weights_that_hold_no_numbers_are_refused(tmp_path: Path, kind: str, value: float) -> None:
    path, network = weights_file(tmp_path, 10)
    state = network.state_dict()
    name = next(name for name in state if name.endswith(kind))
    state[name].view(-1)[0] = value
    save_file(state, path)
    with pytest.raises(AdapterError, match=f"'{name}' holds what is no number"):
        build_network(a_job(tmp_path, weights=path), lambda message: None)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path, _ = weights_file(tmp_path, 10)
    with pytest.raises(AdapterError, match="do not fit resnet10t") as error:
        build_network(a_job(tmp_path, model="resnet10t", weights=path), lambda message: None)
    assert "leave model.weights out" in (error.value.fix or "")


@pytest.mark.parametrize("content", [b"", b"no weights", None])
def test_file_that_holds_no_weights_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "weights.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AdapterError, match="not readable as safetensors"):
        build_network(a_job(tmp_path, weights=path), silent)


@pytest.mark.parametrize("named", ["no JSON", "[" * 100_000, "5", '["a",1]', '["a","a"]'])
def test_weights_whose_classes_cannot_be_read_are_refused(tmp_path: Path, named: str) -> None:
    path, _ = weights_file(tmp_path, 10, {"classes": named})
    with pytest.raises(AdapterError, match="what it says of its classes cannot be read"):
        build_network(a_job(tmp_path, weights=path), silent)


def test_weights_without_a_revision_are_refused(tmp_path: Path) -> None:
    hub = {"type": "hub", "id": "timm/test_resnet.r160_in1k", "revision": None}
    job = a_job(tmp_path)
    model = {"name": "test_resnet", "parameters": 1, "weights": hub}
    from timm_jobs import a_timm_plan
    from vtspec.adapters.job import build_job

    pinned = build_job(
        {**a_timm_plan(), "model": model},
        run="x",
        attempt=1,
        data_root=tmp_path,
        workdir=job.workdir,
    )
    with pytest.raises(AdapterError, match="without a revision"):
        build_network(complete_job(pinned), silent)


def test_backbone_is_all_but_the_classifier(tmp_path: Path) -> None:
    network = build_network(a_job(tmp_path), silent)
    still = freeze(network, "backbone")
    learning = {name for name, p in network.named_parameters() if p.requires_grad}
    assert learning == {"fc.weight", "fc.bias"}
    assert len(still) == sum(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())


def test_prefixes_freeze_whole_modules_and_not_those_named_alike(tmp_path: Path) -> None:
    network = build_network(a_job(tmp_path), silent)
    still = freeze(network, ("conv1", "layer1", "layer2.0"))
    frozen = {name for name, p in network.named_parameters() if not p.requires_grad}
    tops = {".".join(name.split(".")[: 2 if name.startswith("layer2") else 1]) for name in frozen}
    assert tops == {"conv1", "layer1", "layer2.0"}
    names = {name for name, m in network.named_modules() if any(m is each for each in still)}
    assert all(name.startswith(("conv1.", "layer1.", "layer2.0.")) for name in names)


def test_nothing_is_frozen_unless_asked(tmp_path: Path) -> None:
    network = build_network(a_job(tmp_path), silent)
    assert freeze(network, "none") == []
    assert all(p.requires_grad for p in network.parameters())


@pytest.mark.parametrize(
    ("what", "message", "fix"),
    [
        (("layer9",), "no module 'layer9'", "did you mean 'layer"),
        (("xyzzy",), "no module 'xyzzy'", "conv1"),
        (("conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc"), "nothing to learn", ""),
    ],
)
def test_freezing_what_is_not_there_or_everything_is_refused(
    tmp_path: Path, what: tuple[str, ...], message: str, fix: str
) -> None:
    network = build_network(a_job(tmp_path), silent)
    with pytest.raises(AdapterError, match=message) as error:
        freeze(network, what)
    assert fix in (error.value.fix or "")


def test_frozen_weights_and_statistics_stay_put_in_training(tmp_path: Path) -> None:
    data = write_digits(tmp_path / "data", train=2, val=1, test=1)
    job = a_timm_job(data, tmp_path / "work", training={"freeze": ["conv1", "bn1", "layer1"]})
    adapter = prepared(job)
    before = {name: t.clone() for name, t in adapter.model.state_dict().items()}
    adapter.train_epoch(1)
    moved = differing(before, adapter.model.state_dict())
    assert not [name for name in moved if name.startswith(("conv1", "bn1", "layer1."))]
    assert [name for name in moved if name.startswith("layer2.") and "running_mean" in name]


def test_model_that_cannot_recompute_activations_is_said(tmp_path: Path) -> None:
    network = build_network(a_job(tmp_path, params={"gradientCheckpointing": True}), silent)
    assert bool(network.grad_checkpointing)
    job = a_job(tmp_path, model="squeezenet", params={"gradientCheckpointing": True})
    with pytest.raises(AdapterError):
        build_network(job, silent)


@pytest.mark.parametrize(
    ("gpus", "precision", "message"), [(2, "fp32", "one GPU, not 2"), (0, "fp16", "needs a GPU")]
)
def test_device_that_cannot_be_had_is_said(gpus: int, precision: str, message: str) -> None:
    with pytest.raises(AdapterError, match=message) as error:
        choose_device(gpus, precision)
    assert error.value.fix


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_missing_gpu_is_said() -> None:
    with pytest.raises(AdapterError, match="no CUDA GPU here"):
        choose_device(1, "fp32")
