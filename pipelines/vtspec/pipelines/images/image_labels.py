"""What an image says of itself, so that it can be judged without being started. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from vtspec.adapters.contract import Param
from vtspec.pipelines.catalog import Framework

_OCI: Final = "org.opencontainers.image"
_OURS: Final = "dev.vtspec"


def build_labels(
    name: str,
    version: str,
    framework: Framework | None,
    params: Mapping[str, Param],
    sources: str | None = None,
) -> dict[str, str]:
    """The labels of the image `name`, built by this version of vtspec from `sources`, a digest.

    A framework's tell its adapter, tasks and formats, separated by commas, its parameters as JSON
    and the hash of what is locked: all of image.yaml that decides what a plan means.
    """
    labels = {
        f"{_OCI}.title": f"vtspec-{name}",
        f"{_OCI}.version": version,
        f"{_OCI}.licenses": "MIT",
    }
    if sources is not None:
        labels[f"{_OURS}.sources"] = sources
    if framework is None:
        return labels
    if framework.licence != "MIT":
        labels[f"{_OCI}.licenses"] = f"MIT AND {framework.licence}"
    return labels | {
        f"{_OURS}.framework": framework.name,
        f"{_OURS}.adapter": framework.adapter,
        f"{_OURS}.adapter-version": framework.adapter_version,
        f"{_OURS}.tasks": ",".join(framework.tasks),
        f"{_OURS}.formats": ",".join(framework.formats),
        f"{_OURS}.params": json.dumps(
            {key: _describe_param(param) for key, param in sorted(params.items())},
            ensure_ascii=False,
        ),
        f"{_OURS}.requirements": framework.requirements_hash,
        f"{_OURS}.python": framework.python,
    }


def describe_differences(found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """How an image's labels are not those wanted, in words; labels of others do not count."""
    if not found.keys() & wanted.keys():
        return ["it has none of vtspec's labels"]
    return [
        f"{key} is {_shorten(found[key])}, not {_shorten(value)}"
        if key in found
        else f"it has no label {key}"
        for key, value in sorted(wanted.items())
        if found.get(key) != value
    ]


def _describe_param(param: Param) -> dict[str, object]:
    return {key: value for key, value in asdict(param).items() if value is not None}


def _shorten(value: str) -> str:
    return f"'{value}'" if len(value) <= 80 else f"'{value[:77]}…'"
