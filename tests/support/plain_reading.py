"""What a dataset says, read once more from the descriptions of its format, with no code of ours.

Slow, plain and strict: `read_plainly` gives the images of each split with their labels, or raises
`Refused`. It knows the layouts of `dataset_mutants` only.
"""
# ruff: noqa: C901 - one rule after another, as the descriptions of the formats have them

import io
import json
import math
import posixpath
import re
import unicodedata
import xml.dom.minidom
import xml.parsers.expat
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

Files = Mapping[str, bytes]

Labels = list[tuple[Any, ...]]
"""The class of an image, or class and box (left, top, right, bottom) of each object."""

Reading = dict[str, dict[str, Labels]]
"""Labels by image by split."""

SIDE = 8
"""Width and height of every image, in pixels."""


class Refused(Exception):
    """The bytes are no sound dataset of their format."""


def read_plainly(form: str, files: Files) -> Reading:
    """The images of each split and what they show. Raises `Refused`."""
    visible = {f: data for f, data in files.items() if not any(p[0] == "." for p in f.split("/"))}
    if any(not name.isprintable() for name in files):
        raise Refused("a file's name cannot be shown")
    for name, data in visible.items():
        if is_picture(name):
            open_picture(data)
    reading = READERS[form](visible)
    for split in ("train", "val"):
        if not reading.get(split):
            raise Refused(f"{split} has no images")
    return reading


def is_picture(name: str) -> bool:
    return name.lower().endswith((".png", ".jpg", ".jpeg", ".bmp"))


def open_picture(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError) as error:
        raise Refused("a picture is broken") from error
    return image


def decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Refused("UTF-16")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8") from error
    if "\0" in text:
        raise Refused("NUL")
    return text.removeprefix("\ufeff")


def check_class(name: object) -> str:
    if not isinstance(name, str) or name != name.strip() or not 1 <= len(name) <= 100:
        raise Refused(f"no class name: {name!r}")
    for character in name:
        if character == "{" and "{{" in name:
            raise Refused("a template")
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            raise Refused("a class name with a control character")
        if 0x202A <= ord(character) <= 0x202E or 0x2066 <= ord(character) <= 0x2069:
            raise Refused("a class name that reads backwards")
        if character in "\u00ad\u200b\u200e\u200f\u2060\u115f\u1160\u3164\uffa0":
            raise Refused("a class name with what has no width")
        if character in "\ufeff\uffff\ufffe":
            raise Refused("a class name with no character")
    return name


def resolve(name: object, folder: str, files: Files) -> str:
    """The path of an image that a label file names."""
    if not isinstance(name, str) or not name or name[0] == "/" or ".." in name.split("/"):
        raise Refused(f"no path of an image: {name!r}")
    path = posixpath.normpath(posixpath.join(folder, name))
    if path not in files:
        raise Refused(f"{path} is not there")
    open_picture(files[path])
    return path


# --- tables -------------------------------------------------------------------------------------


def split_csv(text: str) -> list[list[str]]:
    """Rows of RFC 4180, character by character."""
    rows: list[list[str]] = []
    row: list[str] = []
    cell, state, at = "", "start", 0
    text = re.sub("\r\n|\r", "\n", text) if '"' not in text else text
    while at < len(text):
        char = text[at]
        at += 1
        if state == "quoted":
            if char == '"' and text[at : at + 1] == '"':
                cell += '"'
                at += 1
            elif char == '"':
                state = "closed"
            else:
                cell += char
        elif char in "\r\n":
            at += char == "\r" and text[at : at + 1] == "\n"
            if row or state != "start":
                rows.append([*row, cell])
            row, cell, state = [], "", "start"
            if not rows:
                rows.append([])
        elif char == ",":
            row.append(cell)
            cell, state = "", "start"
        elif state == "closed":
            raise Refused("text after a closing quote")
        elif char == '"' and state == "start":
            state = "quoted"
        else:
            cell, state = cell + char, "plain"
    if state == "quoted":
        raise Refused("a quote is never closed")
    if row or state != "start":
        rows.append([*row, cell])
    return rows


ALIASES = ("path", "filename", "file_name", "image", "image_path", "filepath", "file")


def read_csv(files: Files) -> Reading:
    tables = {}
    for split in find_tables(files, "csv"):
        rows = split_csv(decode(files[f"{split}.csv"]))
        if not rows or not rows[0]:
            raise Refused("no header")
        known = {*ALIASES, "label", "labels", "text", "caption", "question", "messages"}
        header = [c.strip().lower() if c.strip().lower() in known else c for c in rows[0]]
        if len({*header}) < len(header) or any(len(row) != len(header) for row in rows[1:]):
            raise Refused("columns")
        tables[split] = [dict(zip(header, row, strict=True)) for row in rows[1:] if row]
    return read_tables(tables, files)


def read_jsonl(files: Files) -> Reading:
    tables = {}
    for split in find_tables(files, "jsonl"):
        lines = decode(files[f"{split}.jsonl"]).split("\n")
        tables[split] = [parse_json(line) for line in lines if line.strip()]
    return read_tables(tables, files)


def find_tables(files: Files, form: str) -> list[str]:
    words = {"train": "train", "val": "val", "valid": "val", "test": "test"}
    found = []
    for name in files:
        stem, _, suffix = posixpath.basename(name).rpartition(".")
        if suffix in ("csv", "jsonl") and stem.lower() in words:
            if suffix != form or name != f"{words[stem.lower()]}.{form}":
                raise Refused("several tables, or of two formats")
            found.append(stem)
    if "train" not in found:
        raise Refused("no table")
    return found


def read_tables(tables: Mapping[str, Sequence[Any]], files: Files) -> Reading:
    rows = [row for table in tables.values() for row in table]
    fields = {key for row in rows if isinstance(row, dict) for key in row}
    reading = {
        split: read_rows(table, files, "label" in fields) for split, table in tables.items()
    }
    return check_classes(reading) if "label" in fields else reading


def read_rows(rows: Sequence[Any], files: Files, is_labeled: bool) -> dict[str, Labels]:
    part: dict[str, Labels] = {}
    for row in rows:
        if not isinstance(row, dict):
            raise Refused("a row is no object")
        key = next((alias for alias in ALIASES if alias in row), "path")
        image = resolve(row.get(key), "", files)
        for name in ("text", "caption"):
            if not isinstance(row.get(name, ""), (str, type(None))):
                raise Refused(name)
        labels = row.get("labels", "")
        is_list = isinstance(labels, list) and all(isinstance(one, str) for one in labels)
        if not (isinstance(labels, (str, type(None))) or is_list):
            raise Refused("labels")
        known = ("label", "labels", "text", "caption", "question", "messages")
        if not any(name in row for name in known):
            raise Refused("nothing is said of an image")
        names = [row.get("label")] if is_labeled else row.get("labels") or []
        names = names.split() if isinstance(names, str) else names
        part.setdefault(image, []).extend((check_class(name),) for name in names)
    return part


def check_classes(reading: Reading) -> Reading:
    names = {
        split: {name for labels in part.values() for (name, *_) in labels}
        for split, part in reading.items()
    }
    every = set().union(*names.values())
    if len(every) < 2:
        raise Refused("one class")
    if names["train"] != every:
        raise Refused("a class that cannot be learnt")
    return reading


# --- JSON ---------------------------------------------------------------------------------------


def parse_json(text: str) -> Any:
    """Plain JSON, with no key twice and at most 32 levels, counted character by character."""

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise Refused("a key twice")
        return dict(pairs)

    depth = deepest = 0
    inside = escaped = False
    for char in text:
        if inside:
            inside = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            inside = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    if deepest > 32:
        raise Refused("too deep")
    try:
        content = json.loads(text, object_pairs_hook=build)
        json.dumps(content, ensure_ascii=False).encode()
    except ValueError as error:
        raise Refused("no JSON") from error
    return content


def is_number(value: object) -> bool:
    return type(value) in (int, float) and -1e9 <= value <= 1e9  # type: ignore[operator]


def read_coco(files: Files) -> Reading:
    reading: Reading = {}
    geometries: set[str] = set()
    bare = False
    names_seen: set[str] = set()
    for split in ("train", "val"):
        mine = [f for f in files if f.endswith(".json") and split in posixpath.basename(f)]
        named = [f for f in mine if posixpath.basename(f).startswith("instances")]
        mine = named if len(named) == 1 else mine
        if len(mine) != 1:
            raise Refused("not one file of the split")
        content = parse_json(decode(files[mine[0]]))
        tables: list[Any] = [None]
        if isinstance(content, dict):
            tables = [content.get(key) for key in ("images", "annotations", "categories")]
        if not all(isinstance(table, list) for table in tables):
            raise Refused("no COCO")
        images, annotations, categories = tables
        if not all(isinstance(row, dict) for table in tables for row in table):
            raise Refused("a row is no object")
        for table, key, needed in (
            (images, "id", True),
            (categories, "id", True),
            (annotations, "id", False),
        ):
            values = [get_id(row, key, needed) for row in table]
            found = [value for value in values if value is not None]
            if len({*found}) < len(found):
                raise Refused("an id twice")
        name_of = {row["id"]: check_class(row.get("name")) for row in categories}
        if len({*name_of.values()}) < len(name_of):
            raise Refused("a name twice")
        names_seen |= {*name_of.values()}
        folder = f"images/{split}"
        path_of = {row["id"]: resolve(row.get("file_name"), folder, files) for row in images}
        if len({*path_of.values()}) < len(path_of):
            raise Refused("an image twice")
        sizes = {row["id"]: get_size(row) for row in images}
        part: dict[str, Labels] = {path: [] for path in path_of.values()}
        for row in annotations:
            image, category = row.get("image_id"), row.get("category_id")
            if get_id(row, "image_id", True) not in path_of:
                raise Refused("of no image")
            if category is None and "caption" in row:
                name = None
            elif get_id(row, "category_id", True) not in name_of:
                raise Refused("of no category")
            else:
                name = name_of[category]
            box = read_coco_box(row.get("bbox"), sizes[image])
            geometries |= {"bbox"} if box else set()
            bare = bare or box is None
            check_coco_rest(row, sizes[image])
            part[path_of[image]].append((name, *(box or ())))
        reading[split] = part
    if (geometries and bare) or not names_seen:
        raise Refused("annotations without a box")
    return reading


def get_id(row: Mapping[str, Any], key: str, is_needed: bool) -> Any:
    value = row.get(key)
    if type(value) in (int, float, str):
        return value
    if is_needed:
        raise Refused(f"no {key}: {value!r:.30}")
    return None


def get_size(row: Mapping[str, Any]) -> tuple[float, float] | None:
    sides: list[Any] = [row.get("width"), row.get("height")]
    for side in sides:
        if side is None or (type(side) in (int, float) and side == 0) or side is False:
            continue
        if not is_number(side) or side <= 0 or math.floor(side) != side:
            raise Refused("no size")
    return (sides[0], sides[1]) if all(sides) else None


def read_coco_box(raw: Any, size: tuple[float, float] | None) -> tuple[float, ...] | None:
    if raw is None:
        return None
    if not isinstance(raw, list) or len(raw) != 4 or not all(map(is_number, raw)):
        raise Refused("no box")
    x, y, width, height = raw
    if width <= 0 or height <= 0:
        raise Refused("no area")
    if size and (x >= size[0] or y >= size[1] or x + width <= 0 or y + height <= 0):
        raise Refused("outside")
    return x, y, x + width, y + height


def check_coco_rest(row: Mapping[str, Any], size: tuple[float, float] | None) -> None:
    if not isinstance(row.get("caption", ""), (str, type(None))):
        raise Refused("caption")
    area = row.get("segmentation")
    if area and isinstance(area, dict):
        match area:
            case {"size": [int(high), int(wide)], "counts": [*runs]}:
                fills = all(type(run) in (int, bool) for run in runs) and sum(runs) == high * wide
                if not fills or min([*runs, high, wide]) < 0 or (size and (wide, high) != size):
                    raise Refused("mask")
            case _:
                raise Refused("mask")
    elif area:
        for ring in area if isinstance(area, list) else [None]:
            if not isinstance(ring, list) or not all(map(is_number, ring)):
                raise Refused("ring")
            if len(ring) < 6 or len(ring) % 2 or measure_ring(ring) < 1e-6:
                raise Refused("ring")
            xs, ys = ring[::2], ring[1::2]
            if size and (min(xs) >= size[0] or min(ys) >= size[1] or max(xs) <= 0 or max(ys) <= 0):
                raise Refused("outside")
    points = row.get("keypoints")
    if points:
        if not isinstance(points, list) or len(points) % 3 or not all(map(is_number, points)):
            raise Refused("keypoints")
        if any(seen not in (0, 1, 2) for seen in points[2::3]):
            raise Refused("keypoints")


def measure_ring(ring: Sequence[float]) -> float:
    pairs = list(zip(ring[::2], ring[1::2], strict=True))
    turned = zip(pairs, [*pairs[1:], pairs[0]], strict=True)
    return abs(sum(x * after[1] - after[0] * y for (x, y), after in turned)) / 2


# --- YOLO ---------------------------------------------------------------------------------------

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)


def read_yolo(files: Files) -> Reading:
    names = YAMLS.get(files.get("data.yaml", b""))
    if names is None:
        raise Refused("data.yaml")
    reading: Reading = {}
    for split in ("train", "val"):
        part = reading.setdefault(split, {})
        texts = {f for f in files if f.startswith(f"labels/{split}/") and f.endswith(".txt")}
        for image in (f for f in files if f.startswith(f"images/{split}/") and is_picture(f)):
            text = f"labels/{split}/" + posixpath.splitext(posixpath.basename(image))[0] + ".txt"
            if text in files and text not in texts:
                raise Refused("two images with one file of labels")
            texts.discard(text)
            lines = decode(files[text]).split("\n") if text in files else []
            part[image] = [read_yolo_row(line.split(), names) for line in lines if line.strip()]
        if texts - {f"labels/{split}/classes.txt", f"labels/{split}/notes.txt"}:
            raise Refused("labels of no image")
    if not any(f.startswith("labels/train/") for f in files):
        raise Refused("no labels")
    return reading


def read_yolo_row(words: Sequence[str], names: Sequence[str]) -> tuple[Any, ...]:
    if not re.fullmatch(r"-?[0-9]+", words[0]) or not all(map(NUMBER.fullmatch, words[1:])):
        raise Refused("no numbers")
    shares = [float(word) for word in words[1:]]
    # Python turns no more than 4,300 digits into a number.
    if (
        len(words[0]) > 9
        or not 0 <= int(words[0]) < len(names)
        or any(not -0.01 <= s <= 1.01 for s in shares)
    ):
        raise Refused("out of range")
    name = names[int(words[0])]
    if len(shares) == 4:
        x, y, width, height = (share * SIDE for share in shares)
        if width <= 0 or height <= 0:
            raise Refused("no area")
        return name, x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if len(shares) < 6 or len(shares) % 2 or measure_ring(shares) < 1e-9:
        raise Refused("no polygon")
    xs, ys = [s * SIDE for s in shares[::2]], [s * SIDE for s in shares[1::2]]
    return name, min(xs), min(ys), max(xs), max(ys)


YAMLS: dict[bytes, tuple[str, ...] | None] = {
    b"names: [cat, dog]\n": ("cat", "dog"),
    b"names:\n- cat\n- dog\nnc: 2\n": ("cat", "dog"),
    b"names: {0: cat, 1: dog}\n": ("cat", "dog"),
    b"names: {'1': dog, '0': cat}\n": ("cat", "dog"),
    b"names:\n  1: cat\n  0: dog\n": ("dog", "cat"),
    b"# * stars *\nnames: [no, yes]\n": ("no", "yes"),
    b"names: [010, 1e3]\n": ("010", "1e3"),
    b"\xef\xbb\xbfnames: [cat, dog]\n": ("cat", "dog"),
    b"names: ['cat ', dog]\n": None,
    b"names: {1: cat, 2: dog}\n": None,
    b"names: {0: cat, 0: dog}\n": None,
    b"names: {00: cat, 1: dog}\n": None,
    b"names: {0: cat, 2: dog}\n": None,
    b"names: [cat, dog]\nnames: [dog, cat]\n": None,
    b"names: [cat, cat]\n": None,
    b"names: [cat, dog]\nnc: 5\n": None,
    b"names: [cat, dog]\nnc: two\n": None,
    b"names: [cat, [dog]]\n": None,
    b"names: [cat, ]\nnc: 2\n": None,
    b"names: [cat, '']\n": None,
    b"names: cat\n": None,
    b"nc: 2\n": None,
    b"names: [cat, d\xe9g]\n": None,
    b"names:\n\t- cat\n": None,
    b"names: [cat\n": None,
    b"names: &a [*a, dog]\n": None,
    b"[" * 5000: None,
    b"": None,
    "names: [cat, dog]\n".encode("utf-16"): None,
    "names: [cat, d\u202eog]\n".encode(): None,
}
"""The texts of data.yaml that mutants have, and the names that each gives."""


# --- VOC ----------------------------------------------------------------------------------------


def read_voc(files: Files) -> Reading:
    images: dict[str, str] = {}
    for file in files:
        if file.startswith("JPEGImages/") and is_picture(file):
            images.setdefault(posixpath.splitext(posixpath.basename(file))[0], file)
    shared = [f for f in files if f.startswith("JPEGImages/") and f not in images.values()]
    reading: Reading = {}
    for split in ("train", "val"):
        listed = f"ImageSets/Main/{split}.txt"
        if listed not in files:
            raise Refused("no list")
        names = []
        for line in decode(files[listed]).split("\n"):
            name = line.strip()
            words = name.split()
            if len(words) > 1 and name not in images and words[-1] in ("-1", "0", "1"):
                name = name[: -len(name.split()[-1])].strip()
            names += [name] if name else []
        if len({*names}) < len(names) or not {*names} <= {*images}:
            raise Refused("the list")
        if any(posixpath.splitext(posixpath.basename(f))[0] in names for f in shared):
            raise Refused("two images of one name")
        part = reading.setdefault(split, {})
        for name in names:
            if f"Annotations/{name}.xml" not in files:
                raise Refused("no XML file")
            part[images[name]] = read_voc_objects(files[f"Annotations/{name}.xml"])
    classes = {labels[0] for part in reading.values() for some in part.values() for labels in some}
    if not classes:
        raise Refused("no class")
    return reading


def read_voc_objects(data: bytes) -> Labels:
    if b"<!ENTITY" in data or "<!ENTITY".encode("utf-16-le") in data:
        raise Refused("entities")
    try:
        root: Any = xml.dom.minidom.parseString(data).documentElement
    except (xml.parsers.expat.ExpatError, ValueError, LookupError) as error:
        raise Refused("no XML") from error
    if root.tagName != "annotation":
        raise Refused("root")
    size = None
    for element in children(root, "size")[:1]:
        sides = [read_xml_number(element, side) for side in ("width", "height")]
        if all(side is not None and side >= 1 for side in sides):
            size = [int(side or 0) for side in sides]
    found: Labels = []
    for element in root.getElementsByTagName("object"):
        names, boxes = children(element, "name"), children(element, "bndbox")
        if len(names) != 1 or len(boxes) != 1:
            raise Refused("object")
        corners = [read_xml_number(boxes[0], key) for key in ("xmin", "ymin", "xmax", "ymax")]
        numbers = [number for number in corners if number is not None]
        if len(numbers) != 4:
            raise Refused("box")
        left, top, right, bottom = numbers[0] - 1, numbers[1] - 1, numbers[2], numbers[3]
        if right <= left or bottom <= top:
            raise Refused("box")
        if size and (left >= size[0] or top >= size[1] or right <= 0 or bottom <= 0):
            raise Refused("outside")
        found.append((check_class(read_text(names[0]).strip()), left, top, right, bottom))
    return found


def children(element: Any, tag: str) -> list[Any]:
    return [node for node in element.childNodes if getattr(node, "tagName", None) == tag]


def read_text(element: Any) -> str:
    """The text before the first element inside."""
    text = ""
    for node in element.childNodes:
        if node.nodeType == node.ELEMENT_NODE:
            break
        text += node.data if node.nodeType in (node.TEXT_NODE, node.CDATA_SECTION_NODE) else ""
    return text


def read_xml_number(element: Any, tag: str) -> float | None:
    found = children(element, tag)
    text = read_text(found[0]).strip() if len(found) == 1 else ""
    value = float(text) if NUMBER.fullmatch(text) else math.inf
    return value if abs(value) <= 1e9 else None


# --- masks --------------------------------------------------------------------------------------


def read_masks(files: Files) -> Reading:
    if "classes.txt" not in files:
        raise Refused("no classes")
    lines = [line.strip() for line in decode(files["classes.txt"]).split("\n")]
    names = [check_class(line) for line in "\n".join(lines).rstrip("\n").split("\n")]
    if len({*names}) < len(names):
        raise Refused("a name twice")
    reading: Reading = {}
    for split in ("train", "val"):
        sides: list[dict[str, str]] = [{}, {}]
        for side, folder in zip(sides, ("images", "masks"), strict=True):
            for file in files:
                if file.startswith(f"{folder}/{split}/") and is_picture(file):
                    stem = posixpath.splitext(posixpath.basename(file))[0]
                    if stem in side:
                        raise Refused("a name twice")
                    side[stem] = file
        if {*sides[0]} != {*sides[1]}:
            raise Refused("one without the other")
        part = reading.setdefault(split, {})
        for stem, file in sides[0].items():
            image, mask = open_picture(files[file]), open_picture(files[sides[1][stem]])
            if mask.mode not in ("1", "L", "P", "I;16", "I") or mask.size != image.size:
                raise Refused("mask")
            # Of one bit, numpy has true and false.
            values = {int(value) for value in np.unique(np.asarray(mask))}
            if not all(value == 255 or 0 <= value < len(names) for value in values):
                raise Refused("value")
            part[file] = [(sides[1][stem],)]
    return reading


READERS: Mapping[str, Callable[[Files], Reading]] = {
    "csv": read_csv,
    "jsonl": read_jsonl,
    "coco": read_coco,
    "yolo": read_yolo,
    "voc": read_voc,
    "masks": read_masks,
}
