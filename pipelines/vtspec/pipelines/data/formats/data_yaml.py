"""YOLO's data.yaml: the names of the classes, and the folders of the splits."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from vtspec.adapters.data.file_tree import FileTree, is_hidden
from vtspec.pipelines.formatting import pluralize

from .class_names import read_class_names
from .layout import DatasetIssue, make_error

if TYPE_CHECKING:
    import yaml

_LONGEST: Final = 2**20
_SPLITS: Final = {"train": "train", "valid": "val", "val": "val", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class DataYaml:
    """What the file says. `folders` are by split, from `path`; `keypoint_shape` is how many
    keypoints a row has and how many numbers each, None where it has none; `keypoint_names` are
    those of each class, as far as it says; `findings` tell what of it cannot be used."""

    names: tuple[str, ...] = ()
    path: str = "."
    folders: Mapping[str, str] = field(default_factory=dict)
    keypoint_shape: tuple[int, Literal[2, 3]] | None = None
    keypoint_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    findings: Sequence[DatasetIssue] = ()


def read_data_yaml(tree: FileTree) -> DataYaml:
    """What data.yaml says, or another YAML file at the top that has `names`; without one, what
    classes.txt does, as LabelImg writes it."""
    top = (file for file in tree.files if "/" not in file and not is_hidden(file))
    files = [file for file in top if file.endswith((".yaml", ".yml"))]
    files.sort(key=lambda file: not file.startswith("data."))
    read = {}
    for file in files:
        try:
            read[file] = _read_mapping(tree, file)
        except ValueError as error:
            return DataYaml(
                findings=[make_error(f"{file} cannot be read: {error}", "correct it", [file])]
            )
        if "names" in read[file]:
            return _build(file, read[file])
    if tree.has("classes.txt"):
        return _read_classes(tree)
    why = f"{files[0]} has no 'names' of the classes" if files else "no file has the class names"
    fix = f"write them into {(files or ['data.yaml'])[0]}, in index order: names: [cat, dog]"
    return DataYaml(findings=[make_error(why, fix, files[:1])])


def _read_mapping(tree: FileTree, file: str) -> Mapping[str, Any]:
    """The keys at the top of a file with their nodes. Raises `ValueError`."""
    import yaml

    text = tree.read_text(file)
    if len(text) > _LONGEST:
        raise ValueError(f"it is larger than {_LONGEST:,} characters")
    try:
        # Scalars as they were written: in YAML 1.1 `no` is false, and `010` is eight.
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{error.problem or error.context}{line}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error).partition("\n")[0] or "it is nested too deeply") from error
    return dict(_iter_pairs(root, "it")) if isinstance(root, yaml.MappingNode) else {}


def _iter_pairs(node: "yaml.MappingNode", what: str) -> Iterator[tuple[str, "yaml.Node"]]:
    """The keys of a mapping with their values. Raises `ValueError` where one stands twice."""
    seen = set()
    for key, value in node.value:
        if not isinstance(key.value, str):
            raise ValueError(f"{what} has a key that is no text in line {key.start_mark.line + 1}")
        if key.value in seen:
            raise ValueError(f"{what} has the key '{key.value}' more than once")
        seen.add(key.value)
        yield key.value, value


def _build(file: str, keys: Mapping[str, Any]) -> DataYaml:
    names: tuple[str, ...] = ()
    findings = []
    try:
        names = _parse_names(keys["names"])
        _check_names(names, keys.get("nc"))
        shape = _parse_shape(keys.get("kpt_shape"))
        points = _parse_keypoint_names(keys.get("kpt_names"), names, shape)
    except ValueError as error:
        shape, points = None, {}
        findings.append(
            make_error(f"{file}: {error}", "name every class once: names: [cat, dog]", [file])
        )
    texts = {key: node.value for key, node in keys.items() if isinstance(node.value, str)}
    return DataYaml(
        names=names,
        path=texts.get("path") or ".",
        folders={
            split: texts[key] for key, split in _SPLITS.items() if texts.get(key, "").strip()
        },
        keypoint_shape=shape,
        keypoint_names=points,
        findings=findings,
    )


def _parse_names(node: Any) -> tuple[str, ...]:
    """The names in index order, as they are written."""
    import yaml

    match node:
        case yaml.SequenceNode():
            nodes = list(node.value)
        case yaml.MappingNode():
            found = dict(_iter_pairs(node, "names"))
            wanted = [str(index) for index in range(len(found))]
            absent = next((index for index in wanted if index not in found), None)
            # Counted from 1, every label would be taken for the class before it.
            if absent is not None:
                raise ValueError(
                    f"names has the keys {', '.join(list(found)[:5])}, so that class {absent} "
                    "has no name: they count from 0 without gaps"
                )
            nodes = [found[index] for index in wanted]
        case _:
            raise ValueError("names is neither a list nor a mapping of numbers to names")
    for index, name in enumerate(nodes):
        if not isinstance(name, yaml.ScalarNode) or not name.value.strip():
            raise ValueError(f"the name of class {index} is no text")
    return tuple(name.value for name in nodes)


def _check_names(names: Sequence[str], count: Any) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"two classes are called '{twice}'")
    if count is not None and count.value != str(len(names)):
        classes = pluralize(len(names), "class", "classes")
        raise ValueError(f"nc is {count.value!r:.40}, but names has {classes}")


def _parse_shape(node: Any) -> tuple[int, Literal[2, 3]] | None:
    if node is None:
        return None
    values = [item.value for item in node.value] if isinstance(node.value, list) else []
    match values:
        case [str() as count, "2" | "3" as step] if re.fullmatch("[1-9][0-9]{0,3}", count):
            return int(count), 2 if step == "2" else 3
        case _:
            raise ValueError("kpt_shape is not [number of keypoints, 2 or 3]")


def _parse_keypoint_names(
    node: Any, classes: Sequence[str], shape: tuple[int, Literal[2, 3]] | None
) -> dict[str, tuple[str, ...]]:
    """Names of the points by class: lists by the index of the class."""
    import yaml

    if node is None or shape is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise ValueError("kpt_names is no mapping of classes to names")
    found = {}
    for key, points in _iter_pairs(node, "kpt_names"):
        names = [getattr(item, "value", None) for item in getattr(points, "value", ())]
        index = int(key) if re.fullmatch("[0-9]{1,9}", key) else len(classes)
        is_list = isinstance(points, yaml.SequenceNode)
        if not is_list or not all(isinstance(name, str) and name.strip() for name in names):
            raise ValueError(f"kpt_names of {key} is no list of names")
        if index >= len(classes) or len(names) != shape[0]:
            raise ValueError(f"kpt_names of {key} does not name {shape[0]} points of a class")
        found[classes[index]] = tuple(str(name) for name in names)
    return found


def _read_classes(tree: FileTree) -> DataYaml:
    try:
        return DataYaml(names=read_class_names(tree))
    except ValueError as error:
        return DataYaml(findings=[make_error(f"classes.txt: {error}", "one name a line")])
