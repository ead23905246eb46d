"""The Terraform for AWS and Google: whole, from zero, and for this chart.

No cloud and no registry of providers is reached here: that its fields are those of the providers
was read once against their schemas, and nothing of it was ever applied.
"""

import json
import re
from pathlib import Path
from typing import Any

import hcl2
import pytest

from helm_chart import CHART

FOLDER = CHART.parent / "terraform"
CLOUDS = sorted(path for path in FOLDER.iterdir() if path.is_dir())
EACH = pytest.mark.parametrize("cloud", CLOUDS, ids=lambda path: path.name)


def read(cloud: Path) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for file in sorted(cloud.glob("*.tf")):
        for kind, blocks in hcl2.loads(file.read_text()).items():
            found.setdefault(kind, []).extend(blocks)
    return found


def list_names(blocks: list[Any]) -> set[str]:
    """`type.name` of resources and data, the name of whatever else."""
    names = set()
    for block in blocks:
        for first, below in block.items():
            plain = first.strip('"')
            labelled = [key.strip('"') for key in below if not key.startswith("__")]
            names |= {f"{plain}.{label}" for label in labelled} | {plain}
    return names


def test_there_is_one_for_each_cloud_that_has_values() -> None:
    assert [cloud.name for cloud in CLOUDS] == ["aws", "gcp"]


@EACH
def test_whatever_is_referred_to_is_there(cloud: Path) -> None:
    made = read(cloud)
    text = "\n".join(file.read_text() for file in sorted(cloud.glob("*.tf")))
    variables = list_names(made["variable"])
    assert set(re.findall(r"\bvar\.(\w+)", text)) == {
        name for name in variables if "." not in name
    }
    resources = list_names(made["resource"])
    used = set(re.findall(r"(?<![\w.])((?:aws|google)_\w+\.\w+)", text))
    assert used
    assert used <= resources
    data = set(re.findall(r"\bdata\.(\w+\.\w+)", text))
    assert data <= list_names(made.get("data", []))


@EACH
def test_pools_of_gpus_grow_from_zero(cloud: Path) -> None:
    pools = [
        below['"gpu"']
        for block in read(cloud)["resource"]
        for kind, below in block.items()
        if '"gpu"' in below and ("node_group" in kind or "node_pool" in kind)
    ]
    (pool,) = pools
    (scaling,) = pool.get("scaling_config") or pool["autoscaling"]
    assert (scaling.get("min_size"), scaling.get("min_node_count")) in [(0, None), (None, 0)]


@EACH
def test_what_it_puts_out_are_values_of_the_chart(cloud: Path) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]
    text = (cloud / "outputs.tf").read_text()
    body = text[text.index('output "values"') :]
    body = body[body.index("yamlencode({") : body.index("\n  })\n")]
    top = re.findall(r"^    (\w+) += ", body, re.M)
    assert {"store", "queues"} <= set(top)
    for name in top:
        assert name in schema
    one_line = re.search(r"^    store += \{ (.+) \}$", body, re.M)
    block = re.search(r"^    store += \{\n(.*?)^    \}", body, re.M | re.S)
    inside = one_line or block
    assert inside is not None
    keys = re.findall(r"(\w+) += ", inside[1])
    assert "url" in keys
    assert set(keys) <= set(schema["store"]["properties"])


@EACH
def test_it_says_that_it_was_never_applied(cloud: Path) -> None:
    assert (cloud / "versions.tf").read_text().startswith("# Never applied")
