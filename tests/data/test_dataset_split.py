"""Data of any format is divided so that nothing leaks, no class lacks, and all is kept."""

import json
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dataset_mutants import BUILDERS, draw
from dvc_repositories import write_files
from spoiled_data import saved
from vtspec.pipelines.data.dataset_split import DatasetSplit, SplitOptions, split_dataset
from vtspec.pipelines.data.grouped_split import GroupedImage, join_groups, split_groups
from vtspec.pipelines.data.inspection.inspect import Inspection, inspect_dataset
from vtspec.pipelines.errors import Permanent, Refused

SHARES = {"train": 80.0, "val": 10.0, "test": 10.0}
HALVES = {"train": 1.0, "val": 1.0}

images = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abc"), max_size=3), st.text("0123", min_size=1, max_size=3)
    ),
    min_size=1,
    max_size=40,
)


def build(found: list[tuple[list[str], str]]) -> list[GroupedImage]:
    """Images of these classes, together where the second is the same."""
    return [
        GroupedImage(image=f"{n}.png", content=f"{n:03}", classes=tuple(names), keys=(group,))
        for n, (names, group) in enumerate(found)
    ]


@given(images)
def test_every_image_has_one_split_and_groups_stay_whole(
    found: list[tuple[list[str], str]],
) -> None:
    built = build(found)
    division = split_groups(join_groups(built), SHARES)
    assert set(division) == {one.image for one in built}
    splits: dict[object, set[str]] = {}
    for one in built:
        splits.setdefault(one.keys, set()).add(division[one.image])
    assert all(len(each) == 1 for each in splits.values())


@given(images, st.randoms())
def test_no_order_of_images_changes_the_division(
    found: list[tuple[list[str], str]], chance: random.Random
) -> None:
    built = build(found)
    mixed = list(built)
    chance.shuffle(mixed)
    division = split_groups(join_groups(built), SHARES)
    assert split_groups(join_groups(mixed), SHARES) == division


def test_groups_are_joined_over_others() -> None:
    keys = [("a",), ("a", "b"), ("b",), ("c",)]
    built = [
        GroupedImage(image=str(n), content=str(n), classes=(), keys=each)
        for n, each in enumerate(keys)
    ]
    copy = GroupedImage(image="4", content="3", classes=())
    found = [sorted(one.image for one in group) for group in join_groups([*built, copy])]
    assert sorted(found) == [["0", "1", "2"], ["3", "4"]]


def test_each_class_is_divided_in_the_ratio_that_is_asked() -> None:
    built = [
        GroupedImage(image=f"{name}{n}", content=f"{n:03}{name}", classes=(name,))
        for name, count in (("a", 100), ("b", 10), ("c", 5), ("d", 1))
        for n in range(count)
    ]
    division = split_groups(join_groups(built), SHARES)
    counts = Counter((split, image[0]) for image, split in division.items())
    assert [counts["train", name] for name in "abcd"] == [80, 8, 4, 1]
    assert [counts["val", name] + counts["test", name] for name in "abcd"] == [20, 2, 1, 0]
    assert counts["val", "a"] == 10 and counts["val", "b"] == 1


def test_large_groups_and_images_of_several_classes_keep_to_the_ratio() -> None:
    chance = random.Random(0)
    built = [
        GroupedImage(
            image=f"{group}-{n}",
            content=f"{chance.random()}",
            classes=tuple(chance.choices("abcd", (60, 30, 9, 1), k=chance.randrange(5))),
            keys=(group,),
        )
        for group in range(120)
        for n in range(chance.choice((1, 2, 3, 30)))
    ]
    division = split_groups(join_groups(built), SHARES)
    total = Counter(name for one in built for name in (*one.classes, ""))
    total[""] = len(built)
    for split, share in SHARES.items():
        inside = [one for one in built if division[one.image] == split]
        found = Counter(name for one in inside for name in one.classes)
        assert abs(len(inside) / len(built) - share / 100) < 0.02
        # Of the rarest class there are too few to divide.
        assert all(abs(found[name] / total[name] - share / 100) < 0.05 for name in "abc")


def divide(source: Path, **wish: object) -> tuple[DatasetSplit, Inspection]:
    """Divide in the middle, and look at what came of it."""
    target = source.parent / "target"
    shutil.rmtree(target, ignore_errors=True)
    options = SplitOptions(**{"shares": HALVES, **wish})  # type: ignore[arg-type]
    done = split_dataset(inspect_dataset(source), target, options)
    return done, inspect_dataset(target)


def count_labels(found: Inspection) -> Counter[str]:
    counts = Counter[str]()
    for split in found.layout.splits:
        counts.update(found.count_per_class(split))
    return +counts


@pytest.mark.parametrize("form", sorted(BUILDERS))
def test_data_of_every_format_is_divided_anew_and_nothing_is_lost(
    tmp_path: Path, form: str
) -> None:
    source = write_files(tmp_path / "source", BUILDERS[form]())
    before = inspect_dataset(source)
    if before.errors:
        pytest.skip("spoiled as it is built")
    done, after = divide(source, resplits=True)
    assert after.layout.format == before.layout.format
    assert not after.errors or {one.check for one in after.errors} == {"class-coverage"}
    assert count_labels(after) == count_labels(before)
    whole = {split: before.count_readable(split) for split in before.layout.splits}
    parts = {split: after.count_readable(split) for split in after.layout.splits}
    assert sum(parts.values()) == sum(whole.values()) and parts == dict(done.images)
    pixels = [sorted(look.pixels for look in one.looks.values()) for one in (before, after)]
    assert pixels[0] == pixels[1]


def test_pairs_stay_pairs(tmp_path: Path) -> None:
    files = {}
    for number, split in enumerate(("train", "train", "val", "val")):
        name = "same" if number % 2 else f"{number}"
        files[f"{split}/low/{name}.png"] = draw(number, size=(20, 20))
        files[f"{split}/high/{name}.bmp"] = draw(number, size=(40, 40), form="BMP")
    done, after = divide(write_files(tmp_path / "source", files), resplits=True)
    assert not after.errors and sum(done.images.values()) == 4
    for part in after.layout.splits.values():
        for item in part.items:
            assert item.target is not None
            with (
                Image.open(tmp_path / "target" / item.image) as low,
                Image.open(tmp_path / "target" / item.target.path) as high,
            ):
                # Drawn from one seed.
                assert low.tobytes()[:300] == high.tobytes()[:300]


def paint(seed: int) -> Image.Image:
    spots = Image.frombytes("RGB", (7, 7), random.Random(seed).randbytes(7 * 7 * 3))
    return spots.resize((80, 60), Image.Resampling.BICUBIC)


def test_images_that_are_nearly_the_same_never_part(tmp_path: Path) -> None:
    files = {}
    for number in range(20):
        folder = "cat" if number % 2 else "dog"
        files[f"{folder}/{number}.png"] = saved(paint(number // 4), "PNG")
        files[f"{folder}/{number}-again.jpg"] = saved(paint(number // 4), "JPEG", quality=40)
    source = write_files(tmp_path / "source", files)
    done, after = divide(source)
    assert [*done.groups] == [8] * 5
    assert "across-splits" not in " ".join(one.check for one in after.findings)
    done, after = divide(source, joins_near=False)
    assert [*done.groups] == [4] * 10
    assert "near-duplicates-across-splits" in {one.check for one in after.findings}


def test_data_that_leaks_is_mended_by_dividing_it_anew(tmp_path: Path) -> None:
    files = {
        f"{split}/{name}/{seed}{split}.png": saved(paint(seed), "PNG")
        for split in ("train", "val")
        for seed, name in enumerate(("cat", "dog") * 5)
    }
    source = write_files(tmp_path / "source", files)
    assert "duplicates-across-splits" in {one.check for one in inspect_dataset(source).findings}
    with pytest.raises(Permanent, match="is split already, into train, val") as caught:
        divide(source)
    assert caught.value.fix is not None and "--resplit" in caught.value.fix
    _, after = divide(source, resplits=True)
    assert {one.check for one in after.findings} == {"duplicates-within-split"}


def build_frames(root: Path) -> Path:
    """Six videos of four frames, of two classes, all different."""
    return write_files(
        root,
        {
            f"{('cat', 'dog')[video % 2]}/v{video}/v{video}_{frame}.png": saved(
                paint(10 * video + frame), "PNG"
            )
            for video in range(6)
            for frame in range(4)
        },
    )


@pytest.mark.parametrize("rule", ["folder", r"v\d", r"/(v[0-9]+)_"])
def test_frames_of_a_video_stay_together(tmp_path: Path, rule: str) -> None:
    done, after = divide(build_frames(tmp_path / "source"), group_by=rule)
    assert [*done.groups] == [4] * 6
    videos = [
        {Path(item.image).name[:2] for item in part.items} for part in after.layout.splits.values()
    ]
    assert not videos[0] & videos[1]
    assert [after.count_per_class(split) for split in HALVES] in (
        [{"cat": 8, "dog": 4}, {"cat": 4, "dog": 8}],
        [{"cat": 4, "dog": 8}, {"cat": 8, "dog": 4}],
        [{"cat": 8, "dog": 8}, {"cat": 4, "dog": 4}],
    )


def test_rows_of_one_patient_stay_together(tmp_path: Path) -> None:
    rows = [(f"{n}.png", "ill" if n % 3 else "well", f"p{n // 4}") for n in range(24)]
    table = "path,label,patient\n" + "".join(",".join(row) + "\n" for row in rows)
    images = {name: saved(paint(n), "PNG") for n, (name, _, _) in enumerate(rows)}
    source = write_files(tmp_path / "source", {"train.csv": table.encode(), **images})
    done, after = divide(source, group_field="patient")
    assert [*done.groups] == [4] * 6
    patients = [
        {item.attributes["patient"] for item in part.items}
        for part in after.layout.splits.values()
    ]
    assert not patients[0] & patients[1]
    with pytest.raises(Permanent, match="nothing in the column 'person'") as caught:
        divide(source, group_field="person")
    assert caught.value.fix == "--group-field patient"


def test_all_questions_about_an_image_go_with_it(tmp_path: Path) -> None:
    rows = [
        json.dumps({"path": f"{n % 6}.png", "question": f"{n}?", "answers": ["yes"]})
        for n in range(18)
    ]
    images = {f"{n}.png": saved(paint(n), "PNG") for n in range(6)}
    table = "\n".join(rows).encode()
    done, after = divide(write_files(tmp_path / "source", {"train.jsonl": table, **images}))
    assert dict(done.images) == {"train": 3, "val": 3} and not done.groups
    assert [len(part.items) for part in after.layout.splits.values()] == [9, 9]
    assert not after.findings


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"group_by": "(video"}, "--group-by is no regular expression"),
        ({"group_by": "video"}, "'video' is found in no part of 24 paths, such as cat/v0/v0_0"),
        ({"group_field": "patient"}, "imagefolder has no columns, as --group-field names one"),
        (
            {"group_by": "^"},
            "24 images in 1 group that stay together, the largest of 24, are too few",
        ),
    ],
)
def test_groups_that_are_not_known_are_told(
    tmp_path: Path, wish: dict[str, str], message: str
) -> None:
    with pytest.raises(Permanent) as caught:
        divide(build_frames(tmp_path / "source"), **wish)
    assert str(caught.value).startswith(message) and caught.value.fix
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_what_has_errors_is_not_divided(tmp_path: Path) -> None:
    source = build_frames(tmp_path / "source")
    (source / "cat" / "link.png").symlink_to(
        write_files(tmp_path, {"secret.png": draw(1)}) / "secret.png"
    )
    with pytest.raises(Permanent, match=r"has errors: .*outside the data"):
        divide(source)
    (source / "cat" / "link.png").unlink()
    with pytest.raises(Refused, match="lies in the data itself"):
        split_dataset(inspect_dataset(source), source / "cat" / "x", SplitOptions(shares=HALVES))
    assert not (source / "cat" / "x").exists()


def test_broken_images_are_left_out_where_that_is_wanted(tmp_path: Path) -> None:
    source = build_frames(tmp_path / "source")
    (source / "cat" / "v0" / "v0_0.png").write_bytes(draw(1)[:80])
    with pytest.raises(Permanent, match=r"1 image is broken, such as cat/v0/v0_0\.png"):
        divide(source)
    done, after = divide(source, skips_broken=True)
    assert list(done.left_out) == ["cat/v0/v0_0.png"]
    assert sum(done.images.values()) == 23 and not after.errors
