"""The sample datasets are the same to the last byte, sound, and what they say of their pixels."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from vtspec.adapters.data.content_hash import hash_content
from vtspec.pipelines.data.dvc_files import load_pointer
from vtspec.pipelines.data.inspection.dataset_spec import build_dataset
from vtspec.pipelines.data.inspection.inspect import inspect_dataset
from vtspec.pipelines.data.refresh import revise_spec
from vtspec.pipelines.data.samples.__main__ import main
from vtspec.pipelines.data.samples.datasets import WRITERS, write_sample
from vtspec.schema.kinds.dataset import Dataset
from vtspec.schema.load import load

ROOT = Path(__file__).parents[2]
LARGEST = 2 * 2**20


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    for name in WRITERS:
        write_sample(name, folder / name)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_a_new_build_has_the_hash_that_is_committed(samples: Path, name: str) -> None:
    pointer, content = load_pointer(ROOT, f"data/{name}"), hash_content(samples / name)
    assert (content.hash, content.files, content.bytes) == (
        pointer.hash,
        pointer.nfiles,
        pointer.size,
    )
    assert content.bytes <= LARGEST


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_the_spec_says_what_is_in_it_and_nothing_is_wrong_with_it(
    samples: Path, name: str
) -> None:
    file = ROOT / "specs" / "datasets" / f"{name}.yaml"
    dataset = load(file.read_bytes(), str(file)).model
    assert isinstance(dataset, Dataset)
    spec, found = dataset.spec, inspect_dataset(samples / name)
    assert list(found.findings) == []
    assert (spec.format, spec.classes) == (found.layout.format, found.layout.classes)
    assert set(found.layout.tasks) <= set(spec.tasks)
    assert build_dataset(found, name, "data", {"tasks": spec.tasks}).spec.keypoints == (
        spec.keypoints
    )
    assert spec.license and spec.source.dvc and spec.source.dvc.path == f"data/{name}"
    assert spec.statistics is not None
    assert {
        split: (figures.images, dict(figures.per_class))
        for split, figures in spec.statistics.splits.items()
    } == {
        split: (found.count_readable(split), found.count_per_class(split))
        for split in ("train", "val", "test")
    }


@pytest.mark.slow
def test_keypoints_are_named_as_the_data_names_them(samples: Path) -> None:
    file = ROOT / "specs" / "datasets" / "cards.yaml"
    said = yaml.safe_load(file.read_text())
    found = inspect_dataset(samples / "cards")
    names = said["spec"].pop("keypoints")
    assert len(names) == 4
    for tasks, expected in ((["pose-estimation"], names), (["object-detection"], None)):
        before = {**said, "spec": {**said["spec"], "tasks": tasks}}
        after = revise_spec(before, found, samples / "cards")
        assert after["spec"].get("keypoints") == expected
    before = {**said, "spec": {**said["spec"], "keypoints": ["nose"]}}
    assert revise_spec(before, found, samples / "cards")["spec"]["keypoints"] == names


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_no_picture_is_in_two_places(samples: Path, name: str) -> None:
    # A mask may be like another one: only what a model is shown counts.
    seen = [
        hashlib.sha256(path.read_bytes()).digest()
        for path in (samples / name).rglob("*.png")
        if not {"masks", "depth"} & set(path.parts)
    ]
    assert len(seen) > 50
    assert max(Counter(seen).values()) == 1


@pytest.mark.slow
def test_the_corners_of_a_card_lie_on_its_frame(samples: Path) -> None:
    content = json.loads((samples / "cards/annotations/train.json").read_text())
    for found in content["annotations"]:
        with Image.open(samples / f"cards/train/{found['image_id']:03d}.png") as image:
            pixels = np.asarray(image)
        corners = np.array(found["keypoints"], dtype=float).reshape(4, 3)[:, :2]
        centre = corners.mean(axis=0)
        # Half of one of twelve cells from the edge is the frame; the second one is white.
        frame = corners + (centre - corners) / 12
        margin = corners + (centre - corners) * 0.22
        assert [pixels[int(y), int(x)] for x, y in frame] == [0] * 4
        assert [pixels[int(y), int(x)] for x, y in margin] == [255] * 4
        # Named from the card's own top: its angle is within a right angle's half.
        assert corners[0, 0] < corners[1, 0] and corners[0, 1] < corners[3, 1]


@pytest.mark.slow
def test_the_depth_is_that_of_the_disparity(samples: Path) -> None:
    import skimage.data

    _, _, disparity = skimage.data.stereo_motorcycle()
    with Image.open(samples / "motorcycle/depth/val/4-3.png") as image:
        assert image.mode == "I;16"
        depth = np.asarray(image)
    expected = 994.978 * 193.001 / (disparity[256:320, 192:256] + 31.086)
    measured = np.isfinite(expected)
    assert measured.mean() > 0.5
    assert np.abs(depth[measured] - expected[measured]).max() <= 0.51
    assert (depth[~measured] == 0).all()


@pytest.mark.slow
def test_a_low_resolution_is_the_mean_of_the_high_one(samples: Path) -> None:
    pairs = sorted((samples / "photographs/low").rglob("*.png"))
    assert len(pairs) == 71
    for path in pairs:
        other = samples / "photographs/high" / path.relative_to(samples / "photographs/low")
        low, high = (np.asarray(Image.open(each)).astype(float) for each in (path, other))
        assert np.abs(low - high.reshape(40, 2, 40, 2, 3).mean(axis=(1, 3))).max() <= 0.5


@pytest.mark.slow
def test_the_24_coins_are_divided_among_the_splits(samples: Path) -> None:
    from vtspec.pipelines.data.samples.coins import cut_coins

    coins = cut_coins()
    assert len(coins) == 24
    # Round, and not the photograph's dark table: pi / 4 of the square, give or take.
    for pixels, mask in coins:
        assert 0.6 < mask.mean() < 0.9
        assert pixels[mask].mean() > 70


def test_the_stage_of_a_sample_depends_on_the_modules_that_make_it() -> None:
    stage = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["sample"]
    locked = yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]
    assert list(stage["foreach"]) == list(WRITERS)
    for name, module in stage["foreach"].items():
        assert WRITERS[name].__module__.endswith(f".{module}")
        # Where this fails: dvc repro sample, and commit dvc.lock.
        assert {dep["path"]: f"md5:{dep['md5']}" for dep in locked[f"sample@{name}"]["deps"]} == {
            path: hash_content(ROOT / path).hash
            for path in (text.replace("${item}", module) for text in stage["do"]["deps"])
        }


def test_a_name_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"got coin \S+\n  fix: .* coins\|cards\|"):
        main(["coin", str(tmp_path / "coin")])
    assert not list(tmp_path.iterdir())
