"""Pairs of super-resolution are cut alike, and whole images are enlarged whatever their size."""

import pytest
import torch
from torch.nn import functional

from vtspec.adapters.transformers.tasks.super_resolution.enlarger import (
    compute_pixel_loss,
    enlarge,
)
from vtspec.adapters.transformers.tasks.super_resolution.images import augment_pair

pytestmark = pytest.mark.slow

NEVER: dict[str, float] = dict.fromkeys(("hflip", "vflip", "quarterTurn", "channelShuffle"), 0.0)


def double(pixels: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(pixels[None], scale_factor=2.0, mode="nearest")[0]


def test_both_images_are_cut_and_turned_alike() -> None:
    torch.manual_seed(0)
    low = torch.rand(3, 9, 7)
    high = double(low)
    seen = set()
    for _ in range(40):
        some, large = augment_pair(low, high, (4, 6), 2, dict.fromkeys(NEVER, 0.5))
        assert some.shape == (3, 4, 6)
        assert torch.equal(double(some), large)
        seen.add(float(some.flatten()[0]))
    assert len(seen) > 20


@pytest.mark.parametrize("name", list(NEVER))
def test_each_part_of_the_augmentation_moves_pixels_and_nothing_else(name: str) -> None:
    low = torch.rand(3, 4, 4)
    high = double(low)
    moved = set()
    for seed in range(5):
        torch.manual_seed(seed)
        plain = augment_pair(low, high, (4, 4), 2, NEVER)
        assert torch.equal(plain[0], low)
        torch.manual_seed(seed)
        some, _ = augment_pair(low, high, (4, 4), 2, {**NEVER, name: 1.0})
        assert torch.equal(some.flatten().sort().values, low.flatten().sort().values)
        moved.add(torch.equal(some, low))
    # A shuffle of three channels may leave them as they are.
    assert False in moved and (name == "channelShuffle" or True not in moved)


def test_an_image_of_any_size_is_filled_up_and_cut() -> None:
    seen = []

    def network(pixels: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(pixels.shape[1:]))
        return double(pixels)

    pixels = torch.rand(3, 5, 3)
    assert torch.equal(enlarge(network, pixels, 2, 8, None), double(pixels))
    assert seen == [(8, 8)]


def test_what_is_filled_up_mirrors_the_image() -> None:
    shown = []

    def network(pixels: torch.Tensor) -> torch.Tensor:
        shown.append(pixels)
        return double(pixels)

    pixels = torch.arange(6.0).reshape(1, 2, 3).expand(3, 2, 3)
    enlarge(network, pixels, 2, 4, None)
    assert shown[0][0].tolist() == [[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [0, 1, 2, 2]]


def test_tiles_are_put_together_where_they_belong_and_see_around_them() -> None:
    def network(pixels: torch.Tensor) -> torch.Tensor:
        # Sees two pixels around each.
        blurred = functional.avg_pool2d(pixels, 5, 1, 2, count_include_pad=False)
        return double(blurred)

    pixels = torch.rand(3, 50, 70)
    whole = enlarge(network, pixels, 2, 1, None)
    assert torch.allclose(enlarge(network, pixels, 2, 1, 20), whole, atol=1e-6)


def test_losses_are_what_they_are_called() -> None:
    told, true = torch.tensor([0.0, 0.5]), torch.tensor([0.0, 0.1])
    assert float(compute_pixel_loss(told, true, "l1")) == pytest.approx(0.2)
    assert float(compute_pixel_loss(told, true, "l2")) == pytest.approx(0.08)
    expected = (1e-3 + (0.16 + 1e-6) ** 0.5) / 2
    assert float(compute_pixel_loss(told, true, "charbonnier")) == pytest.approx(expected)
