"""The rules between fields, as far as JSON Schema can say them: an editor then shows them too.

JSON Schema cannot compare two values of a document. So these stay with `rules` alone:
minLearningRate < learningRate, warmupEpochs < epochs, class weights and counts that name the
classes, a baseline that is not the experiment itself, splits that differ.
"""

from typing import Any, Final

from vtspec.schema.kinds.tasks import CLASSLESS_TASKS, FORMAT_NEEDS, FORMATS, FORMATS_OF_TASK

_Schema = dict[str, Any]

_GIVEN: Final[_Schema] = {"not": {"type": "null"}}


def _inside(*path: str, **schema: Any) -> _Schema:
    """A schema that holds where every key of `path` is there and its value fits `schema`."""
    inner: _Schema = schema
    for key in reversed(path):
        inner = {"type": "object", "required": [key], "properties": {key: inner}}
    return inner


def _format_carries(task: str) -> _Schema:
    refused = [form for form in FORMATS if form not in FORMATS_OF_TASK[task]]
    has_task = _inside("spec", "tasks", type="array", contains={"const": task})
    return {"not": {"allOf": [has_task, _inside("spec", "format", enum=refused)]}}


def _format_needs(form: str, key: str) -> _Schema:
    lacking = {"type": "object", "not": _inside(key, **_GIVEN)}
    splits = [_inside("spec", "splits", name, **lacking) for name in ("train", "val", "test")]
    return {"if": _inside("spec", "format", const=form), "then": {"not": {"anyOf": splits}}}


_CLASS_TASKS: Final = [task for task in FORMATS_OF_TASK if task not in CLASSLESS_TASKS]

_SOURCE: Final = {
    "if": _inside("spec", "source", type="object"),
    "then": {
        "oneOf": [
            _inside("spec", "source", "dvc", **_GIVEN),
            _inside("spec", "source", "path", **_GIVEN),
        ]
    },
}

_PINNED: Final = {
    "if": _inside("spec", "source", "path", **_GIVEN),
    "then": _inside("spec", "contentHash", **_GIVEN),
}

_REVISION: Final = {
    "anyOf": [
        {
            "allOf": [
                _inside("spec", "source", "dvc", "repo", **_GIVEN),
                _inside("spec", "source", "dvc", "rev", **_GIVEN),
            ]
        },
        {
            "not": {
                "anyOf": [
                    _inside("spec", "source", "dvc", "repo", **_GIVEN),
                    _inside("spec", "source", "dvc", "rev", **_GIVEN),
                ]
            }
        },
    ]
}

_CLASSES_NAMED: Final = {
    "if": _inside("spec", "tasks", type="array", contains={"enum": _CLASS_TASKS}),
    "then": _inside("spec", "classes", minItems=1),
}

_ONE_START: Final = {
    "not": {
        "allOf": [
            _inside("spec", "model", "pretrained", const=True),
            _inside("spec", "model", "weights", **_GIVEN),
        ]
    }
}

_GPU_TYPE: Final = {
    "if": _inside("spec", "resources", "gpuType", **_GIVEN),
    "then": _inside("spec", "resources", "gpus", minimum=1),
}

_CLASSLESS: Final = {
    "if": _inside("spec", "task", enum=sorted(CLASSLESS_TASKS)),
    "then": {
        "not": {
            "anyOf": [
                _inside("spec", "dataset", "classes", **_GIVEN),
                _inside("spec", "training", "classWeights", **_GIVEN),
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
        *(_format_carries(task) for task in FORMATS_OF_TASK),
        *(_format_needs(form, key) for form, key in FORMAT_NEEDS.items()),
    ],
    "Experiment": [_ONE_START, _GPU_TYPE, _CLASSLESS],
    "Project": [],
}
"""What stands under `allOf` in the schema of each kind."""
