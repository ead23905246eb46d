"""An image says which Python is its framework's, and it is looked at before anything runs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import packaging
import pytest
import yaml

import vtspec.adapters
from local_repository import a_repository
from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.execution.image_environment import FRAMEWORK_PYTHON, open_image_environment
from vtspec.pipelines.operations.frameworks import (
    Wish,
    check_environment,
    choose_environment,
    describe_environment,
)

ADAPTERS = Path(vtspec.adapters.__path__[0])

TOY = load_frameworks()["toy"]


def an_environment(folder: Path) -> Path:
    """A Python of its own with this vtspec's adapters, as an image has it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    site = get_site(folder)
    shutil.copytree(
        ADAPTERS, site / "vtspec" / "adapters", ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder / "bin" / "python"


def get_site(folder: Path) -> Path:
    (site,) = folder.glob("lib/python3.*/site-packages")
    return site


def choose(python: Path | str) -> object:
    return choose_environment("toy", {FRAMEWORK_PYTHON: str(python)}, print)


def test_the_python_that_an_image_names_is_the_frameworks(tmp_path: Path) -> None:
    python = an_environment(tmp_path / "framework")
    found = choose_environment("toy", {FRAMEWORK_PYTHON: str(python)}, print)
    assert (found.kind, found.python) == ("image", python)
    assert str(found) == f"environment {tmp_path / 'framework'}"
    assert found.why == "VTSPEC_FRAMEWORK_PYTHON names it"
    assert found.pythonpath == get_site(tmp_path / "framework")
    assert list(found.versions) == ["python"]


def test_another_environment_that_is_asked_for_is_taken_all_the_same(tmp_path: Path) -> None:
    environ = {FRAMEWORK_PYTHON: str(tmp_path / "nothing"), "VTSPEC_CACHE": str(tmp_path)}
    assert choose_environment("toy", environ, print, Wish(environment="current")).kind == "current"


def test_a_run_is_refused_before_it_begins_where_the_named_python_is_another(
    tmp_path: Path,
) -> None:
    environ = {FRAMEWORK_PYTHON: str(tmp_path / "nothing"), "VTSPEC_CACHE": str(tmp_path)}
    with pytest.raises(Permanent, match=f"^{FRAMEWORK_PYTHON}: .*/nothing cannot be run"):
        check_environment(TOY, environ)
    check_environment(TOY, environ, Wish(environment="current"))
    check_environment(TOY, {FRAMEWORK_PYTHON: str(an_environment(tmp_path / "framework"))})


def test_inside_an_image_no_environment_is_told_to_be_made(tmp_path: Path) -> None:
    # vtspec's own Python in an image has no torch; nor has this one, without its packages.
    for module in (yaml, packaging):
        (tmp_path / module.__name__).symlink_to(module.__path__[0])
    code = (
        "import os\n"
        f"from {describe_environment.__module__} import describe_environment\n"
        "print(describe_environment('timm', os.environ))"
    )
    root = Path(__file__).parents[2]
    paths = [*(root / name for name in ("schema", "adapters", "pipelines")), tmp_path]
    bare = {"PYTHONPATH": os.pathsep.join(map(str, paths)), "VTSPEC_CACHE": "/nowhere"}
    for inside, said in (
        ({}, "timm's own, to be made once"),
        ({FRAMEWORK_PYTHON: "/x"}, "/x, which this image names"),
    ):
        done = subprocess.run(
            [sys.executable, "-S", "-c", code], env=bare | inside, capture_output=True, text=True
        )
        assert done.stdout.startswith(said), done.stderr


@pytest.mark.slow
def test_a_step_runs_its_adapter_in_the_named_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = an_environment(tmp_path / "framework")
    seen = tmp_path / "seen"
    # Runs wherever this environment's Python does, and nowhere else.
    (get_site(tmp_path / "framework") / "sitecustomize.py").write_text(
        "import json, sys\n"
        f"with open({str(seen)!r}, 'a') as file:\n"
        "    print(json.dumps([sys.prefix, sys.argv]), file=file)\n"
    )
    repository = a_repository(tmp_path / "repository")
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(repository.plan))
    monkeypatch.setenv(FRAMEWORK_PYTHON, str(python))
    monkeypatch.setenv("VTSPEC_CACHE", str(tmp_path / "cache"))
    for step in ("data", "train"):
        words = ["step", step, "--plan", plan, "--workdir", tmp_path / "run"]
        done = subprocess.run(
            [Path(sys.executable).with_name("vtspec"), *words],
            cwd=repository.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert list((tmp_path / "run").rglob("*.safetensors"))
    prefixes = {json.loads(line)[0] for line in seen.read_text().splitlines()}
    assert prefixes == {str(tmp_path / "framework")}
    # Nothing had to be copied or made: in an image the root can only be read.
    assert not (tmp_path / "cache" / "adapters").exists()


def _remove_adapters(folder: Path) -> None:
    shutil.rmtree(get_site(folder) / "vtspec")


def _change_adapters(folder: Path) -> None:
    with (get_site(folder) / "vtspec" / "adapters" / "metrics.py").open("a") as file:
        file.write("# another one\n")


def _add_adapter(folder: Path) -> None:
    (get_site(folder) / "vtspec" / "adapters" / "more.py").write_text("")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_remove_adapters, "has no vtspec.adapters"),
        (_change_adapters, "has the adapters of another vtspec"),
        (_add_adapter, "has the adapters of another vtspec"),
    ],
)
def test_a_python_with_other_adapters_is_refused(
    tmp_path: Path, change: Callable[[Path], None], why: str
) -> None:
    python = an_environment(tmp_path / "framework")
    change(tmp_path / "framework")
    with pytest.raises(Permanent) as caught:
        choose(python)
    assert caught.value.message == f"VTSPEC_FRAMEWORK_PYTHON: {python} {why}"
    assert caught.value.fix is not None
    assert "vtspec images build toy" in caught.value.fix


@pytest.mark.parametrize(
    ("python", "why"),
    [
        ("bin/python", "is no absolute path"),
        ("/nowhere/python", "cannot be run: No such file or directory"),
        ("/etc/passwd", "cannot be run: Permission denied"),
        (shutil.which("false"), "cannot be run: it does not answer as Python does"),
        (shutil.which("echo"), "cannot be run: it does not answer as Python does"),
    ],
)
def test_what_is_no_python_is_refused(python: str, why: str) -> None:
    with pytest.raises(Permanent) as caught:
        choose(python)
    assert caught.value.message == f"VTSPEC_FRAMEWORK_PYTHON: {python} {why}"


def test_a_python_without_the_locked_packages_is_refused(tmp_path: Path) -> None:
    python = an_environment(tmp_path / "framework")
    (tmp_path / "requirements.txt").write_text("torch==2.15.0\n")
    framework = replace(TOY, name="example", distributions=("torch",), folder=tmp_path)
    with pytest.raises(Permanent) as caught:
        open_image_environment(framework, str(python))
    assert caught.value.message == (
        f"VTSPEC_FRAMEWORK_PYTHON: {python} is not example's: "
        "torch is not installed here, 2.15.0 locked"
    )


def test_the_locked_packages_are_those_of_the_named_python(tmp_path: Path) -> None:
    python = an_environment(tmp_path / "framework")
    info = get_site(tmp_path / "framework") / "torch-2.15.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.15.0+cpu\n")
    (tmp_path / "requirements.txt").write_text("torch==2.15.0\n")
    framework = replace(TOY, name="example", distributions=("torch",), folder=tmp_path)
    found = open_image_environment(framework, str(python))
    assert found.versions["torch"] == "2.15.0+cpu"
