"""Where each resolved value of a plan is from. Pure."""

from pydantic import BaseModel

from vtspec.schema.kinds.experiment import Experiment


def is_set(path: str, overridden: frozenset[str]) -> bool:
    """Whether a field, or the section it is in, was set on the command line."""
    return any(path == one or path.startswith(f"{one}.") for one in overridden)


def collect_outer_origins(spec: Experiment) -> dict[str, str]:
    """The origins of all but `training` and `params`, as far as the spec tells them."""
    inner = spec.spec
    return {
        "task": "spec",
        "framework": "model" if inner.framework is None else "spec",
        "model.name": "spec",
        "model.weights": "default"
        if inner.model.weights is None and not inner.model.pretrained
        else "spec",
        "dataset.name": "spec",
        "dataset.classes": "dataset" if inner.dataset.classes is None else "spec",
        "dataset.finalSplit": "dataset",
        **({"dataset.keypoints": "dataset"} if inner.task == "pose-estimation" else {}),
        **collect_origins(inner.resources, "resources"),
        **collect_origins(inner.export, "export"),
        **collect_origins(inner.tracking, "tracking"),
        **collect_origins(inner.report, "report"),
        **({"tracking.experiment": "dataset"} if inner.tracking.experiment is None else {}),
    }


def collect_origins(part: BaseModel, prefix: str) -> dict[str, str]:
    """Where each field of a part of the spec is from: it was written, or it is a default."""
    found: dict[str, str] = {}
    for name, field in type(part).model_fields.items():
        value, path = getattr(part, name), f"{prefix}.{field.alias or name}"
        if isinstance(value, BaseModel):
            found |= collect_origins(value, path)
        else:
            found[path] = "spec" if name in part.model_fields_set else "default"
    return found
