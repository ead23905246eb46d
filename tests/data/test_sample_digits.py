"""The sample dataset is the same to the last byte wherever it is built."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.utils import Bunch

from vtspec.adapters.data.content_hash import hash_content
from vtspec.pipelines.data.dvc_files import load_pointer
from vtspec.pipelines.data.inspection.inspect import inspect_dataset
from vtspec.pipelines.data.sample_digits import write_digits
from vtspec.schema.kinds.dataset import Dataset
from vtspec.schema.load import load

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "specs" / "datasets" / "digits.yaml"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits") / "digits"
    assert write_digits(folder) == 1797
    return folder


def test_a_new_build_has_the_hash_that_is_committed(digits: Path) -> None:
    pointer = load_pointer(ROOT, "data/digits")
    content = hash_content(digits)
    assert (content.hash, content.files, content.bytes) == (
        pointer.hash,
        pointer.nfiles,
        pointer.size,
    )


def test_a_build_replaces_what_was_there(digits: Path, tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "stray.png").write_bytes(b"")
    write_digits(tmp_path / "digits")
    assert hash_content(tmp_path / "digits") == hash_content(digits)
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]


def test_the_images_are_the_real_ones(digits: Path) -> None:
    source = load_digits()
    assert isinstance(source, Bunch)
    seen = []
    for path in digits.rglob("*.png"):
        index = int(path.stem)
        assert path.parent.name == str(source.target[index])
        with Image.open(path) as image:
            assert (image.mode, image.size) == ("L", (8, 8))
            shades = [round(value * 16 / 255) for value in image.tobytes()]
        assert shades == source.images[index].astype(int).flatten().tolist()
        seen.append(index)
    assert sorted(seen) == list(range(1797))


def test_no_digit_is_in_two_splits(digits: Path) -> None:
    hashes = [hashlib.sha256(path.read_bytes()).digest() for path in digits.rglob("*.png")]
    assert max(Counter(hashes).values()) == 1
    assert [] == list(inspect_dataset(digits).findings)


def test_the_spec_says_what_is_in_it(digits: Path) -> None:
    dataset = load(SPEC.read_bytes(), str(SPEC)).model
    assert isinstance(dataset, Dataset)
    spec, found = dataset.spec, inspect_dataset(digits)
    assert (spec.format, spec.classes) == (found.layout.format, found.layout.classes)
    assert spec.source.dvc is not None and spec.source.dvc.path == "data/digits"
    assert spec.statistics is not None
    assert {
        split: (figures.images, dict(figures.per_class))
        for split, figures in spec.statistics.splits.items()
    } == {
        split: (found.count_readable(split), found.count_per_class(split))
        for split in found.layout.splits
    }
    assert (spec.statistics.images, spec.statistics.bytes) == (1797, found.bytes)
