"""Real-ESRGAN's network is the one that it is known as."""

from pathlib import Path
from typing import Any

import pytest
import torch

from vtspec.adapters.transformers.tasks.super_resolution.rrdbnet import define_rrdbnet

pytestmark = pytest.mark.slow


def build(**settings: int) -> Any:
    config, network = define_rrdbnet()
    return network(config(**settings))


SMALL: dict[str, Any] = {"num_features": 8, "num_blocks": 1, "num_growth": 4}


def test_it_has_the_tensors_of_the_published_one() -> None:
    with torch.device("meta"):
        network = build()
    # RealESRGAN_x4plus: 16.7 million parameters in 702 tensors of these names.
    assert sum(one.numel() for one in network.parameters()) == 16_697_987
    names = list(network.state_dict())
    assert len(names) == 702
    assert names[:2] == ["conv_first.weight", "conv_first.bias"]
    assert {"body.22.rdb3.conv5.weight", "conv_body.bias", "conv_up2.bias", "conv_hr.bias"} < {
        *names
    }
    assert network.state_dict()["body.0.rdb1.conv5.weight"].shape == (64, 192, 3, 3)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_an_image_of_any_size_grows_by_the_scale(scale: int) -> None:
    network = build(upscale=scale, **SMALL)
    made = network(torch.rand(2, 3, 12, 8)).reconstruction
    assert made.shape == (2, 3, 12 * scale, 8 * scale)


def test_dense_blocks_are_drawn_small_and_loaded_as_they_are(tmp_path: Path) -> None:
    network = build(num_features=32, num_blocks=2, num_growth=16)
    dense = [one for one in network.modules() if type(one).__name__ == "DenseConvolution"]
    assert len(dense) == 2 * 3 * 5
    for layer in dense:
        expected = 0.1 * (2 / (layer.in_channels * 9)) ** 0.5
        assert float(layer.weight.detach().std()) == pytest.approx(expected, rel=0.1)
        assert layer.bias is not None and not layer.bias.any()
    network.save_pretrained(tmp_path)
    again = type(network).from_pretrained(tmp_path)
    for one, other in zip(network.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
