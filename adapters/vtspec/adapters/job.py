"""A plan (`docs/plan.md`) into the `Job` that an adapter is given."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from vtspec.adapters.json_types import JsonObject

from .contract import (
    AdapterError,
    DatasetJob,
    EarlyStopping,
    Ema,
    Job,
    ModelJob,
    Param,
    SettingConflict,
    Split,
    TaskType,
    TrainingJob,
)
from .suggestions import suggest_fix

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "str": (str,),
}

_NOT_IN_PLAN: Final = frozenset({"monitor", "keep_every"})
"""Fields of `TrainingJob` that a plan holds under `checkpoint`."""


def build_job(  # noqa: PLR0913 - by keyword, each a field of Job
    plan: JsonObject,
    *,
    run: str,
    attempt: int,
    data_root: Path,
    workdir: Path,
    weights: Path | None = None,
    smoke: bool = False,
    seconds_left: float | None = None,
) -> Job:
    """The job that a plan describes; `smoke` makes it one epoch, of one batch a step.

    Raises:
        AdapterError: the plan lacks something, or says something that this version of the
            adapters does not know and would have to ignore.
    """
    try:
        return Job(
            run=run,
            attempt=attempt,
            task=_parse_task(plan["task"]),
            model=_build_model(plan["model"], weights),
            dataset=_build_dataset(plan["dataset"], data_root),
            training=_build_training(plan["training"], smoke),
            params=dict(plan["params"]),
            export_formats=tuple(plan["export"]["formats"]),
            gpus=plan["resources"]["gpus"],
            cpus=plan["resources"]["cpus"],
            workdir=workdir,
            smoke=smoke,
            seconds_left=seconds_left,
        )
    # A missing field is no default: the plan decides everything, and an image must not guess.
    except KeyError as missing:
        raise AdapterError(
            f"the plan has no {missing}", "make it anew with `vtspec plan SPEC --output json`"
        ) from missing


def resolve_params(given: JsonObject, declared: Mapping[str, Param], task: TaskType) -> JsonObject:
    """Every parameter that an adapter declares for a task: as given, else its default.

    Raises:
        AdapterError: one that is not declared, of another type, or out of its range.
    """
    known = {name: param for name, param in declared.items() if _applies(param, task)}
    for name, value in given.items():
        if name not in known:
            raise AdapterError(
                f"params.{name}: there is no such parameter", _suggest_choice(name, tuple(known))
            )
        _check(f"params.{name}", value, known[name])
    return {name: given.get(name, param.default) for name, param in known.items()}


def complete_params(
    job: Job,
    declared: Mapping[str, Param],
    find_conflicts: Callable[[JsonObject], Iterable[SettingConflict]],
) -> Job:
    """The job with a value for every param of its task.

    Raises:
        AdapterError: a param that there is not or that is out of its range; a setting that
            `find_conflicts` of its adapter finds, which a spec's check has told of before.
    """
    params = resolve_params(job.params, declared, job.task)
    names = [field.name for field in dataclasses.fields(job.training)]
    training = {name: getattr(job.training, name) for name in names}
    if job.smoke:
        # A smoke test has one epoch, whatever the spec says.
        training["epochs"] = None
    settings: dict[str, Any] = {
        "task": job.task.value,
        "model.name": job.model.name,
        "resources.gpus": job.gpus,
    }
    for name, value in training.items():
        path = f"training.{_to_camel(name)}"
        settings[path] = value
        if isinstance(value, Ema | EarlyStopping):
            parts = dataclasses.asdict(value).items()
            settings |= {f"{path}.{_to_camel(part)}": each for part, each in parts}
    settings |= {f"params.{name}": value for name, value in params.items()}
    for found in find_conflicts(settings):
        raise AdapterError(f"{found.path} {found.message}", found.fix)
    return dataclasses.replace(job, params=params)


def _applies(param: Param, task: TaskType) -> bool:
    return param.tasks is None or task in param.tasks


def _check(path: str, value: Any, param: Param) -> None:
    if value is None and param.default is None:
        return
    if value is None or not _is_of_type(value, param):
        raise AdapterError(f"{path}: must be of type {param.type}, got {value!r}", param.help)
    if param.choices is not None and value not in param.choices:
        raise AdapterError(
            f"{path}: must be one of its choices, got {value!r}",
            _suggest_choice(value, param.choices),
        )
    # Written so that NaN, which compares as false with everything, is refused too.
    if param.minimum is not None and not value >= param.minimum:
        raise AdapterError(
            f"{path}: must be at least {param.minimum:g}, got {value!r}",
            f"set it to {param.minimum:g} or more",
        )
    if param.maximum is not None and not value <= param.maximum:
        raise AdapterError(
            f"{path}: must be at most {param.maximum:g}, got {value!r}",
            f"set it to {param.maximum:g} or less",
        )


def _is_of_type(value: object, param: Param) -> bool:
    if isinstance(value, bool):
        return param.type == "bool"
    return isinstance(value, _TYPES[param.type])


def _suggest_choice(word: str, known: tuple[str, ...]) -> str:
    choices = f"take one of {', '.join(known)}" if known else "leave it out: there are none"
    return suggest_fix(word, known, choices)


def _parse_task(name: str) -> TaskType:
    try:
        return TaskType(name)
    except ValueError:
        raise AdapterError(
            f"task: there is no task '{name}'",
            _suggest_choice(name, tuple(task.value for task in TaskType)),
        ) from None


def _build_model(raw: JsonObject, weights: Path | None) -> ModelJob:
    origin = raw["weights"] or {}
    is_hub = origin.get("type") == "hub"
    # Weights of a hub pin the configuration that lies beside them, unless the plan names another.
    described = raw.get("configuration") or (origin if is_hub else None)
    return ModelJob(
        name=raw["name"],
        pretrained=is_hub,
        weights=weights,
        hub_id=origin["id"] if is_hub else None,
        hub_revision=origin["revision"] if is_hub else None,
        configuration=(described["id"], described["revision"]) if described else None,
    )


def _build_dataset(raw: JsonObject, root: Path) -> DatasetJob:
    return DatasetJob(
        root=root,
        format=raw["format"],
        classes=tuple(raw["classes"]),
        all_classes=tuple(raw["allClasses"]),
        splits={
            name: Split(
                path=split["path"],
                annotations=split.get("annotations"),
                targets=split.get("targets"),
            )
            for name, split in raw["splits"].items()
            if split
        },
        final_split=raw["finalSplit"],
        keypoints=tuple(raw.get("keypoints") or ()),
    )


def _build_training(raw: JsonObject, smoke: bool) -> TrainingJob:
    # What is not known is refused: an older image would train without it and say nothing.
    fields = {one.name: one for one in dataclasses.fields(TrainingJob)}
    known = {_to_camel(name): name for name in fields if name not in _NOT_IN_PLAN}
    _refuse_unknown("training", raw, {*known, "checkpoint"})
    # One that came later is in no plan of before, nor where it asks for nothing.
    later = {name for name, one in fields.items() if one.default is not dataclasses.MISSING}
    values: dict[str, Any] = {
        name: raw[key] for key, name in known.items() if key in raw or name not in later
    }
    checkpoint = _check_section("checkpoint", raw["checkpoint"], ("monitor", "every")) or {}
    ema = _check_section("ema", raw["ema"], ("decay", "warmup"))
    early = _check_section("earlyStopping", raw["earlyStopping"], ("patience", "minDelta"))
    freeze = values["freeze"]
    values |= {
        "image_size": tuple(values["image_size"]),
        "monitor": checkpoint["monitor"],
        "keep_every": checkpoint["every"],
        "ema": Ema(decay=ema["decay"], warmup=ema["warmup"]) if ema else None,
        "early_stopping": EarlyStopping(patience=early["patience"], min_delta=early["minDelta"])
        if early
        else None,
        "freeze": freeze if isinstance(freeze, str) else tuple(freeze),
    }
    if smoke:
        # A smoke test asks whether everything runs, once; how well is not its question.
        values |= {"epochs": 1, "early_stopping": None}
    return TrainingJob(**values)


def _check_section(name: str, raw: JsonObject | None, known: tuple[str, ...]) -> JsonObject | None:
    if raw is not None:
        _refuse_unknown(f"training.{name}", raw, set(known))
    return raw


def _refuse_unknown(path: str, raw: JsonObject, known: set[str]) -> None:
    unknown = sorted(set(raw) - known)
    if unknown:
        raise AdapterError(
            f"{path}.{unknown[0]}: this image is older than the plan and does not know it",
            "use an image of the vtspec that made the plan, or plan with the image's version",
        )


def _to_camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
