"""What fields of one file say together: rules that no single type can hold.

A rule reads plain data, as it was written, and says nothing where a part that it needs is absent
or of the wrong type; so it is decided also in a file that has other faults. All are pure.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .tasks import CLASSLESS_TASKS, FORMAT_NEEDS, FORMATS_OF_TASK

if TYPE_CHECKING:
    from .field_types import Part

LEARNING_RATE: Final = 1e-3
"""The learning rate where a spec does not say one."""

DECIDED: Final = object()
"""The validation context of a caller that applies the rules itself."""


@dataclass(frozen=True, kw_only=True)
class Broken:
    """One rule that does not hold: where, why, and what to type. `at_key` marks the key."""

    path: tuple[str | int, ...]
    message: str
    fix: str
    at_key: bool = False


Rule = Callable[[Mapping[str, Any]], Iterator[Broken]]


def broken_rules(kind: str, data: Any) -> Iterator[Broken]:
    """Every rule of the kind that does not hold in `data`, a spec as plain data."""
    if isinstance(data, dict):
        for rule in RULES[kind]:
            yield from rule(data)


_Model = TypeVar("_Model", bound="Part")


def check_model(model: _Model, context: object) -> _Model:
    """`model` itself, for a validator; raises pydantic's custom error for the first broken rule.

    Costs nothing where the context says that the rules are decided elsewhere.
    """
    if context is DECIDED:
        return model
    data = model.model_dump(mode="json", by_alias=True)
    for broken in broken_rules(type(model).__name__, data):
        from vtspec.schema.yaml_source.document import dotted

        from .field_types import refusal

        raise refusal(f"{dotted(broken.path)} {broken.message}", broken.fix)
    return model


def _at(data: Any, *path: str) -> Any:
    for key in path:
        if not isinstance(data, dict):
            return None
        data = data.get(key)
    return data


def _number(value: Any, otherwise: float) -> float | None:
    """The number, the default where nothing is written, None where something else is."""
    if value is None:
        return otherwise
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _one_start(data: Mapping[str, Any]) -> Iterator[Broken]:
    model = _at(data, "spec", "model")
    if _at(model, "pretrained") is True and isinstance(_at(model, "weights"), str):
        yield Broken(
            path=("spec", "model", "weights"),
            message="cannot stand together with 'pretrained: true'",
            fix="remove 'pretrained' or 'weights'",
        )


def _gpu_type_has_gpus(data: Mapping[str, Any]) -> Iterator[Broken]:
    resources = _at(data, "spec", "resources")
    if isinstance(_at(resources, "gpuType"), str) and _number(_at(resources, "gpus"), 0) == 0:
        yield Broken(
            path=("spec", "resources", "gpuType"),
            message="needs 'gpus' of at least 1",
            fix="set gpus to 1 or more, or remove gpuType",
        )


def _rate_falls(data: Mapping[str, Any]) -> Iterator[Broken]:
    training = _at(data, "spec", "training")
    lowest = _number(_at(training, "minLearningRate"), 0.0)
    rate = _number(_at(training, "learningRate"), LEARNING_RATE)
    # A rate that is out of its own range is told by its type, and cannot be compared with.
    if lowest is None or rate is None or lowest <= 0 or rate <= 0 or lowest < rate:
        return
    yield Broken(
        path=("spec", "training", "minLearningRate"),
        message=f"must be less than learningRate ({rate:g}), got {lowest:g}",
        fix=f"set minLearningRate to less than {rate:g}, such as {rate / 100:g}",
    )


def _warm_up_ends(data: Mapping[str, Any]) -> Iterator[Broken]:
    training = _at(data, "spec", "training")
    warmup = _number(_at(training, "warmupEpochs"), 0.0)
    epochs = _number(_at(training, "epochs"), float("inf"))
    if warmup is None or epochs is None or warmup <= 0 or epochs < 1 or warmup < epochs:
        return
    yield Broken(
        path=("spec", "training", "warmupEpochs"),
        message=f"must be less than epochs ({epochs:g}), got {warmup:g}",
        fix=f"set warmupEpochs to less than {epochs:g}, or train longer",
    )


def _every_class_is_weighed(data: Mapping[str, Any]) -> Iterator[Broken]:
    classes = _texts(_at(data, "spec", "dataset", "classes"))
    weights = _at(data, "spec", "training", "classWeights")
    if not classes or not isinstance(weights, dict):
        return
    yield from weights_of_classes(weights, classes, "spec.dataset.classes")


def weights_of_classes(
    weights: Mapping[str, Any], classes: list[str], source: str
) -> Iterator[Broken]:
    """Class weights that name no class of `classes`, and classes without a weight."""
    from vtspec.schema.suggestions import did_you_mean

    path = ("spec", "training", "classWeights")
    known = frozenset(classes)
    for name in weights:
        if name not in known:
            yield Broken(
                path=(*path, name),
                message=f"'{name}' is no class of {source}",
                fix=did_you_mean(name, classes),
                at_key=True,
            )
    missing = [name for name in classes if name not in weights]
    if missing:
        shown = ", ".join(f"'{name}'" for name in missing[:5])
        yield Broken(
            path=path,
            message=f"lacks {shown}" + (f" and {len(missing) - 5} more" * (len(missing) > 5)),
            fix=f"add '{missing[0]}: 1.0', or write 'balanced'",
            at_key=True,
        )


def _classes_fit_task(data: Mapping[str, Any]) -> Iterator[Broken]:
    task = _at(data, "spec", "task")
    if not isinstance(task, str) or task not in CLASSLESS_TASKS:
        return
    for path in (("dataset", "classes"), ("training", "classWeights")):
        if _at(data, "spec", *path) is not None:
            yield Broken(
                path=("spec", *path),
                message=f"means nothing to the task {task}, whose labels are no classes",
                fix=f"remove {path[-1]}",
                at_key=True,
            )


def _own_baseline(data: Mapping[str, Any]) -> Iterator[Broken]:
    name = _at(data, "metadata", "name")
    if isinstance(name, str) and _at(data, "spec", "report", "baseline") == name:
        yield Broken(
            path=("spec", "report", "baseline"),
            message="an experiment cannot be its own baseline",
            fix="name another experiment, or remove baseline",
        )


def _one_source(data: Mapping[str, Any]) -> Iterator[Broken]:
    source = _at(data, "spec", "source")
    if not isinstance(source, dict):
        return
    given = [key for key in ("dvc", "path") if source.get(key) is not None]
    if len(given) == 1:
        return
    yield Broken(
        path=("spec", "source"),
        message="must hold exactly one of 'dvc' and 'path'",
        fix="remove one of the two" if given else "add 'dvc: {path: data/NAME}'",
        at_key=True,
    )


def _plain_path_is_pinned(data: Mapping[str, Any]) -> Iterator[Broken]:
    if _at(data, "spec", "source", "path") is None or _at(data, "spec", "contentHash") is not None:
        return
    yield Broken(
        path=("spec", "source", "path"),
        message="a plain path needs spec.contentHash",
        fix="add contentHash; 'vtspec datasets inspect PATH' prints it",
        at_key=True,
    )


def _revision_has_repository(data: Mapping[str, Any]) -> Iterator[Broken]:
    dvc = _at(data, "spec", "source", "dvc")
    repo, rev = _at(dvc, "repo"), _at(dvc, "rev")
    if repo is not None and rev is None:
        yield Broken(
            path=("spec", "source", "dvc", "repo"),
            message="needs 'rev', or the data could change unseen",
            fix="add 'rev:' with a commit or tag",
            at_key=True,
        )
    if rev is not None and repo is None:
        yield Broken(
            path=("spec", "source", "dvc", "rev"),
            message="means something only with 'repo'",
            fix="remove rev; this repository's own commit decides",
            at_key=True,
        )


def _classes_are_named(data: Mapping[str, Any]) -> Iterator[Broken]:
    tasks = [task for task in _texts(_at(data, "spec", "tasks")) if task in FORMATS_OF_TASK]
    of_classes = [task for task in tasks if task not in CLASSLESS_TASKS]
    if of_classes and _at(data, "spec", "classes") in (None, []):
        yield Broken(
            path=("spec", "classes"),
            message=f"is empty, but {of_classes[0]} needs class names",
            fix="add 'classes: [cat, dog]', in index order",
            at_key=True,
        )


def _format_carries_tasks(data: Mapping[str, Any]) -> Iterator[Broken]:
    form = _at(data, "spec", "format")
    tasks = _at(data, "spec", "tasks")
    if form not in _ALL_FORMATS or not isinstance(tasks, list):
        return
    for index, task in enumerate(tasks):
        formats = FORMATS_OF_TASK.get(task) if isinstance(task, str) else None
        if formats and form not in formats:
            yield Broken(
                path=("spec", "tasks", index),
                message=f"the format {form} cannot carry labels of {task}",
                fix=f"remove the task, or convert the data to {' or '.join(formats)}",
            )


def _splits_have_labels(data: Mapping[str, Any]) -> Iterator[Broken]:
    form = _at(data, "spec", "format")
    needed = FORMAT_NEEDS.get(form) if isinstance(form, str) else None
    for name in ("train", "val", "test"):
        split = _at(data, "spec", "splits", name)
        if needed and isinstance(split, dict) and split.get(needed) is None:
            yield Broken(
                path=("spec", "splits", name),
                message=f"needs '{needed}' in the format {form}",
                fix=f"add '{needed}:' with its path from the dataset's root",
                at_key=True,
            )


def _splits_differ(data: Mapping[str, Any]) -> Iterator[Broken]:
    seen: dict[tuple[str, str], str] = {}
    for name in ("train", "val", "test"):
        split = _at(data, "spec", "splits", name)
        path = _at(split, "path")
        if not isinstance(path, str):
            continue
        key = (path.rstrip("/"), str(_at(split, "annotations")))
        if seen.setdefault(key, name) != name:
            yield Broken(
                path=("spec", "splits", name),
                message=f"is the same data as '{seen[key]}', so nothing is measured on it",
                fix="name another folder or label file",
                at_key=True,
            )


def _counted_classes_exist(data: Mapping[str, Any]) -> Iterator[Broken]:
    classes = frozenset(_texts(_at(data, "spec", "classes")))
    splits = _at(data, "spec", "statistics", "splits")
    if not classes or not isinstance(splits, dict):
        return
    for name, split in splits.items():
        counts = _at(split, "perClass")
        for counted in counts if isinstance(counts, dict) else ():
            if counted not in classes:
                yield Broken(
                    path=("spec", "statistics", "splits", name, "perClass", counted),
                    message=f"'{counted}' is no class of spec.classes",
                    fix="run 'vtspec datasets inspect' and take its counts",
                    at_key=True,
                )


_ALL_FORMATS: Final = tuple({form for formats in FORMATS_OF_TASK.values() for form in formats})

RULES: Final[dict[str, tuple[Rule, ...]]] = {
    "Dataset": (
        _one_source,
        _plain_path_is_pinned,
        _revision_has_repository,
        _classes_are_named,
        _format_carries_tasks,
        _splits_have_labels,
        _splits_differ,
        _counted_classes_exist,
    ),
    "Experiment": (
        _one_start,
        _gpu_type_has_gpus,
        _rate_falls,
        _warm_up_ends,
        _every_class_is_weighed,
        _classes_fit_task,
        _own_baseline,
    ),
    "Project": (),
}
"""The rules of each kind, in the order of the fields."""
