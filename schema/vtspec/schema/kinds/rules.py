"""What fields of one file say together: rules that no single type can hold.

A rule reads plain data, as it was written, and says nothing where a part that it needs is absent
or of the wrong type; so it is decided also in a file that has other faults. All are pure.
"""

import math
import posixpath
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from .patterns import CRON, DURATION, GATE, TIME_ZONE, TOO_LONG, parse_duration
from .tasks import CLASSLESS_TASKS, FORMAT_NEEDS, FORMATS_OF_TASK

if TYPE_CHECKING:
    from .field_types import Part

LEARNING_RATE: Final = 1e-3
"""The learning rate where a spec does not say one."""

SEED: Final = 42
"""The seed where a spec does not say one."""

MAX_SEED: Final = 2**32 - 1

# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_SHORTEST_ROLE: Final = "15m"
_LONGEST_ROLE: Final = "12h"

_UNDRAWN: Final = re.compile("[\u200c\u200d\ufe00-\ufe0f]")
"""What of the characters that a spec may hold is drawn as nothing: joiners, variants."""

DECIDED: Final = object()
"""The validation context of a caller that applies the rules itself."""


@dataclass(frozen=True, kw_only=True)
class RuleViolation:
    """One rule that does not hold: where, why, and what to type. `at_key` marks the key."""

    path: tuple[str | int, ...]
    message: str
    fix: str
    at_key: bool = False


Rule = Callable[[Mapping[str, object]], Iterator[RuleViolation]]


def iter_violations(kind: str, data: object) -> Iterator[RuleViolation]:
    """Every rule of the kind that does not hold in `data`, a spec as plain data."""
    if isinstance(data, dict):
        for rule in RULES[kind]:
            yield from rule(data)


def suggest_line(line: str, keys: object) -> str:
    """The text of a fix that has a line `key: value` in a mapping of these keys, which may hold a
    key once."""
    key = line.partition(":")[0]
    is_there = isinstance(keys, Collection) and key in keys
    return f"replace '{key}' by '{line}'" if is_there else f"add '{line}'"


_Model = TypeVar("_Model", bound="Part")


def check_model(model: _Model, context: object) -> _Model:
    """`model` itself, for a validator; raises pydantic's custom error for the first broken rule.

    Costs nothing where the context says that the rules are decided elsewhere.
    """
    if context is DECIDED:
        return model
    # Dumped, so that one rule judges both ways to a spec: a file, and a model made in Python.
    data = model.model_dump(mode="json", by_alias=True)
    for broken in iter_violations(type(model).__name__, data):
        from vtspec.schema.yaml_source.document import format_path

        from .field_types import make_rule_error

        raise make_rule_error(f"{format_path(broken.path)} {broken.message}", broken.fix)
    return model


def _get_value(data: object, *path: str) -> object:
    for key in path:
        if not isinstance(data, dict):
            return None
        data = data.get(key)
    return data


def _get_number(value: object, otherwise: float) -> float | None:
    """The number, the default where nothing is written, None where something else is."""
    if value is None:
        return otherwise
    # To Python true is the number 1.
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _get_texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _check_one_start(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    model = _get_value(data, "spec", "model")
    if _get_value(model, "pretrained") is True and isinstance(_get_value(model, "weights"), str):
        yield RuleViolation(
            path=("spec", "model", "weights"),
            message="cannot stand together with 'pretrained: true'",
            fix="remove 'pretrained' or 'weights'",
        )


def _check_gpu_type(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    resources = _get_value(data, "spec", "resources")
    if (
        isinstance(_get_value(resources, "gpuType"), str)
        and _get_number(_get_value(resources, "gpus"), 0) == 0
    ):
        yield RuleViolation(
            path=("spec", "resources", "gpuType"),
            message="needs 'gpus' of at least 1",
            fix="set gpus to 1 or more, or remove gpuType",
        )


def _check_min_rate(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    training = _get_value(data, "spec", "training")
    lowest = _get_number(_get_value(training, "minLearningRate"), 0.0)
    rate = _get_number(_get_value(training, "learningRate"), LEARNING_RATE)
    # A rate that is out of its own range is told by its type, and cannot be compared with.
    if lowest is None or rate is None or lowest <= 0 or rate <= 0 or lowest < rate:
        return
    yield RuleViolation(
        path=("spec", "training", "minLearningRate"),
        message=f"must be less than learningRate ({rate:g}), got {lowest:g}",
        fix=f"set minLearningRate to less than {rate:g}, such as {rate / 100:g}",
    )


def _check_warmup(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    training = _get_value(data, "spec", "training")
    warmup = _get_number(_get_value(training, "warmupEpochs"), 0.0)
    # Without epochs that is what is said; a warm-up can be judged only against them.
    epochs = _get_number(_get_value(training, "epochs"), float("inf"))
    if warmup is None or epochs is None or warmup <= 0 or epochs < 1 or warmup < epochs:
        return
    yield RuleViolation(
        path=("spec", "training", "warmupEpochs"),
        message=f"must be less than epochs ({epochs:g}), got {warmup:g}",
        fix=f"set warmupEpochs to less than {epochs:g}, or train longer",
    )


def _check_weighted_classes(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    classes = _get_texts(_get_value(data, "spec", "dataset", "classes"))
    weights = _get_value(data, "spec", "training", "classWeights")
    if not classes or not isinstance(weights, dict):
        return
    yield from check_class_weights(weights, classes, "spec.dataset.classes")


def check_class_weights(
    weights: Mapping[str, object], classes: list[str], source: str
) -> Iterator[RuleViolation]:
    """Class weights that name no class of `classes`, and classes without a weight."""
    from vtspec.schema.suggestions import suggest_fix

    path = ("spec", "training", "classWeights")
    # A dataset may have a thousand classes, and a list would be searched for each weight.
    known = frozenset(classes)
    for name in weights:
        if name not in known:
            yield RuleViolation(
                path=(*path, name),
                message=f"'{name}' is no class of {source}",
                fix=suggest_fix(name, classes),
                at_key=True,
            )
    missing = [name for name in classes if name not in weights]
    if missing:
        # Both ways are told: a renamed class is one weight too many and one too few.
        shown = ", ".join(f"'{name}'" for name in missing[:5])
        yield RuleViolation(
            path=path,
            message=f"lacks {shown}" + (f" and {len(missing) - 5} more" * (len(missing) > 5)),
            fix=f"add '{missing[0]}: 1.0', or write 'balanced'",
            at_key=True,
        )


def _check_classless_task(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    task = _get_value(data, "spec", "task")
    if not isinstance(task, str) or task not in CLASSLESS_TASKS:
        return
    for path in (("dataset", "classes"), ("training", "classWeights")):
        if _get_value(data, "spec", *path) is not None:
            yield RuleViolation(
                path=("spec", *path),
                message=f"means nothing to the task {task}, whose labels are no classes",
                fix=f"remove {path[-1]}",
                at_key=True,
            )


def _check_baseline(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    name = _get_value(data, "metadata", "name")
    if isinstance(name, str) and _get_value(data, "spec", "report", "baseline") == name:
        yield RuleViolation(
            path=("spec", "report", "baseline"),
            message="an experiment cannot be its own baseline",
            fix="name another experiment, or remove baseline",
        )


def _check_seeds(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    seeds = _get_number(_get_value(data, "spec", "report", "seeds"), 1)
    first = _get_number(_get_value(data, "spec", "training", "seed"), SEED)
    # A seed that is out of its own range is told by its type.
    if seeds is None or first is None or seeds < 2 or first > MAX_SEED:
        return
    if first + seeds - 1 > MAX_SEED:
        yield RuleViolation(
            path=("spec", "report", "seeds"),
            message=f"{seeds:g} seeds from {first:.0f} on go beyond the largest, {MAX_SEED}",
            fix=f"set training.seed to {MAX_SEED + 1 - seeds:.0f} or less",
        )


def _check_schedule(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    schedule = _get_value(data, "spec", "schedule")
    cron, zone = _get_value(schedule, "cron"), _get_value(schedule, "timeZone")
    path = ("spec", "schedule")
    if isinstance(cron, str) and re.fullmatch(CRON.pattern, cron):
        from .cron import CronError, parse_cron

        try:
            parse_cron(cron)
        except CronError as error:
            message = f"is no schedule: {error.message}, got '{cron}'"
            yield RuleViolation(path=(*path, "cron"), message=message, fix=error.fix)
    if isinstance(zone, str) and re.fullmatch(TIME_ZONE.pattern, zone) and zone != "UTC":
        yield from _check_zone((*path, "timeZone"), zone)


def _check_zone(path: tuple[str, ...], zone: str) -> Iterator[RuleViolation]:
    from vtspec.schema.suggestions import suggest_fix

    from .time_zones import list_zones

    zones = list_zones()
    if not zones:
        yield RuleViolation(
            path=path,
            message=f"cannot be checked: this machine has no list of time zones, got '{zone}'",
            fix="install the list (apt install tzdata, or pip install tzdata), or write UTC",
        )
    elif zone not in zones:
        fix = suggest_fix(zone, zones, "write one of the IANA database, such as Asia/Seoul")
        yield RuleViolation(path=path, message=f"there is no time zone '{zone}'", fix=fix)


def _check_one_source(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    source = _get_value(data, "spec", "source")
    if not isinstance(source, dict):
        return
    given = [key for key in ("dvc", "path") if source.get(key) is not None]
    # Said at `source` and not at one of the two: which of them is meant, nobody knows.
    if len(given) == 1:
        return
    yield RuleViolation(
        path=("spec", "source"),
        message="must hold exactly one of 'dvc' and 'path'",
        fix="remove one of the two" if given else suggest_line("dvc: {path: data/NAME}", source),
        at_key=True,
    )


# A plain path has no DVC file beside it that could pin its content, and a plan's id stands on the
# hash: without one the same id would name other data tomorrow.
def _check_path_pinned(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    if (
        _get_value(data, "spec", "source", "path") is None
        or _get_value(data, "spec", "contentHash") is not None
    ):
        return
    yield RuleViolation(
        path=("spec", "source", "path"),
        message="a plain path needs spec.contentHash",
        fix=f"{suggest_line('contentHash: md5:…', _get_value(data, 'spec'))}, which 'vtspec "
        "datasets inspect PATH' prints",
        at_key=True,
    )


def _check_revision(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    dvc = _get_value(data, "spec", "source", "dvc")
    repo, rev = _get_value(dvc, "repo"), _get_value(dvc, "rev")
    if repo is not None and rev is None:
        yield RuleViolation(
            path=("spec", "source", "dvc", "repo"),
            message="needs 'rev', or the data could change unseen",
            fix=f"{suggest_line('rev: …', dvc)}, a commit or tag",
            at_key=True,
        )
    # In one's own repository the spec's commit decides which DVC file counts; a second revision
    # beside it could only disagree.
    if rev is not None and repo is None:
        yield RuleViolation(
            path=("spec", "source", "dvc", "rev"),
            message="means something only with 'repo'",
            fix="remove rev; this repository's own commit decides",
            at_key=True,
        )


def _check_class_names(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    tasks = [
        task for task in _get_texts(_get_value(data, "spec", "tasks")) if task in FORMATS_OF_TASK
    ]
    # An unknown task is told by its type; what it needs cannot be said.
    of_classes = [task for task in tasks if task not in CLASSLESS_TASKS]
    if of_classes and _get_value(data, "spec", "classes") in (None, []):
        yield RuleViolation(
            path=("spec", "classes"),
            message=f"is empty, but {of_classes[0]} needs class names",
            fix=f"{suggest_line('classes: [cat, dog]', _get_value(data, 'spec'))}, in index order",
            at_key=True,
        )


def _check_keypoint_names(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    names, tasks = (_get_texts(_get_value(data, "spec", key)) for key in ("keypoints", "tasks"))
    # An unknown task may be a misspelt one.
    if names and "pose-estimation" not in tasks and set(tasks) <= set(FORMATS_OF_TASK):
        yield RuleViolation(
            path=("spec", "keypoints"),
            message="means something only with the task pose-estimation",
            fix="add pose-estimation to tasks, or remove keypoints",
            at_key=True,
        )


def _check_format_tasks(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    form = _get_value(data, "spec", "format")
    tasks = _get_value(data, "spec", "tasks")
    # A format that is misspelt is one mistake, not one more for every task.
    if form not in _ALL_FORMATS or not isinstance(tasks, list):
        return
    for index, task in enumerate(tasks):
        formats = FORMATS_OF_TASK.get(task) if isinstance(task, str) else None
        if formats and form not in formats:
            yield RuleViolation(
                path=("spec", "tasks", index),
                message=f"the format {form} cannot carry labels of {task}",
                fix=f"remove the task, or convert the data to {' or '.join(formats)}",
            )


def _check_split_labels(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    form = _get_value(data, "spec", "format")
    needed = FORMAT_NEEDS.get(form) if isinstance(form, str) else None
    for name in ("train", "val", "test"):
        split = _get_value(data, "spec", "splits", name)
        if needed and isinstance(split, dict) and split.get(needed) is None:
            yield RuleViolation(
                path=("spec", "splits", name),
                message=f"needs '{needed}' in the format {form}",
                fix=f"{suggest_line(f'{needed}: …', split)}, its path from the dataset's root",
                at_key=True,
            )


def _check_splits_differ(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    seen: dict[str, tuple[str, str | None]] = {}
    for name in ("train", "val", "test"):
        split = _get_value(data, "spec", "splits", name)
        path, labels = _get_value(split, "path"), _get_value(split, "annotations")
        if not isinstance(path, str):
            continue
        place = (_normalize(path), _normalize(labels) if isinstance(labels, str) else None)
        relation = next(
            (words for other in seen if (words := _relate_splits(place, other, seen[other]))), None
        )
        seen[name] = place
        if relation is not None:
            yield RuleViolation(
                path=("spec", "splits", name),
                message=relation,
                fix="name another folder or label file",
                at_key=True,
            )


def _relate_splits(
    place: tuple[str, str | None], other: str, taken: tuple[str, str | None]
) -> str | None:
    """What a split has in common with another one, by folder and label file; None for nothing."""
    if place == taken:
        return f"is the same data as '{other}', so nothing is measured on it"
    # Splits of COCO share one folder of images and differ by their label files.
    if place[1] is not None or taken[1] is not None:
        return None
    if _is_inside(place[0], taken[0]):
        return f"lies inside '{other}' ({taken[0]}), whose data it then is"
    if _is_inside(taken[0], place[0]):
        return f"holds '{other}' ({taken[0]}), whose data it then is"
    return None


def _normalize(path: str) -> str:
    # `./a`, `a/.` and `a//b` name what `a` and `a/b` do.
    return posixpath.normpath(path)


def _is_inside(path: str, folder: str) -> bool:
    return folder == "." or path == folder or path.startswith(f"{folder}/")


def _check_source_place(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    source = _get_value(data, "spec", "source")
    for path in (("dvc", "path"), ("path",)):
        value = _get_value(source, *path)
        # What another repository has at its root is its own affair.
        if isinstance(value, str) and _get_value(source, "dvc", "repo") is None:
            yield from _check_place(("spec", "source", *path), value, "data/NAME")


def find_runs_fault(runs: str, specs: str) -> str | None:
    """Why the runs cannot lie in a folder, both as paths below the repository's root; or None."""
    told = _describe_place(runs)
    folder = _normalize(specs)
    if told is None and folder != "." and _is_inside(_normalize(runs), folder):
        return f"lies in the folder of the specs, {folder}"
    return told


def _check_folders(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    specs, runs = _get_value(data, "spec", "specs"), _get_value(data, "spec", "runs")
    if isinstance(runs, str):
        told = find_runs_fault(runs, specs if isinstance(specs, str) else "specs")
        if told is not None:
            fix = "take a folder of its own: 'runs: runs'"
            yield RuleViolation(path=("spec", "runs"), message=told, fix=fix)
    if isinstance(specs, str) and _normalize(specs) != ".":
        yield from _check_place(("spec", "specs"), specs, "specs")


def _check_queues(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    sizes = _get_value(data, "spec", "cluster", "semaphores")
    if not isinstance(sizes, dict):
        return
    for section in ("gpuTypes", "teams"):
        named = _get_value(data, "spec", section)
        for name, holder in named.items() if isinstance(named, dict) else ():
            queue = _get_value(holder, "queue")
            if isinstance(queue, str) and queue not in sizes:
                yield RuleViolation(
                    path=("spec", section, name, "queue"),
                    message=f"'{queue}' is no queue of spec.cluster.semaphores",
                    fix=f"say how many of its pods may run at once: 'semaphores: {{{queue}: 1}}'",
                )


def _check_runs_role(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    cluster = _get_value(data, "spec", "cluster")
    role = _get_value(cluster, "runsRole")
    if not isinstance(role, dict):
        return
    if isinstance(_get_value(cluster, "runsSecret"), str):
        yield RuleViolation(
            path=("spec", "cluster", "runsSecret"),
            message="is there beside runsRole, and a run's pods are given one of the two",
            fix="leave runsSecret out: by runsRole each run has a Secret of its own",
            at_key=True,
        )
    duration = role.get("duration")
    if not isinstance(duration, str) or not re.fullmatch(DURATION.pattern, duration):
        return
    if re.search(TOO_LONG, duration):  # Which its field tells.
        return
    seconds = parse_duration(duration)
    for is_beyond, words, bound in (
        (seconds < parse_duration(_SHORTEST_ROLE), "less than the shortest", _SHORTEST_ROLE),
        (seconds > parse_duration(_LONGEST_ROLE), "more than the longest", _LONGEST_ROLE),
    ):
        if is_beyond:
            yield RuleViolation(
                path=("spec", "cluster", "runsRole", "duration"),
                message=f"'{duration}' is {words} that token services give, {bound}",
                fix=f"write 'duration: {bound}'",
            )


def _check_teams_differ(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    teams = _get_value(data, "spec", "teams")
    for field in ("people", "specs"):
        owners: dict[str, object] = {}
        for name, team in teams.items() if isinstance(teams, dict) else ():
            for index, member in enumerate(_get_texts(_get_value(team, field))):
                key = _normalize(member) if field == "specs" else member.casefold()
                if owners.setdefault(key, name) != name:
                    yield RuleViolation(
                        path=("spec", "teams", name, field, index),
                        message=f"'{member}' is in team {owners[key]} already",
                        fix="leave it in one of the two",
                    )


def _check_logins_differ(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    teams = _get_value(data, "spec", "teams")
    owners: dict[str, str] = {}
    for name, team in teams.items() if isinstance(teams, dict) else ():
        for index, login in enumerate(_get_texts(_get_value(team, "logins"))):
            # Forges know no case in them: Jin and jin are one account.
            if (owner := owners.setdefault(login.casefold(), name)) != name:
                yield RuleViolation(
                    path=("spec", "teams", name, "logins", index),
                    message=f"'{login}' is in team {owner} already",
                    fix="leave it in one of the two",
                )


def _check_approval(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    teams = _get_value(data, "spec", "teams")
    known = teams if isinstance(teams, dict) else {}
    for index, name in enumerate(_get_texts(_get_value(data, "spec", "approval", "teams"))):
        where = ("spec", "approval", "teams", index)
        if name not in known:
            yield RuleViolation(
                path=where,
                message=f"'{name}' is no team of spec.teams",
                fix=f"say who is in it: 'teams: {{{name}: {{logins: [LOGIN]}}}}'",
            )
        elif not _get_texts(_get_value(known[name], "logins")):
            yield RuleViolation(
                path=where,
                message=f"'{name}' has no logins, by which a forge knows its members",
                fix=f"add them: 'teams: {{{name}: {{logins: [LOGIN]}}}}'",
            )


def _check_cost_limits(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    teams = _get_value(data, "spec", "teams")
    if _get_value(data, "spec", "prices", "cpuPerHour") is not None:
        return
    for name, team in teams.items() if isinstance(teams, dict) else ():
        if _get_value(team, "limits", "costPerMonth") is not None:
            yield RuleViolation(
                path=("spec", "teams", name, "limits", "costPerMonth"),
                message="needs prices.cpuPerHour: without it no run has a cost",
                fix="add it, such as 'prices: {cpuPerHour: 0.04}'",
            )


def _check_place(where: tuple[str | int, ...], path: str, instead: str) -> Iterator[RuleViolation]:
    what = _describe_place(path)
    if what is not None:
        fix = f"take a folder of its own: '{where[-1]}: {instead}'"
        yield RuleViolation(path=where, message=what, fix=fix)


def _describe_place(path: str) -> str | None:
    """Why a path below a repository's root is no place for anything of ours; None where it is."""
    folder = _normalize(path)
    # From `/` on, it may be the repository of anybody that they lie in.
    places = folder.split("/") if folder.startswith("/") else [folder.partition("/")[0]]
    reserved = next((name for name in (".git", ".dvc") if name in places), None)
    if reserved is not None:
        return f"lies in {reserved}, which is not ours"
    if folder not in (".", "/", "//"):
        return None
    return f"is the whole {'machine' if folder.startswith('/') else 'repository'}"


_GATE: Final = re.compile(GATE.pattern)


def _check_gates(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    for index, gate in enumerate(_get_texts(_get_value(data, "spec", "report", "gates"))):
        bound = re.split("[<>=]", gate)[-1]
        # A pattern cannot say how large a number is.
        if _GATE.fullmatch(gate) and not math.isfinite(float(bound)):
            yield RuleViolation(
                path=("spec", "report", "gates", index),
                message=f"its bound is too large for a number, got '{gate}'",
                fix="write a bound that the metric can reach, such as 0.95",
            )


def _check_classes_look_different(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    seen: dict[str, str] = {}
    for index, name in enumerate(_get_texts(_get_value(data, "spec", "classes"))):
        shown = unicodedata.normalize("NFC", _UNDRAWN.sub("", name))
        other = seen.setdefault(shown, name)
        # The very same name is told as such.
        if other != name:
            codes = " ".join(f"U+{ord(one):04X}" for one in name[:20])
            yield RuleViolation(
                path=("spec", "classes", index),
                message=f"looks the same as another class, and is another name ({codes})",
                fix="rename one of the two, in the data too",
            )


def _check_counted_classes(data: Mapping[str, object]) -> Iterator[RuleViolation]:
    classes = frozenset(_get_texts(_get_value(data, "spec", "classes")))
    splits = _get_value(data, "spec", "statistics", "splits")
    if not classes or not isinstance(splits, dict):
        return
    # Counts are pasted from `inspect`; after a class was renamed they would give wrong estimates.
    for name, split in splits.items():
        counts = _get_value(split, "perClass")
        for counted in counts if isinstance(counts, dict) else ():
            if counted not in classes:
                yield RuleViolation(
                    path=("spec", "statistics", "splits", name, "perClass", counted),
                    message=f"'{counted}' is no class of spec.classes",
                    fix="run 'vtspec datasets inspect' and take its counts",
                    at_key=True,
                )


_ALL_FORMATS: Final = tuple({form for formats in FORMATS_OF_TASK.values() for form in formats})

RULES: Final[dict[str, tuple[Rule, ...]]] = {
    "Dataset": (
        _check_one_source,
        _check_source_place,
        _check_path_pinned,
        _check_revision,
        _check_class_names,
        _check_keypoint_names,
        _check_format_tasks,
        _check_split_labels,
        _check_splits_differ,
        _check_classes_look_different,
        _check_counted_classes,
    ),
    "Experiment": (
        _check_one_start,
        _check_gpu_type,
        _check_min_rate,
        _check_warmup,
        _check_weighted_classes,
        _check_classless_task,
        _check_baseline,
        _check_schedule,
        _check_gates,
        _check_seeds,
    ),
    "Project": (
        _check_folders,
        _check_queues,
        _check_runs_role,
        _check_teams_differ,
        _check_logins_differ,
        _check_approval,
        _check_cost_limits,
    ),
}
"""The rules of each kind, in the order of the fields."""
