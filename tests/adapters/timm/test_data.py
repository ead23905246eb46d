"""From files to batches: transforms, broken images, how an epoch is cut."""

import itertools
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from shortages import no_descriptors
from timm_jobs import a_timm_job, prepared, write_digits
from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.image_labels import LabeledImage
from vtspec.adapters.pytorch.epoch_progress import EpochBatches, plan_batches
from vtspec.adapters.pytorch.loading import UnreadableImage, decode_image, iter_batches
from vtspec.adapters.pytorch.state import seed_everything
from vtspec.adapters.timm.data import (
    ImageDataset,
    build_eval_loader,
    build_eval_transform,
    build_train_loader,
    build_train_transform,
)
from vtspec.adapters.timm.labels import choose_labels
from vtspec.adapters.timm.params import PARAMS, complete_job

pytestmark = pytest.mark.slow

SETTINGS = {
    "input_size": (3, 16, 16),
    "interpolation": "bicubic",
    "mean": (0.5, 0.5, 0.5),
    "std": (0.5, 0.5, 0.5),
    "crop_pct": 0.875,
    "crop_mode": "center",
}


def a_job(tmp_path: Path, params: Mapping[str, Any] | None = None, **training: Any) -> Job:
    return complete_job(a_timm_job(tmp_path, tmp_path / "work", training=training, params=params))


def an_image(seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def transformed(tmp_path: Path, params: Mapping[str, Any] | None, **training: Any) -> Any:
    transform = build_train_transform(SETTINGS, a_job(tmp_path, params, **training))
    seed_everything(1)
    return torch.stack([transform(an_image(seed)) for seed in range(8)])


def test_without_augmentation_an_image_is_always_the_same(tmp_path: Path) -> None:
    transform = build_train_transform(SETTINGS, a_job(tmp_path, augmentation="none"))
    assert torch.equal(transform(an_image()), transform(an_image()))
    assert transform(an_image()).shape == (3, 16, 16)


@pytest.mark.parametrize("preset", ["light", "standard", "strong"])
def test_augmentation_changes_images_and_keeps_their_size(tmp_path: Path, preset: str) -> None:
    images = [
        transformed(tmp_path, None, augmentation=preset),
        transformed(tmp_path, None, augmentation="none"),
    ]
    assert images[0].shape == images[1].shape == (8, 3, 16, 16)
    assert not torch.equal(images[0], images[1])


def test_presets_are_what_their_names_say(tmp_path: Path) -> None:
    steps = {
        preset: repr(build_train_transform(SETTINGS, a_job(tmp_path, augmentation=preset)))
        for preset in ("light", "standard", "strong")
    }
    assert "scale=(0.8, 1.0)" in steps["light"]
    assert "ColorJitter" not in steps["light"]
    assert "scale=(0.08, 1.0)" in steps["standard"]
    assert "ColorJitter" in steps["standard"]
    assert "RandomErasing" not in steps["standard"]
    assert "RandAugment" in steps["strong"]
    assert "RandomErasing" in steps["strong"]
    assert all("RandomHorizontalFlip(p=0.5)" in text for text in steps.values())


@pytest.mark.parametrize(
    ("preset", "param", "value"),
    [
        ("standard", "trainInterpolation", "nearest"),
        ("standard", "cropScaleMin", 0.9),
        ("standard", "hflip", 0.0),
        ("standard", "vflip", 1.0),
        ("standard", "colorJitter", 0.1),
        ("standard", "autoAugment", "rand-m9-n3"),
        ("standard", "reProb", 1.0),
        ("strong", "reMode", "const"),
        ("strong", "reCount", 5),
    ],
)
def test_every_param_of_the_augmentation_changes_the_images(
    tmp_path: Path, preset: str, param: str, value: Any
) -> None:
    always = {"reProb": 1.0} if preset == "strong" else {}
    before = transformed(tmp_path, always, augmentation=preset)
    after = transformed(tmp_path, {**always, param: value}, augmentation=preset)
    assert not torch.equal(before, after)


@pytest.mark.parametrize(
    ("params", "training", "message"),
    [
        ({"hflip": 0.5}, {"augmentation": "none"}, "params.hflip changes nothing"),
        ({"reMode": "const"}, {"augmentation": "standard"}, "while nothing is erased"),
        ({"reCount": 2, "reProb": 0.0}, {"augmentation": "strong"}, "while nothing is erased"),
        ({"colorJitter": 0.2}, {"augmentation": "strong"}, "beside an automatic"),
        ({"interpolation": "lanczos"}, {"augmentation": "strong"}, "as Pillow turns no image so"),
        (
            {"trainInterpolation": "lanczos", "autoAugment": "augmix-m5"},
            {"augmentation": "standard"},
            "as Pillow turns no image so",
        ),
        ({"mixupProb": 0.5}, {}, "while nothing is mixed"),
        ({"mixupSwitchProb": 0.5, "mixup": 0.2}, {}, "without both mixup and cutmix"),
        ({"warmupLearningRate": 0.1}, {}, "without a warm-up"),
        ({"decayRate": 0.1}, {"scheduler": "cosine"}, "with scheduler 'cosine'"),
        ({"plateauPatience": 3}, {"scheduler": "step"}, "with scheduler 'step'"),
        ({"hflop": 1}, {}, "no such param"),
        ({"hflip": 2.0}, {"augmentation": "standard"}, "at most 1"),
    ],
)
def test_param_that_would_change_nothing_is_refused(
    tmp_path: Path, params: Mapping[str, Any], training: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(AdapterError, match=message) as error:
        a_job(tmp_path, params, **training)
    assert error.value.fix


def test_colour_of_the_policy_that_has_room_for_it_is_kept(tmp_path: Path) -> None:
    params = {"autoAugment": "3a", "colorJitter": 0.3}
    transform = build_train_transform(SETTINGS, a_job(tmp_path, params, augmentation="standard"))
    assert "ColorJitter" in repr(transform)


@pytest.mark.parametrize("policy", ["rand-x9", "nonsense"])
def test_automatic_augmentation_that_timm_does_not_know_is_refused(
    tmp_path: Path, policy: str
) -> None:
    job = a_job(tmp_path, {"autoAugment": policy}, augmentation="standard")
    with pytest.raises(AdapterError, match="does not understand") as error:
        build_train_transform(SETTINGS, job)
    assert "rand-m9-mstd0.5-inc1" in (error.value.fix or "")


def test_every_param_has_a_sentence_of_help() -> None:
    assert all(param.help.endswith(".") for param in PARAMS.values())


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "CMYK"])
def test_images_of_any_mode_become_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("image.tif" if mode == "CMYK" else "image.png")
    an_image().convert(mode).save(path)
    image = decode_image(path)
    assert isinstance(image, Image.Image)
    assert (image.mode, image.size) == ("RGB", (20, 24))


def broken(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / f"{kind}.png"
    an_image().save(path)
    whole = path.read_bytes()
    contents = {
        "truncated": whole[: len(whole) // 2],
        "empty": b"",
        "text": b"<html>404</html>",
        "flipped": whole[:60] + bytes(byte ^ 255 for byte in whole[60:90]) + whole[90:],
    }
    path.write_bytes(contents[kind])
    return path


@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "flipped"])
@pytest.mark.parametrize("workers", [0, 1])
def test_broken_image_is_named(tmp_path: Path, kind: str, workers: int) -> None:
    good = tmp_path / "good.png"
    an_image().save(good)
    bad = broken(tmp_path, kind)
    images = [LabeledImage(good, 0), LabeledImage(good, 1), LabeledImage(bad, 2)]
    job = a_job(tmp_path, batchSize=2, workers=workers)
    batches = iter_batches(iter(build_eval_loader(images, build_eval_transform(SETTINGS), job)))
    inputs, targets = next(batches)
    assert (inputs.shape, targets.tolist()) == ((2, 3, 16, 16), [0, 1])
    with pytest.raises(AdapterError) as error:
        next(batches)
    assert str(error.value).startswith(f"{bad} cannot be read as an image: ")
    assert "vtspec datasets inspect" in (error.value.fix or "")


@pytest.mark.parametrize("workers", [1, 4, 64])
def test_workers_that_need_more_open_files_than_are_allowed_are_refused_before_training(
    tmp_path: Path, workers: int
) -> None:
    job = a_timm_job(write_digits(tmp_path / "data"), tmp_path / "work", training={"workers": 0})
    prepared(job)
    job = replace(job, training=replace(job.training, workers=workers))
    with no_descriptors(7 * workers), pytest.raises(AdapterError) as refused:
        prepared(job)
    assert f"open files is too low for training.workers: {workers}, which need" in str(
        refused.value
    )
    assert (refused.value.fix or "").startswith("ulimit -n 1024")


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_that_are_let_start_have_the_open_files_that_they_need(
    tmp_path: Path, workers: int
) -> None:
    job = a_job(tmp_path, batchSize=1, workers=workers)
    an_image().save(tmp_path / "good.png")
    images = [LabeledImage(tmp_path / "good.png", 0)] * 12
    transform, generator = build_eval_transform(SETTINGS), torch.Generator()
    # Torch opens files of its own where it is first used.
    assert sum(1 for _ in iter_batches(iter(build_eval_loader(images, transform, job)))) == 12
    for more in itertools.count(8 * workers):
        with no_descriptors(more):
            try:
                loader = build_train_loader(images, transform, job, generator, drop_last=False)
            except AdapterError:
                continue
            # Not kept: each tensor of a worker holds a file open.
            assert sum(1 for _ in iter_batches(iter(loader))) == len(images)
            break


def test_measuring_many_batches_needs_no_more_open_files_than_measuring_few(
    tmp_path: Path,
) -> None:
    job = a_timm_job(
        write_digits(tmp_path / "data", val=8),
        tmp_path / "work",
        training={"workers": 1, "batchSize": 2},
    )
    adapter = prepared(job)
    adapter.validate(1)
    with no_descriptors(28):
        assert adapter.validate(1).val_loss is not None


def test_missing_image_and_a_bomb_are_unreadable_too(tmp_path: Path) -> None:
    assert isinstance(decode_image(tmp_path / "gone.png"), UnreadableImage)
    bomb = tmp_path / "bomb.png"
    Image.new("1", (20000, 20000)).save(bomb)
    found = decode_image(bomb)
    assert isinstance(found, UnreadableImage)
    assert found.reason == "it has too many pixels to be opened safely"


def test_training_on_a_broken_image_ends_with_its_name(tmp_path: Path) -> None:
    data = write_digits(tmp_path / "data", train=2, val=1, test=1)
    bad = data / "train" / "7" / "0001.png"
    bad.write_bytes(bad.read_bytes()[:50])
    adapter = prepared(a_timm_job(data, tmp_path / "work"))
    with pytest.raises(AdapterError, match=str(bad)):
        adapter.train_epoch(1)


def test_loader_shuffles_by_its_generator_alone(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    an_image().save(path)
    images = [LabeledImage(path, index) for index in range(10)]
    job = a_job(tmp_path, batchSize=4)
    transform = build_train_transform(SETTINGS, job)

    def order(seed: int) -> list[int]:
        torch.manual_seed(torch.seed())
        generator = torch.Generator().manual_seed(seed)
        loader = build_train_loader(images, transform, job, generator, drop_last=False)
        return [target for _, targets in loader for target in targets.tolist()]

    assert order(1) == order(1) != order(2)
    assert sorted(order(1)) == list(range(10))


def test_measuring_does_not_touch_the_random_states(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    an_image().save(path)
    before = torch.get_rng_state(), random.getstate(), repr(np.random.get_state())
    job = a_job(tmp_path)
    list(build_eval_loader([LabeledImage(path, 0)] * 3, build_eval_transform(SETTINGS), job))
    after = torch.get_rng_state(), random.getstate(), repr(np.random.get_state())
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]


def test_dataset_has_a_length_and_items(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    an_image().save(path)
    labels = choose_labels(a_job(tmp_path))
    files = ImageDataset([LabeledImage(path, 3)], build_eval_transform(SETTINGS), labels)
    assert len(files) == 1
    item = files[0]
    assert not isinstance(item, UnreadableImage)
    assert (item[0].shape, item[1]) == ((3, 16, 16), 3)


@pytest.mark.parametrize(
    ("images", "size", "mixed", "expected"),
    [
        (100, (16, 1), False, (7, 7, 0)),
        (100, (16, 3), False, (7, 3, 0)),
        (96, (16, 1), False, (6, 6, 0)),
        (97, (16, 1), False, (6, 6, 1)),
        (5, (1, 2), False, (5, 3, 0)),
        (10, (64, 1), False, (1, 1, 0)),
        (100, (16, 1), True, (7, 7, 0)),
        (101, (16, 1), True, (6, 6, 5)),
    ],
)
def test_epoch_is_cut_into_batches_that_can_be_trained_on(
    tmp_path: Path,
    images: int,
    size: tuple[int, int],
    mixed: bool,
    expected: tuple[int, int, int],
) -> None:
    batch, accumulation = size
    training = a_job(tmp_path, batchSize=batch, gradientAccumulation=accumulation).training
    found = plan_batches(images, training, mixed=mixed)
    assert (found.batches, found.steps, found.left_out) == expected


def test_last_step_has_the_batches_that_are_left() -> None:
    epoch = EpochBatches(images=26, size=4, accumulation=3, left_out=0)
    assert [epoch.count_batches(step) for step in range(epoch.steps)] == [3, 3, 1]
    assert [epoch.count_images(step) for step in range(epoch.steps)] == [12, 12, 2]


@pytest.mark.parametrize(
    ("images", "batch", "mixed", "message"),
    [(100, 15, True, "in pairs"), (1, 16, False, "make no batch"), (7, 16, True, "make no batch")],
)
def test_epoch_without_a_trainable_batch_is_refused(
    tmp_path: Path, images: int, batch: int, mixed: bool, message: str
) -> None:
    training = a_job(tmp_path, batchSize=batch).training
    with pytest.raises(AdapterError, match=message):
        plan_batches(images, training, mixed=mixed)
