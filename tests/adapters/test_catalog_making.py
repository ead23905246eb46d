"""Catalogs are made from the frameworks themselves, and say what those say."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtspec.adapters.catalogs import __main__ as command
from vtspec.adapters.catalogs import model_stats
from vtspec.adapters.catalogs.catalog_format import build_catalog, dump, iter_differences
from vtspec.pipelines.catalog import load_frameworks


class FakeFramework:
    """A source of catalogs that remembers which models it was asked for, and may break on one."""

    def __init__(self, *names: str, breaks_on: str | None = None, made_with: str = "1.0") -> None:
        self._names = list(names)
        self.breaks_on = breaks_on
        self.made_with = made_with
        self.parameters = 7
        self.asked: list[str] = []

    def get_versions(self) -> dict[str, str]:
        return {"fake": self.made_with}

    def list_models(self) -> list[str]:
        return self._names

    def get_renames(self) -> dict[str, str]:
        return {"old": "a"}

    def build_entry(self, name: str) -> dict[str, Any]:
        self.asked.append(name)
        if name == self.breaks_on:
            raise KeyboardInterrupt
        return {"parameters": self.parameters, "size": [8, 8], "weights": []}


def test_a_catalog_is_written_with_one_model_a_line(tmp_path: Path) -> None:
    file = tmp_path / "catalog.json"
    command.write("fake", FakeFramework("b", "a"), file)
    assert file.read_text() == (
        "{\n"
        '"form": 1,\n'
        '"framework": "fake",\n'
        '"versions": {"fake": "1.0"},\n'
        '"renamed": {"old": "a"},\n'
        '"models": {\n'
        '"b": {"parameters": 7, "size": [8, 8], "weights": []},\n'
        '"a": {"parameters": 7, "size": [8, 8], "weights": []}\n'
        "}\n}\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["catalog.json"]


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "catalog.json"
    with pytest.raises(KeyboardInterrupt):
        command.write("fake", FakeFramework("a", "b", "c", breaks_on="c"), file)
    assert not file.exists()
    again = FakeFramework("a", "b", "c")
    command.write("fake", again, file)
    assert again.asked == ["c"]
    assert list(json.loads(file.read_text())["models"]) == ["a", "b", "c"]


def test_what_another_version_left_behind_is_measured_again(tmp_path: Path) -> None:
    file = tmp_path / "catalog.json"
    with pytest.raises(KeyboardInterrupt):
        command.write("fake", FakeFramework("a", "b", breaks_on="b"), file)
    newer = FakeFramework("a", "b", made_with="2.0", breaks_on="b")
    with pytest.raises(KeyboardInterrupt):
        command.write("fake", newer, file)
    assert newer.asked == ["a", "b"]
    newer.breaks_on = None
    command.write("fake", newer, file)
    assert newer.asked == ["a", "b", "b"]
    assert json.loads(file.read_text())["versions"] == {"fake": "2.0"}


def test_check_says_what_differs_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "catalog.json"
    command.write("fake", FakeFramework("a", "b"), file)
    before = file.read_bytes()
    assert command.check("fake", FakeFramework("a", "b"), file) == 0
    changed = FakeFramework("b", "c", made_with="2.0")
    changed.parameters = 8
    capsys.readouterr()
    assert command.check("fake", changed, file) == 1
    assert capsys.readouterr().out.splitlines() == [
        'versions: {"fake": "1.0"} is now {"fake": "2.0"}',
        "a: is no longer there",
        "b: parameters",
        "c: is new",
    ]
    assert file.read_bytes() == before


def test_the_command_writes_a_catalog_and_checks_it(tmp_path: Path) -> None:
    file = tmp_path / "catalog.json"
    sources = {"fake": FakeFramework("a")}
    arguments = ["fake", "--into", str(file)]
    assert command.main(arguments, sources.__getitem__) == 0
    assert command.main([*arguments, "--check"], sources.__getitem__) == 0
    sources["fake"].parameters += 1
    assert command.main([*arguments, "--check"], sources.__getitem__) == 1


def test_a_framework_without_a_module_of_its_own_has_no_catalog_to_make(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["nowhere", "--into", str(tmp_path / "catalog.json")])
    assert ended.value.code == 2
    assert "No module named 'vtspec.adapters.catalogs.nowhere'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@given(
    own=st.integers(min_value=1, max_value=1100),
    step=st.integers(min_value=1, max_value=300),
    least=st.integers(min_value=1, max_value=1100),
)
def test_the_smallest_size_is_found_as_if_every_size_were_tried(
    own: int, step: int, least: int
) -> None:
    from vtspec.adapters.catalogs.timm import find_smallest_size

    least = min(least, own)
    tried: list[tuple[int, int]] = []

    def takes(size: tuple[int, int]) -> bool:
        tried.append(size)
        return size[0] >= least

    sides = [side for side in range(own, 0, -step) if side >= least]
    assert find_smallest_size(takes, (own, own + 5), step) == (min(sides), min(sides) + 5)
    assert len(tried) < 20


def test_two_equal_catalogs_differ_in_nothing() -> None:
    source = FakeFramework("a")
    made = build_catalog("fake", source, {"a": source.build_entry("a")})
    assert list(iter_differences(made, json.loads(dump(made)))) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of timm, about names that it will change
@pytest.mark.parametrize(
    "name",
    [
        "convnext_atto",
        "deit_tiny_distilled_patch16_224",
        "legacy_seresnet18",
        "levit_128s",
        "mobilenetv3_small_100",
        "resnet10t",
        "resnet18",
        "swin_tiny_patch4_window7_224",
        "test_vit",
        "vgg11",
        "vit_tiny_patch16_224",
    ],
)
def test_timms_catalog_is_what_timm_says(name: str) -> None:
    from vtspec.adapters.catalogs import timm

    committed = json.loads((load_frameworks()["timm"].folder / "catalog.json").read_text())
    assert timm.build_entry(name) == committed["models"][name]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of timm, about names that it will change
def test_timms_catalog_has_the_models_that_timm_has() -> None:
    from vtspec.adapters.catalogs import timm

    framework = load_frameworks()["timm"]
    committed = json.loads((framework.folder / "catalog.json").read_text())
    assert list(committed["models"]) == timm.list_models()
    assert committed["renamed"] == timm.get_renames()
    assert committed["versions"] == timm.get_versions()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["test_vit", "test_efficientnet", "test_resnet", "test_convnext"])
def test_the_meta_device_counts_what_the_cpu_keeps(name: str) -> None:
    import timm
    import torch

    measured = load_frameworks()["timm"].model(name)
    assert measured is not None
    assert measured.image_size is not None
    network = timm.create_model(name, num_classes=1000)
    images = torch.rand(2, 3, *measured.image_size)
    # Counted apart from `measure`: distinct storages by their address in memory.
    own = {
        each.untyped_storage().data_ptr() for each in [*network.parameters(), *network.buffers()]
    }
    kept: dict[int, torch.Tensor] = {}

    def save(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
        network.train()(images)
    stored = sum(
        each.untyped_storage().nbytes() for where, each in kept.items() if where not in own
    )
    assert measured.activations == float(f"{stored / 2 / 4e6:.4g}")


@pytest.mark.slow
def test_the_numbers_of_a_small_network_are_those_worked_out_by_hand() -> None:
    import torch

    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1, bias=False),
        torch.nn.Sigmoid(),
        torch.nn.Flatten(),
        torch.nn.Linear(4 * 8 * 8, 10),
    ).to("meta")
    image, images = torch.zeros(1, 3, 8, 8, device="meta"), torch.zeros(2, 3, 8, 8, device="meta")
    assert model_stats.count_parameters(network) == 3 * 4 * 9 + 4 * 8 * 8 * 10 + 10
    assert model_stats.count_gmacs(network, image) * 1e9 == pytest.approx(
        8 * 8 * 3 * 4 * 9 + 256 * 10
    )
    # The image for the convolution, and the sigmoid's output once for itself and the linear layer.
    assert model_stats.count_activations(network, images) * 1e6 == pytest.approx(
        3 * 8 * 8 + 4 * 8 * 8
    )
    assert model_stats.get_output_shape(network, images) == (2, 10)


@pytest.mark.slow
def test_an_answer_that_is_no_tensor_and_a_size_that_is_refused_are_no_answers() -> None:
    import torch

    class Pair(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return images, images

    images = torch.zeros(1, 3, 8, 8, device="meta")
    misfit = torch.nn.Linear(5, 1).to("meta")
    assert model_stats.attempt(lambda: model_stats.get_output_shape(Pair(), images)) is None
    assert model_stats.attempt(lambda: model_stats.get_output_shape(misfit, images)) is None
    with pytest.raises(TypeError, match="answers with tuple"):
        model_stats.get_output_shape(Pair(), images)


@pytest.mark.slow
def test_masked_attention_is_left_to_torch() -> None:
    import torch

    class Attention(torch.nn.Module):
        def __init__(self, mask: torch.Tensor | None) -> None:
            super().__init__()
            self.mask = mask

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            attend = torch.nn.functional.scaled_dot_product_attention
            return attend(tokens, tokens, tokens, attn_mask=self.mask)

    tokens = torch.zeros(2, 1, 64, 8, device="meta", requires_grad=True)
    mask = torch.zeros(64, 64, device="meta", requires_grad=True)
    plain = model_stats.count_activations(Attention(None), tokens)
    masked = model_stats.count_activations(Attention(mask), tokens)
    assert plain * 1e6 < 64 * 64 < masked * 1e6
