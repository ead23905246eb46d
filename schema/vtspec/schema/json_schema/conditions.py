"""The rules between fields, as far as JSON Schema can say them: an editor then shows them too.

JSON Schema cannot compare two values of a document. So these stay with `rules` alone:
minLearningRate < learningRate, warmupEpochs < epochs, class weights and counts that name the
classes, a baseline that is not the experiment itself, splits that differ, times of a schedule.
"""

from typing import Any, Final

from vtspec.schema.kinds.tasks import CLASSLESS_TASKS, FORMAT_NEEDS, FORMATS, FORMATS_OF_TASK

_Schema = dict[str, Any]

# `null` counts as absent everywhere, as it does for the models.
_GIVEN: Final[_Schema] = {"not": {"type": "null"}}


def _require_path(*path: str, **schema: object) -> _Schema:
    """A schema that holds where every key of `path` is there and its value fits `schema`."""
    inner: _Schema = schema
    for key in reversed(path):
        # `required` holds of anything that is no mapping, so the type is asked for at every level.
        inner = {"type": "object", "required": [key], "properties": {key: inner}}
    return inner


def _require_task_format(task: str) -> _Schema:
    refused = [form for form in FORMATS if form not in FORMATS_OF_TASK[task]]
    has_task = _require_path("spec", "tasks", type="array", contains={"const": task})
    return {"not": {"allOf": [has_task, _require_path("spec", "format", enum=refused)]}}


def _require_format_key(form: str, key: str) -> _Schema:
    lacking = {"type": "object", "not": _require_path(key, **_GIVEN)}
    splits = [
        _require_path("spec", "splits", name, **lacking) for name in ("train", "val", "test")
    ]
    return {"if": _require_path("spec", "format", const=form), "then": {"not": {"anyOf": splits}}}


_CLASS_TASKS: Final = [task for task in FORMATS_OF_TASK if task not in CLASSLESS_TASKS]

# Only of a source that is a mapping: for another type the editor shows one problem, not two.
_SOURCE: Final = {
    "if": _require_path("spec", "source", type="object"),
    "then": {
        "oneOf": [
            _require_path("spec", "source", "dvc", **_GIVEN),
            _require_path("spec", "source", "path", **_GIVEN),
        ]
    },
}

_PINNED: Final = {
    "if": _require_path("spec", "source", "path", **_GIVEN),
    "then": _require_path("spec", "contentHash", **_GIVEN),
}

# Both or neither; JSON Schema has `dependentRequired`, which would take null for given.
_REVISION: Final = {
    "anyOf": [
        {
            "allOf": [
                _require_path("spec", "source", "dvc", "repo", **_GIVEN),
                _require_path("spec", "source", "dvc", "rev", **_GIVEN),
            ]
        },
        {
            "not": {
                "anyOf": [
                    _require_path("spec", "source", "dvc", "repo", **_GIVEN),
                    _require_path("spec", "source", "dvc", "rev", **_GIVEN),
                ]
            }
        },
    ]
}

_CLASSES_NAMED: Final = {
    "if": _require_path("spec", "tasks", type="array", contains={"enum": _CLASS_TASKS}),
    "then": _require_path("spec", "classes", minItems=1),
}

_ONE_START: Final = {
    "not": {
        "allOf": [
            _require_path("spec", "model", "pretrained", const=True),
            _require_path("spec", "model", "weights", **_GIVEN),
        ]
    }
}

_GPU_TYPE: Final = {
    "if": _require_path("spec", "resources", "gpuType", **_GIVEN),
    "then": _require_path("spec", "resources", "gpus", minimum=1),
}

_CLASSLESS: Final = {
    "if": _require_path("spec", "task", enum=sorted(CLASSLESS_TASKS)),
    "then": {
        "not": {
            "anyOf": [
                _require_path("spec", "dataset", "classes", **_GIVEN),
                _require_path("spec", "training", "classWeights", **_GIVEN),
            ]
        }
    },
}

CONDITIONS: Final[dict[str, list[_Schema]]] = {
    "Dataset": [
        _SOURCE,
        _PINNED,
        _REVISION,
        _CLASSES_NAMED,
        *(_require_task_format(task) for task in FORMATS_OF_TASK),
        *(_require_format_key(form, key) for form, key in FORMAT_NEEDS.items()),
    ],
    "Experiment": [_ONE_START, _GPU_TYPE, _CLASSLESS],
    "Project": [],
}
"""What stands under `allOf` in the schema of each kind."""
