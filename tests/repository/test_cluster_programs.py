"""The Go modules of the programs that tests run, and what builds them, say the same."""

import re

import pytest

from actionlint_program import ACTIONLINT
from gitea_program import GITEA
from local_cluster.programs import KUBERNETES_VERSION, MODULES, SOURCES, GoModule

ALL = (*MODULES, GITEA, ACTIONLINT)


def _required(module: GoModule) -> dict[str, str]:
    text = (module.source / "go.mod").read_text()
    return dict(re.findall(r"^(?:require |\t)([\w./-]+) (v\S+)", text, re.M))


def test_each_folder_of_programs_is_built() -> None:
    assert {path.name for path in SOURCES.iterdir()} == {module.name for module in MODULES}
    for one in (GITEA, ACTIONLINT):
        assert [path.name for path in one.source.parent.iterdir()] == [one.name]


@pytest.mark.parametrize("module", ALL, ids=lambda module: module.name)
def test_a_module_builds_the_programs_that_are_expected_of_it(module: GoModule) -> None:
    if (module.source / "main.go").is_file():
        assert module.programs == (module.name,)
        return
    text = (module.source / "go.mod").read_text()
    packages = re.findall(r"^(?:tool |\t)([\w./-]+)$", text, re.M)
    assert sorted(re.sub(r"/v\d+$", "", name).rsplit("/")[-1] for name in packages) == sorted(
        "server" if program == "etcd" else program for program in module.programs
    )


@pytest.mark.parametrize("module", ALL, ids=lambda module: module.name)
def test_every_manifest_comes_from_a_module_that_is_required(module: GoModule) -> None:
    assert {required for required, _ in module.manifests} <= set(_required(module))


def test_all_of_kubernetes_is_of_one_version() -> None:
    text = (SOURCES / "kubernetes" / "go.mod").read_text()
    (kubernetes,) = [module for module in MODULES if module.name == "kubernetes"]
    assert _required(kubernetes)["k8s.io/kubernetes"] == f"v{KUBERNETES_VERSION}"
    staged = re.findall(r"^\tk8s\.io/\S+ => k8s\.io/\S+ v0\.(\S+)$", text, re.M)
    assert len(staged) == 31
    assert set(staged) == {KUBERNETES_VERSION.partition(".")[2]}


def test_no_sum_of_a_requirement_is_missing() -> None:
    missing = [
        f"{module.name}: {name} {version}"
        for module in ALL
        for name, version in _required(module).items()
        if f"{name} {version}/go.mod " not in _sums(module) and not _is_replaced(module, name)
    ]
    assert missing == []


def _sums(module: GoModule) -> str:
    path = module.source / "go.sum"
    return path.read_text() if path.is_file() else ""


def _is_replaced(module: GoModule, name: str) -> bool:
    return f"\t{name} => " in (module.source / "go.mod").read_text()
