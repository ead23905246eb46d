"""The chart under pipelines/deploy/, its values for each kind of cluster, and what is on file."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "pipelines" / "deploy" / "chart"
VALUES = tuple(sorted((ROOT / "pipelines" / "deploy" / "values").glob("*.yaml")))
GOLDEN = ROOT / "tests" / "golden" / "chart"
RELEASE, RELEASE_NAMESPACE = "vtspec", "vtspec-system"

Object = dict[str, Any]


def read_golden(values: Path) -> list[Object]:
    """The objects that the chart makes of a values file, as they are on file."""
    text = (GOLDEN / values.name).read_text(encoding="utf-8")
    return [one for one in yaml.safe_load_all(text) if one]


def find_objects(documents: list[Object], *kinds: str) -> list[Object]:
    """Those of some kinds."""
    return [one for one in documents if one["kind"] in kinds]
