"""Distances are read, learnt and told in metres, and what nobody measured is nothing."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from vtspec.adapters.data.depth_maps import encode_depth, read_depth
from vtspec.adapters.data.image_decoding import UnreadableImageError
from vtspec.adapters.transformers.tasks.depth_estimation.depth_estimator import (
    compute_log_loss,
)
from vtspec.adapters.transformers.tasks.depth_estimation.images import augment_depth

pytestmark = pytest.mark.slow

NEVER = dict.fromkeys(("hflip", "photometricDistort", "cutDepth"), 0.0)


@pytest.mark.parametrize("focus", [0.0, 0.5, 0.85])
def test_the_loss_is_the_one_that_glpn_has(focus: float) -> None:
    from transformers.models.glpn.modeling_glpn import SiLogLoss

    torch.manual_seed(0)
    told, true = torch.rand(2, 8, 8) * 9 + 0.5, torch.rand(2, 8, 8) * 9 + 0.5
    true[0, :3] = 0
    glpn: Any = SiLogLoss
    expected = glpn(lambd=focus)(told, true)
    assert float(compute_log_loss(told, true, 10.0, focus)) == pytest.approx(float(expected))


def test_only_what_was_measured_and_is_near_enough_counts() -> None:
    true = torch.tensor([0.0, 2.0, 4.0, 30.0])
    told = torch.tensor([9.0, 2.0, 4.0, 5.0], requires_grad=True)
    torch.autograd.backward(compute_log_loss(told, true, 10.0, 0.5))
    assert told.grad is not None and not told.grad[[0, 3]].any()
    nothing = compute_log_loss(told, torch.zeros(4), 10.0, 0.5)
    torch.autograd.backward(nothing)
    assert float(nothing.detach()) == 0


def test_a_network_that_is_right_or_says_zero_gets_a_gradient_that_is_a_number() -> None:
    for said in (2.0, 0.0):
        told = torch.full((4,), said, requires_grad=True)
        torch.autograd.backward(compute_log_loss(told, torch.full((4,), 2.0), 10.0, 0.5))
        assert told.grad is not None and told.grad.isfinite().all()


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_maps_of_each_kind_are_read_in_metres(tmp_path: Path, kind: str) -> None:
    numbers = np.array([[0, 50], [200, 100]], kind)
    file = tmp_path / ("map.tiff" if kind == "float32" else "map.png")
    Image.fromarray(numbers).save(file)
    assert read_depth(file, 100.0).tolist() == [[0.0, 0.5], [2.0, 1.0]]


def test_what_is_no_number_was_not_measured(tmp_path: Path) -> None:
    numbers = np.array([[np.nan, np.inf], [-1.0, 3.0]], np.float32)
    Image.fromarray(numbers).save(tmp_path / "map.tiff")
    assert read_depth(tmp_path / "map.tiff", 1.0).tolist() == [[0.0, 0.0], [0.0, 3.0]]


def test_colours_are_no_distances(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "map.png")
    with pytest.raises(UnreadableImageError, match="numbers of one channel"):
        read_depth(tmp_path / "map.png", 1000.0)


def test_what_is_told_can_be_read_again(tmp_path: Path) -> None:
    metres = np.array([[1.234, 0.0], [70.0, 2.0]])
    file = io.BytesIO(base64.b64decode(encode_depth(metres, 1000.0)))
    (tmp_path / "map.png").write_bytes(file.getvalue())
    told = read_depth(tmp_path / "map.png", 1000.0)
    # The nearest is not "unknown", and 16 bits of millimetres end at 65.535 m.
    assert told == pytest.approx(np.array([[1.234, 0.001], [65.535, 2.0]]))


def test_a_flip_moves_both_and_colours_move_no_distance() -> None:
    torch.manual_seed(0)
    pixels, depth = torch.randint(0, 256, (3, 6, 8), dtype=torch.uint8), torch.rand(6, 8)
    some, far = augment_depth(pixels, depth, 1.0, {**NEVER, "hflip": 1.0})
    assert torch.equal(some, pixels.flip(-1)) and torch.equal(far, depth.flip(-1))
    some, far = augment_depth(pixels, depth, 1.0, {**NEVER, "photometricDistort": 1.0})
    assert not torch.equal(some, pixels) and torch.equal(far, depth)


def test_cut_depth_shows_a_band_of_distances() -> None:
    torch.manual_seed(1)
    pixels, depth = torch.full((3, 4, 20), 9, dtype=torch.uint8), torch.full((4, 20), 5.0)
    some, far = augment_depth(pixels, depth, 10.0, {**NEVER, "cutDepth": 1.0})
    assert torch.equal(far, depth)
    columns = (some == 128).all(dim=1).all(dim=0)
    changed = columns.nonzero().flatten().tolist()
    assert changed and changed == list(range(changed[0], changed[-1] + 1))
    assert (some[:, :, ~columns] == 9).all()
