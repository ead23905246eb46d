"""Specs gone wrong: deterministic mutants of sound ones, and an oracle that shares no code.

A mutant is made by its number alone, so that one that fails can be made again.
"""

import copy
import json
import math
import random
import re
import zoneinfo
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final

import jsonschema
import yaml

from builders import full_dataset, full_experiment, full_project, yaml_of

ROOT: Final = Path(__file__).parents[2]

SCHEMAS: Final = ROOT / "schema/v1alpha1"

TOKENS: Final = (
    "&a ", "*a", "!!str ", "!t ", "<<: *a", "---\n", "...\n", "%YAML 1.2\n---\n", "? ", ": ", "- ",
    "#", "'", '"', "|\n", ">-\n", "[", "]", "{", "}", ",", "\t", "\n", "\r", "\r\n", "  ", " ",
    "{{x}}", "${{ x }}", "..", "/", "\\", "~", "null", "true", "no", "1e-3", "1e999", "-1", "0",
    "0x1F", "0o17", ".inf", ".nan", "9" * 30, "9" * 5000, "5.0", "1_000", '"\\0"', '"\\x07"',
    '"\\ud800"', "\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff",
    "\ufffe", "가", "😀", "é", "a" * 300, "[" * 40, "{a: " * 40, "kind: Dataset\n",
    "kind: Experiment\n", "spec:\n", "epochs: 0\n", "  epochs: 3\n",
)  # fmt: skip
"""What is thrown into a text."""

VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 2, 5.0, 0.5, 1e9, 1e-12, -0.5, 2**40, "", "a", "A b", "a\n", "5",
    "x" * 5000, "{{x}}", "../x", "/x", "a\\b", "4Gi", "30m", "balanced", "backbone", "run:a",
    "accuracy >= 1", "accuracy >= ", "ocr", "pairs", "csv", "coco", "image-classification",
    "digits", "digits-resnet18", "timm", "resnet18", "resnt50", "adamw", "none", "train", [], {},
    [1], ["a"], ["a", "a"], ["0", "1"], [32, 32], [1, 1, 1], ["onnx"], ["accuracy > 1"], {"a": 1},
    {"a": "b"}, {"0": 0.5}, {"0": 1, "1": 2}, {"A{{": 0.5}, {"path": "x"}, {"decay": 0.5}, [[[]]],
)  # fmt: skip
"""What is put in the place of a value."""


def corpus() -> list[bytes]:
    """The sound specs: those of the repository and of the reference, and ones with every field."""
    from vtspec.schema.spec_reference import EXAMPLES

    files = [*sorted((ROOT / "specs").rglob("*.yaml")), ROOT / "vtspec.yaml"]
    full = [yaml_of(spec) for spec in (full_experiment(), full_dataset(), full_project())]
    texts = [*EXAMPLES.values(), *full, *full]
    return [file.read_bytes() for file in files] + [text.encode() for text in texts]


def mutants(numbers: range, seeds: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """The mutants of those numbers."""
    for number in numbers:
        yield number, mutant(random.Random(number), seeds)


def mutant(chance: random.Random, seeds: list[bytes]) -> bytes:
    """One mutant: a seed, changed one to four times in bytes, in tokens or in structure."""
    data = chance.choice(seeds)
    if chance.random() < 0.5:
        data = _restructured(chance, data)
        if chance.random() < 0.9:
            return data
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(_CHANGES)(chance, data, seeds)
    return data


def _restructured(chance: random.Random, data: bytes) -> bytes:
    spec = yaml.safe_load(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        place, key = _somewhere(chance, spec)
        if place is not None:
            _change(chance, place, key, spec)
    if chance.random() < 0.5:
        return json.dumps(spec, indent=chance.choice((None, 1))).encode()
    return yaml.safe_dump(spec, sort_keys=chance.random() < 0.5, allow_unicode=True).encode()


def _somewhere(chance: random.Random, spec: Any) -> tuple[Any, Any]:
    """A mapping or list in the spec, and one of its keys; (None, None) where there is none."""
    places = list(_places(spec))
    return chance.choice(places) if places else (None, None)


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    keys = (
        sorted(node)
        if isinstance(node, dict)
        else range(len(node))
        if isinstance(node, list)
        else ()
    )
    for key in keys:
        yield node, key
        yield from _places(node[key])


def _change(chance: random.Random, place: Any, key: Any, spec: Any) -> None:
    roll, value = chance.random(), place[key]
    if roll < 0.1:
        del place[key]
    elif roll < 0.2 and isinstance(place, dict):
        word = chance.choice((str(key)[:-1] or "x", f"{key}s", "surprise", "x" * 70, "{{", ""))
        place[word] = place.pop(key)
    elif roll < 0.5 and isinstance(value, int | float) and not isinstance(value, bool):
        # Near the bounds, where the rules between fields are decided.
        place[key] = chance.choice((value + 1, value - 1, value * 10, value / 10, -value, 1, 5))
    elif roll < 0.7:
        other, name = _somewhere(chance, spec)
        # Copies: what is put in may be changed again.
        place[key] = copy.deepcopy(other[name] if other is not None else value)
    else:
        place[key] = copy.deepcopy(chance.choice(VALUES))


def _flip(chance: random.Random, data: bytes, _seeds: list[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def _cut(chance: random.Random, data: bytes, _seeds: list[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at + chance.choice((1, 2, 8, 64, 10_000)) :]


def _repeat(chance: random.Random, data: bytes, _seeds: list[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    piece = data[at : at + chance.choice((1, 4, 32, 256))]
    return data[:at] + piece * chance.choice((2, 2, 3, 500)) + data[at:]


def _splice(chance: random.Random, data: bytes, seeds: list[bytes]) -> bytes:
    other = chance.choice(seeds)
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other)) :]


def _token(chance: random.Random, data: bytes, _seeds: list[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    token = chance.choice(TOKENS).encode("utf-8", "surrogatepass")
    return data[:at] + token + data[at + chance.choice((0, 0, 1, 5)) :]


def _value(chance: random.Random, data: bytes, _seeds: list[bytes]) -> bytes:
    """Another value after some `key:`."""
    keys = [match.end() for match in re.finditer(rb": ", data)]
    if not keys:
        return data
    at = chance.choice(keys)
    end = data.find(b"\n", at)
    token = chance.choice((*TOKENS, *(json.dumps(value) for value in VALUES)))
    return data[:at] + token.encode("utf-8", "surrogatepass") + data[end:]


def _lines(chance: random.Random, data: bytes, _seeds: list[bytes]) -> bytes:
    lines = data.split(b"\n")
    at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    roll = chance.random()
    if roll < 0.3:
        lines[at], lines[other] = lines[other], lines[at]
    elif roll < 0.6:
        lines.insert(at, lines[other])
    else:
        lines[at] = chance.choice((b"", b" ", b"  ", b"\t")) + lines[at].lstrip()
    return b"\n".join(lines)


_CHANGES: Final[tuple[Callable[[random.Random, bytes, list[bytes]], bytes], ...]] = (
    _flip,
    _cut,
    _repeat,
    _splice,
    _token,
    _value,
    _lines,
)


class Oracle:
    """Whether a spec is sound, from the committed JSON Schemas and PyYAML's pure parser alone.

    It says what the documents say, written a second time: nothing of `vtspec.schema` is used.
    """

    def __init__(self) -> None:
        self._validators = {
            kind: _EcmaValidator(json.loads((SCHEMAS / f"{kind.lower()}.schema.json").read_text()))
            for kind in ("Dataset", "Experiment", "Project")
        }

    def is_sound(self, data: bytes) -> bool | None:
        """Whether `data` obeys the YAML rules, its kind's schema and the rules between fields.

        None where it cannot say: PyYAML's pure parser reads tabs otherwise than YAML has it
        (section 6.2 allows them between tokens), and otherwise than libyaml.
        """
        if b"\t" in data:
            return None
        try:
            spec = _strict_tree(data)
        except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
            return False
        kind = spec.get("kind") if isinstance(spec, dict) else None
        if not isinstance(kind, str) or kind not in self._validators:
            return False
        return self._validators[kind].is_valid(spec) and all(rule(spec) for rule in _RULES[kind])


def _ecma_pattern(
    _validator: Any, pattern: str, instance: Any, _schema: Any
) -> Iterator[jsonschema.ValidationError]:
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield jsonschema.ValidationError("does not match")


_EcmaValidator: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {"pattern": _ecma_pattern}
)


def _strict_tree(data: bytes) -> Any:
    if len(data) > 256 * 1024:
        raise ValueError("too long")
    text = data.decode("utf-8").removeprefix("\ufeff")
    _refuse_invisible(text)
    documents = 0
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1 or event.version or event.tags:
                raise ValueError("documents")
        if getattr(event, "anchor", None) is not None or getattr(event, "tag", None) is not None:
            raise ValueError("anchor, alias or tag")
        depth += isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
        depth -= isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
        if depth > 32:
            raise ValueError("depth")
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    return None if node is None else _built(node)


def _refuse_invisible(text: str) -> None:
    for char in text:
        code = ord(char)
        control = (code < 32 and char not in "\t\n\r") or 0x7F <= code < 0xA0
        bidi = 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
        if control or bidi or code in (0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF):
            raise ValueError("invisible")
        if 0xD800 <= code <= 0xDFFF:
            raise ValueError("surrogate")


def _built(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        keys = [_built(key) for key, _ in node.value]
        if any(not isinstance(key, str) for key in keys) or len(set(keys)) < len(keys):
            raise ValueError("keys")
        return dict(zip(keys, (_built(value) for _, value in node.value), strict=True))
    if isinstance(node, yaml.SequenceNode):
        return [_built(item) for item in node.value]
    assert isinstance(node, yaml.ScalarNode)
    if node.style:
        _refuse_invisible(node.value)
        return node.value
    return _core(node.value)


def _core(text: str) -> Any:
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text[0] in "tT"
    for pattern, base in ((r"[-+]?[0-9]+", 10), (r"0o[0-7]+", 8), (r"0x[0-9a-fA-F]+", 16)):
        if re.fullmatch(pattern, text):
            return _bounded(text, partial(int, base=base))
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", text):
        return _bounded(text, float)
    if re.fullmatch(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", text):
        raise ValueError("not finite")
    return text


def _bounded(text: str, number: Callable[[str], float]) -> float:
    if len(text) > 100 or not math.isfinite(value := number(text)):
        raise ValueError("giant")
    return value


def _rate_falls(spec: Any) -> bool:
    training = spec["spec"]["training"]
    lowest = training.get("minLearningRate", 0)
    return bool(lowest == 0 or lowest < training.get("learningRate", 0.001))


def _warm_up_ends(spec: Any) -> bool:
    training = spec["spec"]["training"]
    warmup = training.get("warmupEpochs", 0)
    return bool(warmup == 0 or warmup < training["epochs"])


def _classes_are_weighed(spec: Any) -> bool:
    classes = spec["spec"]["dataset"].get("classes")
    weights = spec["spec"]["training"].get("classWeights")
    return not classes or not isinstance(weights, dict) or set(weights) == set(classes)


def _has_another_baseline(spec: Any) -> bool:
    return bool((spec["spec"].get("report") or {}).get("baseline") != spec["metadata"]["name"])


def _splits_differ(spec: Any) -> bool:
    splits = [split for split in spec["spec"]["splits"].values() if split]
    places = [(PurePosixPath(split["path"]), split.get("annotations")) for split in splits]
    return not any(
        one == other or (one[1] is other[1] is None and one[0].is_relative_to(other[0]))
        for number, one in enumerate(places)
        for other in (*places[:number], *places[number + 1 :])
    )


def _data_has_a_place(spec: Any) -> bool:
    source = spec["spec"]["source"]
    dvc = source.get("dvc") or {}
    place = PurePosixPath(str(source.get("path") or dvc.get("path")))
    reserved = place.parts[:1] in ((".git",), (".dvc",), ())
    return not reserved or bool(dvc.get("repo"))


_MONTHS: Final = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_WEEKDAYS: Final = "sun|mon|tue|wed|thu|fri|sat"


def _gates_are_finite(spec: Any) -> bool:
    gates = (spec["spec"].get("report") or {}).get("gates") or ()
    return all(float(re.split("[<>=]", gate)[-1]) < float("inf") for gate in gates)


_SPANS: Final = ((0, 59, ""), (0, 23, ""), (1, 31, ""), (1, 12, _MONTHS), (0, 6, _WEEKDAYS))


def _schedule_comes(spec: Any) -> bool:
    schedule = spec["spec"].get("schedule")
    if schedule is None:
        return True
    if schedule.get("timeZone", "UTC") not in zoneinfo.available_timezones():
        return False
    found = [
        _values(word, *span) for word, span in zip(schedule["cron"].split(), _SPANS, strict=True)
    ]
    # Without a day of the week, the smallest day has to be in one of the months.
    short = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
    return all(found) and (
        re.search(r"(^|,)[*?](/0*1)?(,|$)", schedule["cron"].split()[4]) is None
        or min(found[2]) <= max(short.get(month, 31) for month in found[3])
    )


def _values(word: str, low: int, high: int, names: str) -> set[int]:
    """What a field of cron means; nothing where any part of it means nothing."""
    one = rf"(\d{{1,4}}{names and '|' + names})"
    found: set[int] = set()
    for part in word.lower().split(","):
        match = re.fullmatch(rf"(?:([*?])|{one}(?:-{one})?)(?:/(\d{{1,4}}))?", part)
        if match is None or (match[4] is not None and not int(match[4])):
            return set()
        ends = [_number(end, low, names) for end in (match[2], match[3]) if end]
        first = ends[0] if ends else low
        last = ends[-1] if len(ends) == 2 or (ends and not match[4]) else high
        if not low <= first <= last <= high:
            return set()
        found |= {*range(first, last + 1, int(match[4] or 1))}
    return found


def _number(word: str, low: int, names: str) -> int:
    return int(word) if word.isdecimal() else low + names.split("|").index(word)


def _folders_are_ours(spec: Any) -> bool:
    folders = spec.get("spec") or {}
    runs = PurePosixPath(folders.get("runs") or "runs")
    specs = PurePosixPath(folders.get("specs") or "specs")
    taken = ((".git",), (".dvc",))
    if "runs" in folders and (runs.parts[:1] in (*taken, ()) or _lies_in(runs, specs)):
        return False
    return "specs" not in folders or specs.parts[:1] not in taken


def _lies_in(path: PurePosixPath, folder: PurePosixPath) -> bool:
    return bool(folder.parts) and path.is_relative_to(folder)


def _queues_are_named(spec: Any) -> bool:
    known = ((spec.get("spec") or {}).get("cluster") or {}).get("semaphores")
    holders = [
        holder
        for section in ("gpuTypes", "teams")
        for holder in ((spec.get("spec") or {}).get(section) or {}).values()
    ]
    return known is None or all(
        holder["queue"] in known for holder in holders if holder.get("queue")
    )


def _teams_are_apart(spec: Any) -> bool:
    teams = ((spec.get("spec") or {}).get("teams") or {}).values()
    people = [person for team in teams for person in team.get("people") or ()]
    folders = [
        folder
        for team in teams
        for folder in {PurePosixPath(one) for one in team.get("specs") or ()}
    ]
    return len(people) == len(set(people)) and len(folders) == len(set(folders))


def _logins_are_apart(spec: Any) -> bool:
    teams = ((spec.get("spec") or {}).get("teams") or {}).values()
    logins = [one.casefold() for team in teams for one in {*(team.get("logins") or ())}]
    return len(logins) == len(set(logins))


def _approvers_are_known(spec: Any) -> bool:
    inner = spec.get("spec") or {}
    teams = inner.get("teams") or {}
    asked = (inner.get("approval") or {}).get("teams") or ()
    return all((teams.get(name) or {}).get("logins") for name in asked)


def _costs_have_prices(spec: Any) -> bool:
    inner = spec.get("spec") or {}
    limits = [team.get("limits") or {} for team in (inner.get("teams") or {}).values()]
    limited = any(one.get("costPerMonth") is not None for one in limits)
    return not limited or (inner.get("prices") or {}).get("cpuPerHour") is not None


def _counts_known_classes(spec: Any) -> bool:
    classes = spec["spec"].get("classes")
    splits = ((spec["spec"].get("statistics") or {}).get("splits") or {}).values()
    counted = {name for split in splits for name in split.get("perClass", {})}
    return not classes or counted <= set(classes)


def _points_are_of_poses(spec: Any) -> bool:
    return not spec["spec"].get("keypoints") or "pose-estimation" in spec["spec"]["tasks"]


_RULES: Final[dict[str, tuple[Callable[[Any], bool], ...]]] = {
    "Experiment": (
        _rate_falls,
        _warm_up_ends,
        _classes_are_weighed,
        _has_another_baseline,
        _gates_are_finite,
        _schedule_comes,
    ),
    "Dataset": (_splits_differ, _counts_known_classes, _data_has_a_place, _points_are_of_poses),
    "Project": (
        _folders_are_ours,
        _queues_are_named,
        _teams_are_apart,
        _logins_are_apart,
        _approvers_are_known,
        _costs_have_prices,
    ),
}
