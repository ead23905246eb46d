"""Inspecting data finds everything that is wrong with it, really decodes it, and never raises."""

import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from dvc_repositories import write_files
from spoiled_data import jpeg, noise, png, saved, sound_folder
from vtspec.adapters.data.content_hash import hash_content
from vtspec.pipelines.data.inspection.checks import CHECKS
from vtspec.pipelines.data.inspection.html_page import render_page
from vtspec.pipelines.data.inspection.image_probe import ImageInfo, inspect_images
from vtspec.pipelines.data.inspection.inspect import Inspection, inspect_dataset
from vtspec.pipelines.data.inspection.size_buckets import count_sides

SPLITS = ("train", "val")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return sound_folder(tmp_path / "data")


def told(inspection: Inspection, words: str) -> tuple[str, tuple[str, ...]]:
    """Severity and files of the one finding whose message has these words."""
    found = [finding for finding in inspection.findings if words in finding.message]
    assert len(found) == 1, [finding.message for finding in inspection.findings]
    assert found[0].fix
    return found[0].severity, found[0].files


def test_sound_data_has_no_findings(data: Path) -> None:
    found = inspect_dataset(data)
    assert [] == list(found.findings)
    assert {split: found.count_readable(split) for split in found.layout.splits} == {
        "train": 12,
        "val": 4,
        "test": 4,
    }
    assert found.count_per_class("train") == {"cat": 6, "dog": 6}
    assert found.count_sizes() == [("16 x 12", 20)]
    assert found.count_modes() == [("RGB", 20)]
    content = hash_content(data)
    assert (found.content_hash, found.files, found.bytes) == (
        content.hash,
        content.files,
        content.bytes,
    )


def test_the_same_is_there_as_plain_data(data: Path) -> None:
    write_files(data, {"val/dog/0.png": b"broken"})
    found = inspect_dataset(data).to_json()
    assert found["splits"]["val"] == {
        "path": "val",
        "annotations": None,
        "targets": None,
        "images": 3,
        "perClass": {"cat": 2, "dog": 1},
        "pixelsPerClass": {},
        "objectSizes": {},
    }
    assert found["findings"] == [
        {
            "check": "broken-images",
            "severity": "error",
            "message": "1 broken image: it is no image",
            "fix": "write them anew, or delete them",
            "files": ["val/dog/0.png"],
        }
    ]
    states = {check["name"]: (check["state"], check["reason"]) for check in found["checks"]}
    assert states["broken-images"] == ("error", None)
    assert states["spec"] == ("skipped", "the data has errors")
    assert states["labels"] == states["class-coverage"] == ("passed", None)
    # What has no meaning for a format is not said to have been looked at.
    assert not {"boxes-outside", "mask-values", "repeated-rows"} & set(states)


def test_every_finding_has_the_name_of_a_check_that_says_so(data: Path) -> None:
    write_files(data, {"val/dog/0.png": b"", ".DS_Store": b"", "train/cat/\x1b.png": png()})
    shutil.copy(data / "train" / "cat" / "0.png", data / "test" / "dog" / "copy.png")
    found = inspect_dataset(data)
    worst: dict[str, str] = {}
    for finding in found.findings:
        if worst.get(finding.check) != "error":
            worst[finding.check] = finding.severity
    assert worst == {
        "broken-images": "error",
        "duplicates-across-splits": "warning",
        "conflicting-labels": "warning",
        "file-names": "error",
        "other-files": "warning",
    }
    assert worst == {
        one.name: one.state for one in found.checks if one.state in ("warning", "error")
    }
    names = [check.name for check in found.checks]
    assert len(names) == len(set(names)) > 15


PIXELS = {
    "broken-images",
    "duplicates-across-splits",
    "near-duplicates-across-splits",
    "conflicting-labels",
    "duplicates-within-split",
    "frames",
    "visibility",
    "content-hash",
}


def test_a_fast_look_says_what_it_did_not_check(data: Path) -> None:
    write_files(data, {"train/cat/0.png": noise(1, "PNG")[:200]})
    shutil.copy(data / "train" / "cat" / "1.png", data / "test" / "cat" / "copy.png")
    assert len(inspect_dataset(data).findings) == 2
    found = inspect_dataset(data, is_fast=True)
    assert list(found.findings) == []
    assert {
        one.name: one.reason for one in found.checks if one.state == "skipped"
    } == dict.fromkeys(PIXELS, "--fast reads headers alone")
    assert {one.state for one in found.checks if one.name not in PIXELS} == {"passed"}
    assert found.content_hash is None and found.to_json()["fast"] is True
    # The rest is as ever: of the broken image there is a header.
    assert found.count_per_class("train") == {"cat": 6, "dog": 6}
    assert dict(found.count_sizes()) == {"16 x 12": 20, "64 x 48": 1}
    assert render_page(found).count("<img src=") == 15


def test_a_fast_look_finds_what_headers_and_labels_tell(data: Path) -> None:
    write_files(data, {"train/cat/0.png": b"GIF89a", "train/dog/0.png": b""})
    found = inspect_dataset(data, is_fast=True)
    assert told(found, "1 broken image: it is no image")[1] == ("train/cat/0.png",)
    assert told(found, "1 broken image: the file is empty")[1] == ("train/dog/0.png",)
    assert {one.name: one.state for one in found.checks}["broken-images"] == "error"
    assert found.count_readable("train") == 10


def test_a_fast_look_at_masks_counts_no_class(tmp_path: Path) -> None:
    found = inspect_dataset(
        masked_folder(tmp_path, train=mask(0, 1, 7), val=mask(0, 1)), is_fast=True
    )
    assert found.count_per_class("train") == found.count_pixels("train") == {}
    states = {one.name: one.state for one in found.checks}
    assert states["mask-values"] == states["class-coverage"] == states["class-imbalance"]
    assert (states["mask-values"], states["target-sizes"]) == ("skipped", "passed")
    assert "Classes were not counted" in render_page(found)


def test_objects_and_images_are_counted_by_size(tmp_path: Path) -> None:
    image = {"id": 1, "file_name": "a.png", "width": 200, "height": 130}
    boxes = [[0, 0, 31, 32], [0, 0, 32, 32], [0, 0, 95, 96], [0, 0, 96, 96]]
    rows = [{"id": n, "image_id": 1, "category_id": 1, "bbox": b} for n, b in enumerate(boxes)]
    # Its polygon is small, whatever the box around it.
    rows[3]["segmentation"] = [[0, 0, 96, 96, 96, 97]]
    content = {"images": [image], "categories": [{"id": 1, "name": "cat"}]}
    for split in SPLITS:
        labels = {**content, "annotations": rows if split == "train" else []}
        write_files(tmp_path, {f"annotations/{split}.json": json.dumps(labels).encode()})
        write_files(tmp_path, {f"{split}/a.png": noise(len(split), "PNG", (200, 130))})
    found = inspect_dataset(tmp_path)
    assert found.count_object_sizes("train") == {"small": 2, "medium": 2, "large": 0}
    assert found.count_object_sizes("val") == {}
    assert found.count_sides() == [(256, 2)]
    assert "Objects by size" in render_page(found)


@pytest.mark.parametrize(("side", "bucket"), [(1, 1), (2, 2), (3, 4), (64, 64), (65, 128)])
def test_a_side_is_in_the_least_power_of_two(side: int, bucket: int) -> None:
    assert count_sides([ImageInfo(image="a", width=1, height=side)]) == [(bucket, 1)]


def test_the_docs_name_every_check() -> None:
    text = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text()
    table = text[text.index("## Checks") : text.index("## Another format")]
    found = re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)
    assert found == [*(check.name for check in CHECKS), "content-hash", "spec"]


def test_boxes_that_reach_outside_are_told_of_yolo_too(tmp_path: Path) -> None:
    files = {f"images/{s}/{n}.png": noise(n, "PNG") for n, s in enumerate((*SPLITS, "train"))}
    rows = {
        "labels/train/0.txt": b"0 0.95 0.5 0.2 0.2\n",
        "labels/train/2.txt": b"0 0.9 0.5 0.2 0.2\n",
        "labels/val/1.txt": b"0 0.5 0.5 0.2 0.2\n",
    }
    found = inspect_dataset(
        write_files(tmp_path, {"data.yaml": b"names: [cat]\n", **files, **rows})
    )
    words = "1 image with a box that reaches outside of the image"
    assert told(found, words) == ("warning", ("images/train/0.png",))


def test_progress_is_told(data: Path) -> None:
    seen: list[tuple[int, int]] = []
    inspect_dataset(data, lambda done, of: seen.append((done, of)))
    assert seen == [(n, 20) for n in range(1, 21)]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "the file is empty"),
        (b"GIF89a", "it is no image"),
        (b"<html>404 Not Found</html>", "it is no image"),
        (noise(1)[: len(noise(1)) // 2], "image file is truncated"),
        (noise(1, "PNG")[: len(noise(1, "PNG")) // 2], "image file is truncated"),
        (noise(1, "PNG")[:50] + bytes(40) + noise(1, "PNG")[90:], ""),
    ],
)
def test_a_broken_image_is_found_by_decoding_it(data: Path, content: bytes, fault: str) -> None:
    write_files(data, {"train/cat/0.png": content})
    severity, files = told(inspect_dataset(data), f"1 broken image: {fault}")
    assert (severity, files) == ("error", ("train/cat/0.png",))


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is huge."""
    import struct
    import zlib

    def chunk(name: bytes, content: bytes) -> bytes:
        checked = name + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def test_a_decompression_bomb_is_not_opened(data: Path) -> None:
    write_files(data, {"train/cat/0.png": bomb(40_000, 40_000)})
    assert told(inspect_dataset(data), "too many pixels to be opened safely")[0] == "error"


def test_more_pixels_than_are_opened_are_told_whatever_pillow_is_set_to(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    write_files(data, {"train/cat/0.png": bomb(40_000, 40_000)})
    words = "it has more than 178,956,970 pixels"
    assert told(inspect_dataset(data), words)[0] == "error"


def test_a_large_image_is_only_large(tmp_path: Path) -> None:
    # Beyond the size from which Pillow warns, within that from which it refuses.
    write_files(tmp_path, {"a.png": saved(Image.new("1", (10_000, 9_000)), "PNG")})
    (look,) = inspect_images(tmp_path, ["a.png"])
    assert (look.width, look.height, look.fault) == (10_000, 9_000, None)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "a.png", "wb") as file:
        file.truncate(2**40)
    (look,) = inspect_images(tmp_path, ["a.png"])
    assert look.fault == "the file is larger than 1 GiB"


def test_looks_come_in_order_whatever_their_number(tmp_path: Path) -> None:
    names = [f"{n}.png" for n in range(200)]
    write_files(tmp_path, {name: png((n, 0, 0), (n + 1, 1)) for n, name in enumerate(names)})
    looks = list(inspect_images(tmp_path, names))
    assert [(look.image, look.width) for look in looks] == [
        (f"{n}.png", n + 1) for n in range(200)
    ]


def pixels(root: Path, name: str, content: bytes) -> str:
    write_files(root, {name: content})
    (look,) = inspect_images(root, [name])
    assert look.pixels
    return look.pixels


def test_the_same_pixels_are_the_same_in_any_lossless_file(tmp_path: Path) -> None:
    first = pixels(tmp_path, "a.png", noise(1, "PNG"))
    assert first == pixels(tmp_path, "b.bmp", noise(1, "BMP"))
    assert first != pixels(tmp_path, "c.png", noise(2, "PNG"))
    assert first != pixels(tmp_path, "d.png", noise(1, "PNG", (48, 64)))


def painted(colour: tuple[int, int, int]) -> bytes:
    """Index 0 everywhere, under a palette whose first colour is this."""
    image = Image.new("P", (8, 8), 0)
    image.putpalette([*colour, 1, 2, 3])
    return saved(image, "PNG")


def test_the_same_indexes_under_another_palette_are_another_image(tmp_path: Path) -> None:
    red = pixels(tmp_path, "a.png", painted((255, 0, 0)))
    assert red == pixels(tmp_path, "b.png", painted((255, 0, 0)))
    assert red != pixels(tmp_path, "c.png", painted((0, 0, 255)))


def test_an_image_in_two_splits_is_a_leak(data: Path) -> None:
    shutil.copy(data / "train" / "cat" / "0.png", data / "test" / "cat" / "copy.png")
    severity, files = told(inspect_dataset(data), "1 image in more than one split")
    assert (severity, files) == ("warning", ("train/cat/0.png", "test/cat/copy.png"))


def test_an_image_twice_in_a_split_is_told(data: Path) -> None:
    shutil.copy(data / "train" / "cat" / "0.png", data / "train" / "cat" / "copy.png")
    severity, files = told(inspect_dataset(data), "1 image more than once in a split")
    assert (severity, files) == ("warning", ("train/cat/0.png", "train/cat/copy.png"))


def test_an_image_with_two_labels_is_told(data: Path) -> None:
    shutil.copy(data / "train" / "cat" / "0.png", data / "train" / "dog" / "copy.png")
    assert told(inspect_dataset(data), "1 image with more than one label")[0] == "warning"


def asked_folder(root: Path, **rows: list[tuple[str, str]]) -> Path:
    """Tables of questions, whose pictures are of the colour that their name begins with."""
    tables = {
        f"{split}.jsonl": "\n".join(
            json.dumps({"path": path, "question": words, "answers": ["yes"]})
            for path, words in asked
        ).encode()
        for split, asked in rows.items()
    }
    images = {path for asked in rows.values() for path, _ in asked}
    return write_files(root, {**tables, **{path: png((int(path[0]), 0, 0)) for path in images}})


def test_several_questions_about_one_image_are_no_copies(tmp_path: Path) -> None:
    asked = [("1.png", "Is it red?"), ("1.png", "Is it blue?"), ("2.png", "Is it red?")]
    found = inspect_dataset(asked_folder(tmp_path, train=asked, val=[("3.png", "Is it red?")]))
    assert [] == list(found.findings)


def test_a_question_that_is_asked_twice_is_told(tmp_path: Path) -> None:
    asked = [("1.png", "Is it red?"), ("1.png", "Is it blue?"), ("1.png", "Is it red?")]
    found = inspect_dataset(asked_folder(tmp_path, train=asked, val=[("3.png", "Is it red?")]))
    words = "2 rows of a table that say the same as another one"
    assert told(found, words) == ("warning", ("train.jsonl:1", "train.jsonl:3"))
    assert len(found.findings) == 1


def test_an_image_that_is_asked_in_two_splits_is_a_leak(tmp_path: Path) -> None:
    asked = [("1.png", "Is it red?"), ("1.png", "Is it blue?")]
    found = inspect_dataset(asked_folder(tmp_path, train=asked, val=[("1.png", "Is it green?")]))
    assert told(found, "1 image in more than one split") == ("warning", ("1.png",))
    assert len(found.findings) == 1


def test_copies_that_are_asked_different_things_are_not_to_be_deleted_alone(
    tmp_path: Path,
) -> None:
    asked = [("1.png", "Is it red?"), ("1b.png", "Is it blue?")]
    found = inspect_dataset(asked_folder(tmp_path, train=asked, val=[("3.png", "Is it red?")]))
    assert told(found, "1 image more than once in a split")[1] == ("1.png", "1b.png")
    assert found.findings[0].fix.startswith("let the rows of all copies name one file")


@pytest.mark.parametrize("label", ["cat", "dog"])
def test_a_file_that_a_table_names_twice_is_told(tmp_path: Path, label: str) -> None:
    table = f"path,label\n1.png,cat\n2.png,dog\n1.png,{label}\n".encode()
    images = {f"{n}.png": png((n, 0, 0)) for n in range(1, 5)}
    write_files(tmp_path, {"train.csv": table, "val.csv": b"path,label\n3.png,cat\n4.png,dog\n"})
    found = inspect_dataset(write_files(tmp_path, images))
    words = {"cat": "2 rows of a table", "dog": "1 image with more than one label"}
    assert told(found, words[label])[0] == "warning"
    assert len(found.findings) == 1


def test_broken_images_of_one_kind_are_told_together(data: Path) -> None:
    write_files(data, {f"train/cat/{n}.png": noise(n)[: 1500 + n] for n in range(3)})
    assert told(inspect_dataset(data), "3 broken images: image file is truncated")[0] == "error"


def test_broken_images_are_no_copies_of_each_other(data: Path) -> None:
    write_files(data, {"train/cat/0.png": b"x", "val/cat/0.png": b"x"})
    assert ["2 broken images: it is no image"] == [
        f.message for f in inspect_dataset(data).findings
    ]


def test_data_without_splits_is_told_how_to_get_them(tmp_path: Path) -> None:
    found = inspect_dataset(
        write_files(tmp_path, {"cat/a.png": png(), "dog/a.png": png((1, 1, 1))})
    )
    assert told(found, "the data is not split into train and val")[0] == "error"
    assert "vtspec datasets split" in found.errors[0].fix


def test_a_split_that_is_absent_or_empty_is_told(data: Path) -> None:
    shutil.rmtree(data / "val")
    assert told(inspect_dataset(data), "there is no split 'val'")[0] == "error"
    lines = b"path,label\ntrain/cat/0.png,cat\ntrain/dog/0.png,dog\n"
    write_files(data, {"train.csv": lines, "val.csv": b"path,label\n"})
    assert told(inspect_dataset(data), "split 'val' has no images")[0] == "error"


def test_one_class_is_nothing_to_tell_apart(data: Path) -> None:
    for split in ("train", "val", "test"):
        shutil.rmtree(data / split / "dog")
    assert told(inspect_dataset(data), "there is one class, 'cat'")[0] == "error"


@pytest.mark.parametrize("row", [{"label": 3}, {"label": None}])
def test_labels_that_are_no_text_are_told(tmp_path: Path, row: dict[str, object]) -> None:
    line = json.dumps({"path": "a.png", **row}).encode()
    found = inspect_dataset(write_files(tmp_path, {"train.jsonl": line, "a.png": png()}))
    assert told(found, "no image has a label")[0] == "error"


def test_a_table_without_paths_has_no_classes_to_count(tmp_path: Path) -> None:
    found = inspect_dataset(write_files(tmp_path, {"train.csv": b"picture,label\na.png,cat\n"}))
    assert told(found, "the header has no column 'path'")[0] == "error"
    assert "no image has a label" not in [finding.message for finding in found.findings]


@pytest.mark.parametrize("name", ["labels.csv", "metadata.jsonl", "train/annotations.csv"])
def test_a_table_that_nothing_reads_is_told_whatever_it_is_called(data: Path, name: str) -> None:
    found = inspect_dataset(write_files(data, {name: b"image,label\ntrain/cat/0.png,cat\n"}))
    assert told(found, "1 table not read: the format is imagefolder")[0] == "warning"


def test_a_class_that_is_not_in_every_split_is_told(data: Path) -> None:
    shutil.rmtree(data / "val" / "dog")
    assert told(inspect_dataset(data), "split 'val' has nothing of 'dog'")[0] == "warning"
    write_files(data, {f"val/{n}/a.png": png((n, n, n)) for n in range(7)})
    severity, _ = told(
        inspect_dataset(data), "split 'train' has nothing of '0', '1', '2', '3', '4' and 2"
    )
    assert severity == "error"


@pytest.mark.parametrize(("split", "severity"), [("train", "error"), ("val", "warning")])
def test_of_several_labels_each_class_is_to_be_learnt_from(
    tmp_path: Path, split: str, severity: str
) -> None:
    names = {"train": ("a", "a b"), "val": ("a", "a b")} | {split: ("a", "a")}
    for at, (name, labels) in enumerate(names.items()):
        pictures = {f"{name}/{n}.png": png((at, n, 0)) for n in range(2)}
        rows = "".join(f"{name}/{n}.png,{label}\n" for n, label in enumerate(labels))
        write_files(tmp_path, {**pictures, f"{name}.csv": f"path,labels\n{rows}".encode()})
    assert told(inspect_dataset(tmp_path), f"split '{split}' has nothing of 'b'")[0] == severity


def test_imbalance_is_told_from_ten_times(data: Path) -> None:
    more = {f"train/dog/more{n}.png": png((n, 200, n)) for n in range(53)}
    write_files(data, more)
    assert [] == list(inspect_dataset(data).findings)
    write_files(data, {"train/dog/last.png": png((1, 2, 3))})
    assert told(inspect_dataset(data), "60 of 'dog', 6 of 'cat'")[0] == "warning"


def test_names_that_differ_only_in_case_are_told(data: Path) -> None:
    shutil.copy(data / "train" / "cat" / "0.png", data / "train" / "cat" / "0.PNG")
    _, files = told(inspect_dataset(data), "2 names that differ only in case")
    assert files == ("train/cat/0.PNG", "train/cat/0.png")


def test_files_that_are_no_data_are_told(data: Path) -> None:
    write_files(data, {"train/cat/Thumbs.db": b"x", ".DS_Store": b"x", "README": b"", "a.md": b""})
    severity, files = told(inspect_dataset(data), "2 files other than images and labels")
    assert (severity, files) == ("warning", (".DS_Store", "train/cat/Thumbs.db"))


def test_names_that_cannot_be_shown_are_told(data: Path) -> None:
    write_files(data, {"train/cat/\x1b[2J.png": png((9, 9, 9))})
    assert told(inspect_dataset(data), "1 name with characters that cannot be shown")[0] == "error"


def test_images_that_exif_turns_are_told_where_labels_have_a_place(
    data: Path, tmp_path: Path
) -> None:
    write_files(data, {"train/cat/t.jpg": jpeg((9, 9, 9), exif=6)})
    assert [] == list(inspect_dataset(data).findings)
    files = {f"images/{s}/a.jpg": jpeg((n, 9, 9), exif=6 - 5 * n) for n, s in enumerate(SPLITS)}
    masks = {f"masks/{s}/a.png": png(mode="L") for s in SPLITS}
    write_files(tmp_path / "m", {"classes.txt": b"sky\n", **files, **masks})
    assert told(inspect_dataset(tmp_path / "m"), "1 image that EXIF turns") == (
        "warning",
        ("images/train/a.jpg",),
    )


def test_links_that_no_hash_covers_are_told(data: Path) -> None:
    (data / "train" / "bird").symlink_to(data / "train" / "cat")
    (data / "train" / "cat" / "gone.png").symlink_to("nowhere")
    found = inspect_dataset(data)
    _, files = told(found, "2 things that no content hash covers")
    assert files == ("train/bird", "train/cat/gone.png")
    assert found.content_hash is None


def test_a_link_out_of_the_data_is_told(data: Path, tmp_path: Path) -> None:
    write_files(tmp_path, {"outside.png": png((5, 5, 5))})
    (data / "train" / "cat" / "link.png").symlink_to(tmp_path / "outside.png")
    found = inspect_dataset(data)
    assert told(found, "outside the data")[0] == "error"
    assert found.content_hash is None


def test_masks_are_looked_at_too(tmp_path: Path) -> None:
    files = {f"images/{s}/a.png": noise(n, "PNG") for n, s in enumerate(("train", "val"))}
    masks = {f"masks/{s}/a.png": b"broken" for s in ("train", "val")}
    found = inspect_dataset(write_files(tmp_path, {"classes.txt": b"sky\n", **files, **masks}))
    assert told(found, "2 broken images")[1] == ("masks/train/a.png", "masks/val/a.png")


def mask(*values: int, mode: str = "L") -> bytes:
    """A mask of 16 x 12 where each value has a stripe of two columns, and the first the rest."""
    # Pillow fills 16 bits with the same byte twice.
    image = Image.new("L" if mode == "I;16" else mode, (16, 12), values[0])
    for place, value in enumerate(values[1:], 1):
        image.paste(value, (2 * place, 0, 2 * place + 2, 12))
    if mode == "P":
        # With a short palette Pillow writes fewer bits than the indexes need.
        image.putpalette(bytes(3 * 256))
    return saved(image.convert(mode), "PNG")


def masked_folder(root: Path, **masks: bytes) -> Path:
    """An image with its mask for each split; `sky`, `road` and `sea` are the classes."""
    files = {f"images/{split}/a.png": png((n, 0, 0)) for n, split in enumerate(masks)}
    labels = {f"masks/{split}/a.png": content for split, content in masks.items()}
    return write_files(root, {"classes.txt": b"sky\nroad\nsea\n", **files, **labels})


def test_a_mask_counts_once_for_each_class_and_its_pixels_one_by_one(tmp_path: Path) -> None:
    found = inspect_dataset(masked_folder(tmp_path, train=mask(1, 2, 255, 2), val=mask(0, 1)))
    assert {split: found.count_per_class(split) for split in SPLITS} == {
        "train": {"sky": 0, "road": 1, "sea": 1},
        "val": {"sky": 1, "road": 1, "sea": 0},
    }
    assert {split: found.count_pixels(split) for split in SPLITS} == {
        "train": {"sky": 0, "road": 10 * 12, "sea": 4 * 12},
        "val": {"sky": 14 * 12, "road": 2 * 12, "sea": 0},
    }
    assert found.compute_pixel_shares() == {"sky": 14 / 30, "road": 12 / 30, "sea": 4 / 30}
    assert told(found, "split 'train' has nothing of 'sky'")[0] == "warning"
    assert found.to_json()["splits"]["val"]["pixelsPerClass"]["road"] == 24
    shown = render_page(found)
    assert "46.7 % of pixels" in shown and shown.count("<img src=") == 4


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (mask(0, 1, mode="1"), {"sky": 1, "road": 1, "sea": 0}),
        (mask(0, 2, mode="I;16"), {"sky": 1, "road": 0, "sea": 1}),
        (mask(0, 2, mode="P"), {"sky": 1, "road": 0, "sea": 1}),
        (b"broken", {"sky": 0, "road": 0, "sea": 0}),
        (png(), {"sky": 0, "road": 0, "sea": 0}),
    ],
    ids=["1 bit", "16 bits", "palette", "broken", "colours"],
)
def test_masks_of_any_depth_are_counted(
    tmp_path: Path, content: bytes, expected: dict[str, int]
) -> None:
    found = inspect_dataset(masked_folder(tmp_path, train=content, val=mask(0, 1, 2)))
    assert found.count_per_class("train") == expected


def test_of_values_that_mean_nothing_few_are_kept(tmp_path: Path) -> None:
    depth = Image.frombytes("I;16", (100, 100), bytes(n % 251 for n in range(20_000)))
    write_files(tmp_path, {"a.png": saved(depth, "PNG")})
    (look,) = inspect_images(tmp_path, ["a.png"], {"a.png"}, {"a.png": 3})
    assert 5 <= len(look.values) <= 5 + 3 + 1


def test_the_page_shows_findings_counts_and_samples(data: Path) -> None:
    write_files(data, {"val/dog/0.png": b"broken"})
    text = render_page(inspect_dataset(data))
    assert "1 broken image: it is no image" in text and "<code>val/dog/0.png</code>" in text
    assert text.count("<img src='data:image/png;base64,") == 16
    assert "16 x 12" in text and "20 images" not in text and "19 images" in text


def test_the_page_says_so_where_nothing_is_wrong(data: Path) -> None:
    assert "Nothing wrong was found." in render_page(inspect_dataset(data))


def test_the_page_escapes_every_name(tmp_path: Path) -> None:
    evil = "<img src=x onerror='alert(1)'>\"&"
    names = {
        f"{split}/{label}/{evil}{n}.png"
        for n, split in enumerate(("train", "val"))
        for label in (evil.replace("/", ""), "dog")
    }
    files = {name: noise(n, "PNG") for n, name in enumerate(sorted(names))}
    shown = render_page(inspect_dataset(write_files(tmp_path / evil, files)))
    assert "onerror='" not in shown and "<img src=x" not in shown
    assert "&lt;img src=x onerror=" in shown
    assert "default-src 'none'" in shown


def test_the_page_of_many_classes_says_how_many_it_leaves_out(tmp_path: Path) -> None:
    files = {
        f"{split}/{n:03}/a.png": png((n, s, 0))
        for s, split in enumerate(("train", "val"))
        for n in range(45)
    }
    assert "and 5 more classes" in render_page(inspect_dataset(write_files(tmp_path, files)))


def test_the_page_of_many_sizes_says_how_many_it_leaves_out(data: Path) -> None:
    write_files(data, {f"train/cat/s{n}.png": png(size=(n, 1)) for n in range(1, 15)})
    assert "and 3 more" in render_page(inspect_dataset(data))


def test_the_page_of_data_without_classes_has_none(tmp_path: Path) -> None:
    files = {
        f"{s}/{f}/a.png": noise(n, "PNG")
        for n, (s, f) in enumerate((s, f) for s in ("train", "val") for f in ("low", "high"))
    }
    text = render_page(inspect_dataset(write_files(tmp_path, files)))
    assert "<h2>Classes" not in text and "super-resolution" in text
