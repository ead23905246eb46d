"""Small datasets of every format, spoiled in ways that know the format; each by a number."""

import io
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from PIL import Image

from plain_reading import SIDE, YAMLS

Files = dict[str, bytes]

NAMES = ("a0", "a1", "b 0", "b1")


def draw(
    seed: int, mode: str = "RGB", size: tuple[int, int] = (SIDE, SIDE), form: str = "PNG"
) -> bytes:
    """An image of its own pixels."""
    written = io.BytesIO()
    pixels = random.Random(seed).randbytes(3 * size[0] * size[1])
    Image.frombytes("RGB", size, pixels).convert(mode).save(written, form)
    return written.getvalue()


PICTURES = [draw(seed) for seed in range(8)]


def draw_mask(values: list[int], mode: str = "L", size: tuple[int, int] = (SIDE, SIDE)) -> bytes:
    """A mask whose pixels are these values, over and over."""
    mask = Image.new(mode, size)
    count = size[0] * size[1]
    mask.putdata((values * count)[:count])
    written = io.BytesIO()
    mask.save(written, "PNG")
    return written.getvalue()


def build_tables(form: str) -> Files:
    files = {f"images/{n}.png": data for n, data in zip(NAMES * 2, PICTURES[:4], strict=False)}
    for split in ("train", "val"):
        rows = [(f"images/{name}.png", "cat" if name[0] == "a" else "dog") for name in NAMES]
        rows = rows[::2] if split == "train" else rows[1::2]
        if form == "csv":
            text = "path,label\n" + "".join(f"{path},{label}\n" for path, label in rows)
        else:
            text = "".join(json.dumps({"path": p, "label": c}) + "\n" for p, c in rows)
        files[f"{split}.{form}"] = text.encode()
    return files


def build_pictures(folder: str) -> Files:
    return {
        f"{folder}/{split}/{name}.png": PICTURES[4 * (split == "val") + n]
        for split in ("train", "val")
        for n, name in enumerate(NAMES)
    }


def build_coco() -> Files:
    files = build_pictures("images")
    content = {
        "images": [
            {"id": n, "file_name": f"{name}.png", "width": SIDE, "height": SIDE}
            for n, name in enumerate(NAMES, 1)
        ],
        "annotations": [
            {
                "id": 10 + n,
                "image_id": n,
                "category_id": 3 + 4 * (n % 2),
                "bbox": [1, n, 4.5, 2],
                "segmentation": [[1, 1, 5, 1, 5, 5]],
                "iscrowd": 0,
            }
            for n in range(1, 5)
        ],
        "categories": [
            {"id": 3, "name": "cat", "supercategory": "pet"},
            {"id": 7, "name": "dog", "supercategory": "pet"},
        ],
    }
    for split in ("train", "val"):
        files[f"annotations/instances_{split}.json"] = json.dumps(content).encode()
    return files


def build_yolo() -> Files:
    files = build_pictures("images")
    files["data.yaml"] = b"names: [cat, dog]\n"
    for split in ("train", "val"):
        for n, name in enumerate(NAMES):
            rows = f"{n % 2} 0.5 0.5 0.25 0.5\n1 0.1 0.2 0.1 0.125\n"
            files[f"labels/{split}/{name}.txt"] = rows.encode()
    return files


def build_voc() -> Files:
    files = {f"JPEGImages/{name}.png": PICTURES[n] for n, name in enumerate(NAMES)}
    for n, name in enumerate(NAMES):
        box = "".join(f"<{k}>{v + n}</{k}>" for k, v in zip(CORNERS, (1, 1, 4, 5), strict=True))
        objects = "".join(
            f"<object><name>{label}</name><difficult>0</difficult><bndbox>{box}</bndbox></object>"
            for label in ("cat", "dog")
        )
        size = f"<size><width>{SIDE}</width><height>{SIDE}</height></size>"
        files[f"Annotations/{name}.xml"] = f"<annotation>{size}{objects}</annotation>".encode()
    files["ImageSets/Main/train.txt"] = b"a0\nb 0\n"
    files["ImageSets/Main/val.txt"] = b"a1 1\nb1\n"
    return files


CORNERS = ("xmin", "ymin", "xmax", "ymax")


def build_masks() -> Files:
    files = build_pictures("images")
    files["classes.txt"] = b"sky\nroad\nsea\n"
    for split in ("train", "val"):
        for n, name in enumerate(NAMES):
            files[f"masks/{split}/{name}.png"] = draw_mask([0, 1, n % 3, 255])
    return files


BUILDERS: Mapping[str, Callable[[], Files]] = {
    "csv": lambda: build_tables("csv"),
    "jsonl": lambda: build_tables("jsonl"),
    "coco": build_coco,
    "yolo": build_yolo,
    "voc": build_voc,
    "masks": build_masks,
}


def build_rows(row: str, more: str = "") -> Files:
    """YOLO with this row in each file, and with more in data.yaml."""
    files = build_yolo()
    files["data.yaml"] += more.encode()
    for file in [name for name in files if name.endswith(".txt")]:
        files[file] = f"{row}\n{row.replace('0', '1', 1)}\n".encode()
    return files


def build_coco_with(**fields: Any) -> Files:
    """COCO whose objects have other fields, too; None takes one away."""
    files = build_coco()
    for file in [name for name in files if name.endswith(".json")]:
        content = json.loads(files[file])
        for row in content["annotations"]:
            row |= fields
            for key in [key for key, value in row.items() if value is None]:
                del row[key]
        files[file] = json.dumps(content).encode()
    return files


def build_jsonl_with(fields: Mapping[str, Any]) -> Files:
    """A table whose rows have these fields in place of a label."""
    files = build_tables("jsonl")
    for split in ("train", "val"):
        rows = [json.loads(line) for line in files[f"{split}.jsonl"].decode().splitlines()]
        lines = [json.dumps({"path": row["path"], **fields}) + "\n" for row in rows]
        files[f"{split}.jsonl"] = "".join(lines).encode()
    return files


def build_folders() -> Files:
    return {
        f"{split}/{label}/{n}.png": PICTURES[n + 2 * (split == "val") + 4 * (label == "dog")]
        for split in ("train", "val")
        for label in ("cat", "dog")
        for n in range(2)
    }


def build_pairs() -> Files:
    files = build_pictures("low")
    for name in list(files):
        seed = 50 + len(files)
        files[name.replace("low", "high")] = draw(seed, size=(2 * SIDE, 2 * SIDE))
    return files


RLE = {"size": [SIDE, SIDE], "counts": [9, 3, 5, 3, 44]}

MORE_BUILDERS: Mapping[str, Callable[[], Files]] = {
    **BUILDERS,
    "imagefolder": build_folders,
    "pairs": build_pairs,
    "yolo-polygons": lambda: build_rows("0 .1 .1 .9 .1 .9 .9 .5 .95 .1 .5"),
    "yolo-corners": lambda: build_rows("0 .5 .1 .9 .5 .5 .9 .1 .5"),
    "yolo-keypoints": lambda: build_rows("0 .5 .5 .8 .8 .2 .2 2 .6 .6 0", "kpt_shape: [2, 3]\n"),
    "coco-boxes": lambda: build_coco_with(segmentation=None),
    "coco-masks": lambda: build_coco_with(segmentation=RLE),
    "coco-keypoints": lambda: build_coco_with(keypoints=[1, 2, 2, 3, 4, 1]),
    "coco-captions": lambda: build_coco_with(
        segmentation=None, bbox=None, category_id=None, iscrowd=None, caption="a cat, or two"
    ),
    "jsonl-labels": lambda: build_jsonl_with({"labels": ["cat", "dog"]}),
    "jsonl-texts": lambda: build_jsonl_with({"text": "STOP"}),
    "jsonl-questions": lambda: build_jsonl_with({"question": "What?", "answers": ["a", "b"]}),
}
"""Every kind of label of every format."""

ODD_TEXTS = (
    "",
    " ",
    "cat",
    "dog ",
    "owl",
    "1",
    "-1",
    "0",
    "nan",
    "1e400",
    "1_0",
    "\u0663",
    "0x10",
    "none",
    "a\u2028b",
    "d\u202eog",
    "\u200b",
    "a\0b",
    "'",
    '"',
    'a"b',
    ",",
    ";",
    "\t",
    "../a0.png",
    "/etc/passwd",
    "./images//a0.png",
    "images/a0.png",
    "images\\a0.png",
    "train.csv",
    "a0.png",
    "{{x}}",
    "고양이",
    "x" * 101,
    "\ud7ff",
    "9" * 50,
    "9" * 5000,
    "0.5",
    ".5",
    "5.",
    "1e0",
    "+1",
    "1.005",
    "-0.005",
    "1.5",
    "<b>",
    "&amp;",
    "]]>",
    "%00",
    "cat\r",
    "cat\n",
    "False",
)

ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    3,
    7,
    1.5,
    1e300,
    10**30,
    10**400,
    float("nan"),
    float("inf"),
    "",
    "1",
    "cat",
    "dog",
    "a\u2028b",
    "\ud800",
    "a0.png",
    "../a0.png",
    "/a0.png",
    "./a0.png",
    [],
    {},
    [1],
    [1, 2, 3, 4],
    [0, 0, 0, 4],
    [0, 0, 4, -1],
    [99, 99, 2, 2],
    [-5, -5, 2, 2],
    [1, 2, 3],
    ["1", 2, 3, 4],
    [[0, 0, 4, 0, 4, 4]],
    [[0, 0, 1, 1]],
    [[0, 0, 4, 4, 8, 8]],
    {"a": 1},
    {"size": [8, 8], "counts": [60, 4]},
    {"size": [8, 8], "counts": [60]},
    [1, 2, 2],
    [1, 2, 5],
    {"size": [4, 16], "counts": [64]},
    [True, 1, 2, 2],
)


def iter_mutants(
    seeds: range, builders: Mapping[str, Callable[[], Files]] = BUILDERS
) -> Iterator[tuple[int, str, Files]]:
    """Datasets with their number and kind; a number always makes the same of the same kinds."""
    forms = list(builders)
    for seed in seeds:
        chance = random.Random(seed)
        form = forms[seed % len(forms)]
        files = builders[form]()
        # Some are left as they are: what is sound must be taken.
        for _ in range(chance.choice((0, 1, 1, 1, 1, 2, 2, 3))):
            if chance.random() < 0.2:
                spoil_files(chance, files)
            else:
                SPOILERS[form.partition("-")[0]](chance, files)
        yield seed, form, files


def pick(chance: random.Random, files: Files, pattern: str) -> str | None:
    found = sorted(file for file in files if re.search(pattern, file))
    return chance.choice(found) if found else None


def spoil_files(chance: random.Random, files: Files) -> None:
    """A file away, twice, hidden, renamed, empty, or half of it."""
    file = chance.choice(sorted(files))
    folder, _, name = file.rpartition("/")
    prefix = f"{folder}/" if folder else ""
    match chance.randrange(8):
        case 0:
            del files[file]
        case 1:
            files[f"{prefix}._{name}"] = b"\0\5\x16\7"
        case 2:
            files[f"{prefix}copy of {name}"] = files[file]
        case 3:
            files[f"{prefix}{name.rpartition('.')[0]}.bmp"] = draw(99, form="BMP")
        case 4:
            files[file] = b""
        case 5:
            files[file] = files[file][: chance.randrange(len(files[file]) + 1)]
        case 6:
            files[f"{prefix}{name.upper()}"] = files.pop(file)
        case _:
            spoil_bytes(chance, files, file)


def spoil_bytes(chance: random.Random, files: Files, file: str) -> None:
    """The text in another encoding, with other ends of lines, or with a byte more."""
    data = files[file]
    if file.endswith((".png", ".bmp", "data.yaml")):
        return
    text = data.decode("latin-1")
    at = chance.randrange(len(data) + 1)
    match chance.randrange(9):
        case 0:
            files[file] = text.encode("utf-16")
        case 1:
            files[file] = b"\xef\xbb\xbf" + data
        case 2:
            files[file] = (
                data[:at] + chance.choice((b"\0", b"\xff", b"\xe9", b'"', b",")) + data[at:]
            )
        case 3:
            files[file] = data.replace(b"\n", b"\r\n")
        case 4:
            files[file] = data.replace(b"\n", b"\n\n")
        case 5:
            files[file] = data + data
        case 6:
            lines = data.splitlines(keepends=True)
            chance.shuffle(lines)
            files[file] = b"".join(lines)
        case 7:
            end = min(len(data), at + chance.randrange(1, 8))
            files[file] = data[:at] + data[end:]
        case _:
            files[file] = data.rstrip(b"\n")


def spoil_csv(chance: random.Random, files: Files) -> None:
    file = pick(chance, files, r"\.csv$")
    if file is None:
        return
    rows = [line.split(",") for line in files[file].decode("latin-1").split("\n")]
    row = chance.choice(rows)
    at = chance.randrange(len(row))
    match chance.randrange(8):
        case 0 | 1 | 2:
            row[at] = chance.choice(ODD_TEXTS)
        case 3:
            row.append(chance.choice(ODD_TEXTS))
        case 4:
            del row[at]
        case 5:
            rows[0] = list(
                chance.choice(
                    (
                        ("Path", "LABEL"),
                        ("filename", "label"),
                        ("label", "path"),
                        ("path", "path"),
                        ("path", "labels"),
                        ("id", "name"),
                        ("path;label",),
                    )
                )
            )
        case 6:
            row[at] = f'"{row[at]}"'
        case _:
            rows.append(list(row))
    files[file] = "\n".join(",".join(row) for row in rows).encode("utf-8", "surrogatepass")


def spoil_json(chance: random.Random, content: Any) -> Any:
    """A value of a tree replaced, away, or twice."""
    nodes: list[tuple[Any, Any]] = []
    pending = [content]
    while pending:
        node = pending.pop()
        if isinstance(node, (dict, list)):
            for key in list(node) if isinstance(node, dict) else range(len(node)):
                nodes.append((node, key))
                pending.append(node[key])
    if not nodes:
        return chance.choice(ODD_VALUES)
    node, key = chance.choice(nodes)
    match chance.randrange(6):
        case 0 | 1 | 2:
            node[key] = chance.choice(ODD_VALUES)
        case 3:
            del node[key]
        case 4 if isinstance(node, list):
            node.append(node[key])
        case _:
            other, place = chance.choice(nodes)
            if isinstance(other[place], (int, float, str)) and isinstance(
                node[key], (int, float, str)
            ):
                node[key] = other[place]
    return content


def spoil_jsonl(chance: random.Random, files: Files) -> None:
    file = pick(chance, files, r"\.jsonl$")
    if file is None:
        return
    lines = files[file].decode("latin-1").split("\n")
    at = chance.randrange(len(lines))
    match chance.randrange(6):
        case 0:
            lines[at] = chance.choice(
                (
                    "[" * 50000,
                    "{}",
                    "[]",
                    "null",
                    "17",
                    '{"path": 1}',
                    "{",
                    '{"a":' * 40 + "1" + "}" * 40,
                    '{"path": "images/a0.png", "label": ' + "9" * 5000 + "}",
                )
            )
        case 1:
            lines[at] = lines[at].replace("{", '{"label": "owl", ', 1)
        case 2:
            lines[at] = lines[at].replace(
                "label", chance.choice(("labels", "text", "caption", "class"))
            )
        case _:
            try:
                lines[at] = json.dumps(
                    spoil_json(chance, json.loads(lines[at])), ensure_ascii=chance.random() < 0.5
                )
            except (ValueError, RecursionError):
                lines[at] += chance.choice(ODD_TEXTS)
    files[file] = "\n".join(lines).encode("utf-8", "replace")


def spoil_coco(chance: random.Random, files: Files) -> None:
    file = pick(chance, files, r"\.json$")
    if file is None:
        return
    try:
        content = json.loads(files[file])
    except (ValueError, RecursionError):
        return
    text = json.dumps(spoil_json(chance, content))
    if chance.random() < 0.1:
        key = chance.choice(("id", "bbox", "images", "image_id", "name"))
        text = text.replace(f'"{key}"', f'"{key}": 1, "{key}"', 1)
    files[file] = text.encode()


def spoil_yolo(chance: random.Random, files: Files) -> None:
    if chance.random() < 0.25:
        files["data.yaml"] = chance.choice(list(YAMLS))
        return
    file = pick(chance, files, r"\.txt$")
    if file is None:
        return
    rows = [line.split(" ") for line in files[file].decode("latin-1").split("\n")]
    row = chance.choice(rows)
    at = chance.randrange(len(row))
    match chance.randrange(7):
        case 0 | 1 | 2:
            row[at] = chance.choice(ODD_TEXTS)
        case 3:
            row.append(chance.choice(("0.5", "0.9", "1", *ODD_TEXTS)))
        case 4:
            del row[at]
        case 5:
            row[:] = chance.choice(
                (
                    "0 .1 .1 .9 .1 .9 .9",
                    "1 0 0 1 0 1 1 0 1",
                    "0 .1 .1 .2 .2 .3 .3",
                    "0 .5 .5 1 1 .9",
                    "1 .5 .5 -.5 .5",
                    "0.0 .5 .5 1 1",
                    "0 .1 .1 2 .1 .9 .9",
                )
            ).split()
        case _:
            rows.append(list(row))
    files[file] = "\n".join(" ".join(row) for row in rows).encode("utf-8", "surrogatepass")


def spoil_voc(chance: random.Random, files: Files) -> None:
    if chance.random() < 0.2:
        file = pick(chance, files, r"Main/.*\.txt$")
        if file is None:
            return
        lines = files[file].decode("latin-1").split("\n")
        at = chance.randrange(len(lines))
        lines[at] = chance.choice(
            (*ODD_TEXTS, "a0", "b 0 -1", "b1 1", "a1  0", "a0 2", "b", " a0 ")
        )
        files[file] = "\n".join(lines).encode("utf-8", "surrogatepass")
        return
    file = pick(chance, files, r"\.xml$")
    if file is None:
        return
    text = files[file].decode("latin-1")
    tag = chance.choice(
        (*CORNERS, "name", "bndbox", "object", "size", "width", "height", "annotation")
    )
    found = re.search(f"<{tag}>(.*?)</{tag}>", text)
    if not found:
        return
    odd = chance.choice(ODD_TEXTS).replace("\0", "")
    match chance.randrange(7):
        case 0 | 1 | 2:
            text = text.replace(found[0], f"<{tag}>{odd}</{tag}>", chance.choice((1, -1)))
        case 3:
            text = text.replace(found[0], "", chance.choice((1, -1)))
        case 4:
            text = text.replace(found[0], found[0] * 2, 1)
        case 5:
            text = text.replace(tag, f"{tag}s")
        case _:
            text = (
                chance.choice(
                    (
                        '<!DOCTYPE a [<!ENTITY b "c">]>',
                        '<?xml version="1.0" encoding="latin-1"?>',
                        '<?xml version="1.0" encoding="cp037"?>',
                        '<?xml version="1.0" encoding="nope"?>',
                        "<!-- x -->",
                        '<?xml version="1.0" encoding="utf-16"?>',
                        "<a>" * 20000,
                    )
                )
                + text
            )
    files[file] = text.encode("utf-8", "surrogatepass")


def spoil_masks(chance: random.Random, files: Files) -> None:
    if chance.random() < 0.3:
        lines = files.get("classes.txt", b"").decode("latin-1").split("\n")
        at = chance.randrange(len(lines))
        lines[at] = chance.choice(ODD_TEXTS)
        files["classes.txt"] = "\n".join(lines).encode("utf-8", "surrogatepass")
        return
    file = pick(chance, files, r"^masks/")
    if file is None:
        return
    files[file] = chance.choice(
        (
            draw_mask([0, 3]),
            draw_mask([0, 1, 2]),
            draw_mask([254]),
            draw_mask([0, 1], size=(SIDE, 4)),
            draw_mask([0, 1], mode="P"),
            draw_mask([0, 9], mode="P"),
            draw_mask([0, 255], mode="1"),
            draw_mask([0, 300], mode="I;16"),
            draw_mask([0, 2], mode="I;16"),
            draw(3),
            draw(3, mode="LA"),
            draw(3, mode="RGBA"),
            b"no image",
        )
    )


def spoil_names(chance: random.Random, files: Files) -> None:
    """A file under another name, as folders of images have no files of labels."""
    file = chance.choice(sorted(files))
    folder, _, name = file.rpartition("/")
    stem, _, suffix = name.rpartition(".")
    odd = chance.choice(
        (f"{stem}.jfif", f"{stem}.PNG", f"{stem} .{suffix}", f"{stem}\u202e.{suffix}", f"{stem}")
    )
    place = chance.choice((folder, f"{folder}/deep", f"{folder}/images", folder.upper(), "train"))
    files[f"{place}/{odd}"] = files.pop(file)


SPOILERS: Mapping[str, Callable[[random.Random, Files], None]] = {
    "csv": spoil_csv,
    "jsonl": spoil_jsonl,
    "coco": spoil_coco,
    "yolo": spoil_yolo,
    "voc": spoil_voc,
    "masks": spoil_masks,
    "imagefolder": spoil_names,
    "pairs": spoil_names,
}
