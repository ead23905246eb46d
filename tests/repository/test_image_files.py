"""The files of each framework's image agree with each other, the lock file and the adapter."""

import json
import re
import shlex
import subprocess
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from uv import find_uv_bin

from vtspec.adapters.catalogs.catalog_format import dump
from vtspec.adapters.discovery import load_adapter
from vtspec.pipelines.catalog import Framework, list_trained_tasks, load_frameworks
from vtspec.pipelines.catalog.lockfile import (
    build_marker_environment,
    hash_requirements,
    parse_locked_versions,
)
from vtspec.schema.kinds.tasks import FORMATS_OF_TASK

ROOT = Path(__file__).parents[2]

TIMM = load_frameworks()["timm"]

REQUIREMENTS = TIMM.requirements.read_text()

EVERY = pytest.mark.parametrize(
    "framework", list(load_frameworks().values()), ids=lambda each: each.name
)

WITH_ADAPTER = pytest.mark.parametrize(
    "framework",
    [each for each in load_frameworks().values() if list_trained_tasks(each)],
    ids=lambda each: each.name,
)

SMALL = """\
# made by hand
Net_Work==1.0 ; python_full_version < '3.12' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via nobody
net-work==2.0 ; python_full_version >= '3.12' and sys_platform == 'linux' \\
    --hash=sha256:cc
plain==0.1+cpu
"""


def _markers() -> list[str]:
    found = re.findall(r"^\S+==\S+ ; (.*?) \\$", REQUIREMENTS, flags=re.MULTILINE)
    assert len(found) > 30
    return sorted(set(found))


@WITH_ADAPTER
def test_the_image_and_the_adapter_say_the_same(framework: Framework) -> None:
    adapter = load_adapter(framework.adapter)
    assert framework.adapter_version == adapter.VERSION
    assert list_trained_tasks(framework) == tuple(task.value for task in adapter.TASKS)
    assert set(list_trained_tasks(framework)) <= set(framework.tasks)


@EVERY
def test_the_catalog_has_one_model_a_line_as_the_generator_writes_it(framework: Framework) -> None:
    text = (framework.folder / "catalog.json").read_text()
    assert text == dump(json.loads(text))
    assert json.loads(text)["framework"] == framework.name


@EVERY
def test_the_catalogs_models_do_no_task_that_the_image_does_not(framework: Framework) -> None:
    models = [framework.model(name) for name in framework.model_names]
    tasks = {task for model in models if model is not None for task in model.tasks}
    assert tasks == set(framework.tasks)


@WITH_ADAPTER
def test_the_catalog_was_made_from_the_locked_versions(framework: Framework) -> None:
    locked = framework.get_locked_versions()
    assert dict(framework.versions) == {name: locked[name] for name in framework.versions}


@EVERY
def test_a_framework_promises_something_of_its_adapter_exactly_where_it_is_there(
    framework: Framework,
) -> None:
    is_to_come = not list_trained_tasks(framework)
    # Version 0, so that no plan of today has the id of a plan that can be run.
    assert (framework.adapter_version == "0") == is_to_come
    files = {file.name for file in framework.folder.iterdir()}
    assert ("Dockerfile" not in files) == is_to_come
    if is_to_come:
        assert (framework.extra, framework.digest, framework.distributions) == (None, None, ())
        assert files == {"catalog.json", "image.yaml"}


@EVERY
def test_a_framework_reads_a_format_for_each_of_its_tasks(framework: Framework) -> None:
    without = [
        task for task in framework.tasks if not set(FORMATS_OF_TASK[task]) & {*framework.formats}
    ]
    assert without == []


EXPORTED = sorted(
    file
    for file in (ROOT / "images").glob("*/*requirements.txt")
    if "uv export" in file.read_text()
)

EVERY_EXPORT = pytest.mark.parametrize(
    "file", EXPORTED, ids=lambda file: f"{file.parent.name}/{file.name}"
)


@EVERY_EXPORT
def test_the_requirements_are_what_uv_exports_from_the_lock_file(file: Path) -> None:
    # uv notes in the file by which command it was made.
    noted = re.search(r"^#\s+(uv export .*)$", file.read_text(), flags=re.MULTILINE)
    assert noted is not None
    _, *arguments = shlex.split(noted[1])
    at = arguments.index("--output-file")
    assert arguments[at + 1] == str(file.relative_to(ROOT))
    done = subprocess.run(
        [find_uv_bin(), *arguments[:at], *arguments[at + 2 :], "--offline", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert _without_comments(done.stdout) == _without_comments(file.read_text())


def test_the_environments_of_images_are_exported() -> None:
    frameworks = [each for each in load_frameworks().values() if each.extra is not None]
    assert {f"{file.parent.name}/{file.name}" for file in EXPORTED} == {
        "base/requirements.txt",
        "base/build-requirements.txt",
        "vtspec/requirements.txt",
        *(f"{each.name}/requirements.txt" for each in frameworks),
    }


@EVERY_EXPORT
def test_a_distribution_is_locked_once_whatever_the_python(file: Path) -> None:
    # A laptop and an image would train with two versions of NumPy, and call it one plan.
    names = Counter(re.findall(r"^(\S+)==", file.read_text(), flags=re.MULTILINE))
    assert len(names) > 5
    assert [name for name, times in names.items() if times > 1] == []


@EVERY_EXPORT
def test_what_is_locked_for_an_image_has_a_wheel(file: Path) -> None:
    # No stage of an image has a compiler. One package without a wheel is named where it is built.
    text = (ROOT / "images" / "base" / "Dockerfile").read_text()
    built = re.findall(r"--no-binary=(\S+)", text)
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    wheels = {package["name"]: package.get("wheels", []) for package in packages}
    names = re.findall(r"^(\S+)==", file.read_text(), flags=re.MULTILINE)
    assert {name for name in names if not wheels[name]} <= set(built)
    assert built == ["antlr4-python3-runtime"]


def test_the_lock_file_has_one_version_of_a_distribution() -> None:
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    assert len(packages) > 200
    names = Counter(package["name"] for package in packages)
    assert [name for name, times in names.items() if times > 1] == []


def test_two_environments_that_lock_a_distribution_lock_one_version() -> None:
    found: dict[str, set[str]] = {}
    for file in EXPORTED:
        for name, locked in re.findall(r"^(\S+)==(\S+)", file.read_text(), flags=re.MULTILINE):
            found.setdefault(name, set()).add(locked)
    assert {name: versions for name, versions in found.items() if len(versions) > 1} == {}


@EVERY
def test_every_image_has_the_python_that_its_locks_were_tried_with(framework: Framework) -> None:
    assert framework.python == "3.11"


@EVERY
def test_a_lock_that_equals_an_earlier_one_is_the_one_that_is_there(framework: Framework) -> None:
    text = framework.requirements.read_text() if framework.requirements.is_file() else ""
    # A row of a lock that is gone would give its ids to one that hashes to it by mistake only.
    assert set(framework.equal_locks) <= {hash_requirements(text)}


def test_a_lock_has_the_hash_of_the_earlier_one_that_it_equals(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(SMALL)
    own = hash_requirements(SMALL)
    earlier = replace(TIMM, folder=tmp_path, equal_locks={own: "sha256:earlier"})
    assert earlier.requirements_hash == "sha256:earlier"
    (tmp_path / "requirements.txt").write_text(SMALL.replace("1.0", "1.1"))
    later = replace(TIMM, folder=tmp_path, equal_locks={own: "sha256:earlier"})
    assert later.requirements_hash == hash_requirements(SMALL.replace("1.0", "1.1"))


def _without_comments(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.lstrip().startswith("#")]


def test_each_requirement_is_locked_by_hash() -> None:
    blocks = re.split(r"^(?=[a-z])", REQUIREMENTS, flags=re.MULTILINE)[1:]
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("python", ["3.11.2", "3.12.0", "3.13.5", "3.14.1"])
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_what_decides_results_is_locked_on_every_python_and_system(
    python: str, system: str
) -> None:
    where = build_marker_environment(python_full_version=python, sys_platform=system)
    assert set(TIMM.get_locked_versions(where)) == set(TIMM.distributions)


def test_the_locked_versions_for_this_python_are_those_installed_here() -> None:
    installed = {name: version(name) for name in TIMM.distributions}
    assert TIMM.get_locked_versions() == installed


def test_of_a_package_that_is_locked_twice_the_marker_decides() -> None:
    old = parse_locked_versions(SMALL, build_marker_environment(python_full_version="3.11.9"))
    new = parse_locked_versions(
        SMALL, build_marker_environment(python_full_version="3.12.0", sys_platform="linux")
    )
    assert old == {"net-work": "1.0", "plain": "0.1+cpu"}
    assert new == {"net-work": "2.0", "plain": "0.1+cpu"}


@pytest.mark.parametrize("text", ["net>=1.0", "-r other.txt", "./here", "net @ https://x/y.whl"])
def test_a_requirement_that_locks_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a locked requirement"):
        parse_locked_versions(text)


def test_the_hash_of_requirements_ignores_comments_and_order_and_nothing_else() -> None:
    first = hash_requirements(SMALL)
    lines = [line for line in SMALL.splitlines() if "#" not in line]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", first)
    assert hash_requirements("\n".join([lines[-1], *lines[:-1]])) == first
    assert hash_requirements(SMALL.replace("1.0", "1.1")) != first
    assert hash_requirements(SMALL.replace("sha256:aa", "sha256:ad")) != first
    assert hash_requirements(SMALL.replace("'3.12' \\", "'3.13' \\")) != first
    assert hash_requirements("# nothing\n") == hash_requirements("") != first


def holds(marker: str, where: Mapping[str, str]) -> bool:
    return "net" in parse_locked_versions(f"net==1 ; {marker}", where)


@given(
    st.sampled_from(_markers()),
    st.sampled_from(["3.10.1", "3.11.0", "3.12.0", "3.12.7", "3.14.0", "3.15.0", "4.0.0"]),
    st.sampled_from(["linux", "darwin", "win32"]),
    st.sampled_from(["x86_64", "aarch64", "arm64", "riscv64"]),
)
def test_the_locks_markers_mean_what_packaging_says_they_mean(
    marker: str, python: str, system: str, machine: str
) -> None:
    where = build_marker_environment(python_full_version=python, sys_platform=system)
    where["platform_machine"] = machine
    assert holds(marker, where) == Marker(marker).evaluate({**where})


@pytest.mark.parametrize("sign", ["==", "!=", "<", "<=", ">", ">="])
@pytest.mark.parametrize("right", ["3.9", "3.11", "3.12", "3.12.4", "3.13"])
@pytest.mark.parametrize("python", ["3.12.0", "3.12.4"])
def test_versions_are_compared_by_number(sign: str, right: str, python: str) -> None:
    where = build_marker_environment(python_full_version=python)
    marker = f"python_full_version {sign} '{right}'"
    assert holds(marker, where) == Marker(marker).evaluate({"python_full_version": python})


def test_a_version_may_end_in_a_star() -> None:
    where = build_marker_environment(python_full_version="3.12.4")
    assert holds("python_full_version == '3.12.*'", where)
    assert not holds("python_full_version == '3.1.*'", where)
    assert holds("python_full_version != '3.13.*'", where)


def test_a_marker_may_have_any_form_of_the_standard() -> None:
    where = build_marker_environment(python_full_version="3.12.4")
    assert holds("'3' < python_version", where)
    assert holds("python_version in '3.11 3.12'", where)
    assert not holds("python_version in '3.11 3.13'", where)


@pytest.mark.parametrize(
    "marker",
    [
        "python_version",
        "colour == 'blue'",
        "python_version ==",
        "not sys_platform == 'linux'",
        "__import__('os').system('true') == 'x'",
    ],
)
def test_a_marker_of_another_form_is_refused(marker: str) -> None:
    with pytest.raises(ValueError, match="marker"):
        holds(marker, build_marker_environment())


def test_names_are_compared_as_package_indexes_do() -> None:
    assert parse_locked_versions("Zope.Interface__x==1") == {"zope-interface-x": "1"}
