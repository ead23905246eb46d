"""The Go modules of the test cluster's programs and what builds them say the same."""

import re
from pathlib import Path

import pytest

from local_cluster.programs import KUBERNETES_VERSION, MODULES, SOURCES, GoModule


def _required(module: str) -> dict[str, str]:
    text = (SOURCES / module / "go.mod").read_text()
    return dict(re.findall(r"^(?:require |\t)([\w./-]+) (v\S+)", text, re.M))


def test_each_folder_of_programs_is_built() -> None:
    assert {path.name for path in SOURCES.iterdir()} == {module.name for module in MODULES}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_module_builds_the_programs_that_are_expected_of_it(module: GoModule) -> None:
    if (SOURCES / module.name / "main.go").is_file():
        assert module.programs == (module.name,)
        return
    text = (SOURCES / module.name / "go.mod").read_text()
    packages = re.findall(r"^(?:tool |\t)([\w./-]+)$", text, re.M)
    assert sorted(re.sub(r"/v\d+$", "", name).rsplit("/")[-1] for name in packages) == sorted(
        "server" if program == "etcd" else program for program in module.programs
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_every_manifest_comes_from_a_module_that_is_required(module: GoModule) -> None:
    assert {required for required, _ in module.manifests} <= set(_required(module.name))


def test_all_of_kubernetes_is_of_one_version() -> None:
    text = (SOURCES / "kubernetes" / "go.mod").read_text()
    assert _required("kubernetes")["k8s.io/kubernetes"] == f"v{KUBERNETES_VERSION}"
    staged = re.findall(r"^\tk8s\.io/\S+ => k8s\.io/\S+ v0\.(\S+)$", text, re.M)
    assert len(staged) == 31
    assert set(staged) == {KUBERNETES_VERSION.partition(".")[2]}


def test_no_sum_of_a_requirement_is_missing() -> None:
    missing = [
        f"{module.name}: {name} {version}"
        for module in MODULES
        for name, version in _required(module.name).items()
        if f"{name} {version}/go.mod " not in _sums(module.name)
        and not _is_replaced(module.name, name)
    ]
    assert missing == []


def _sums(module: str) -> str:
    path = Path(SOURCES / module / "go.sum")
    return path.read_text() if path.is_file() else ""


def _is_replaced(module: str, name: str) -> bool:
    return f"\t{name} => " in (SOURCES / module / "go.mod").read_text()
