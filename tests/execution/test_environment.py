"""Which Python runs a framework, and how one is made that a kill cannot leave half whole."""

import hashlib
import platform
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path

import pytest

from local_repository import Watcher, a_local, a_repository, model_sum
from vtspec.pipelines.catalog import Framework, load_frameworks
from vtspec.pipelines.catalog.framework import EnvironmentSize
from vtspec.pipelines.catalog.lockfile import parse_locked_versions
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.execution.environment import (
    Environments,
    copy_adapters,
    find_differences,
    find_installed_version,
    find_uv,
)
from vtspec.pipelines.execution.local import LocalRunner, RunOptions

LOCKED = """\
torch==2.15.0 \\
    --hash=sha256:00
numpy==2.4.0 ; python_version >= '3.10' \\
    --hash=sha256:11
"""

NEEDS_NOTHING = "# nothing\n"


def a_framework(folder: Path, requirements: str | None = LOCKED, **changes: object) -> Framework:
    folder.mkdir(parents=True, exist_ok=True)
    if requirements is not None:
        (folder / "requirements.txt").write_text(requirements)
    fields = {
        "name": "example",
        "adapter": "toy",
        "adapter_version": "1",
        "tasks": ("image-classification",),
        "formats": ("imagefolder",),
        "extra": "example",
        "python": "3.12",
        "licence": "MIT",
        "distributions": ("torch", "numpy") if requirements == LOCKED else (),
        "digest": None,
        "folder": folder,
        **changes,
    }
    return Framework(**fields)  # type: ignore[arg-type]


def environments(
    tmp_path: Path, here: dict[str, str], uv: Callable[[], Path | None] = find_uv
) -> Environments:
    return Environments(cache=tmp_path / "cache", report=print, uv=uv, installed=here.get)


def test_this_python_is_taken_where_the_locked_versions_are(tmp_path: Path) -> None:
    found = environments(tmp_path, {"torch": "2.15.0+cpu", "numpy": "2.4.0"}).choose(
        a_framework(tmp_path / "image")
    )
    assert (found.kind, found.python) == ("current", Path(sys.executable))
    assert str(found) == "this Python (it has the locked versions)"
    assert found.versions == {
        "python": platform.python_version(),
        "torch": "2.15.0+cpu",
        "numpy": "2.4.0",
    }


def test_a_framework_that_needs_no_package_always_fits() -> None:
    found = Environments(cache=Path("/nowhere"), report=print).choose(load_frameworks()["toy"])
    assert (found.kind, found.why) == ("current", "toy needs no package")


def test_what_differs_is_told_in_words() -> None:
    here = {"torch": "2.14.0", "numpy": "2.4.0"}
    locked = {"torch": "2.15.0", "numpy": "2.4.0", "timm": "1.0.31"}
    assert find_differences(locked, here.get) == (
        "timm is not installed here, 1.0.31 locked",
        "torch 2.14.0 here, 2.15.0 locked",
    )
    assert find_differences({"torch": "2.15.0+cu130"}, {"torch": "2.15.0"}.get) == (
        "torch 2.15.0 here, 2.15.0+cu130 locked",
    )


def test_this_python_can_be_insisted_on_and_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    found = environments(tmp_path, {"torch": "2.14.0", "numpy": "2.4.0"}).choose(
        a_framework(tmp_path / "image"), "current"
    )
    assert found.kind == "current"
    assert found.differs == ("torch 2.14.0 here, 2.15.0 locked",)
    # Each is a warning of the run; a line that stands everywhere only counts them.
    assert str(found) == "this Python (1 package not as locked)"


@pytest.mark.parametrize(
    ("here", "lacks", "pins"),
    [
        ({"numpy": "2.4.0"}, "torch", "torch==2.15.0"),
        ({}, "numpy, torch", "numpy==2.4.0 torch==2.15.0"),
    ],
)
def test_this_python_is_refused_where_it_lacks_a_package(
    tmp_path: Path, here: dict[str, str], lacks: str, pins: str
) -> None:
    with pytest.raises(Permanent, match=f"which lacks {lacks}\n") as caught:
        environments(tmp_path, here).choose(a_framework(tmp_path / "image"), "current")
    assert caught.value.fix == f"pip install {pins}, or leave out --environment"


def test_what_an_environment_imports_is_compiled_when_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    words = 'Path(__file__).with_name("words").write_text(" ".join(sys.argv[1:]))'
    uv = a_uv(tmp_path, f'{COUNTS}\nif sys.argv[1] == "pip": {words}\n')
    found = environments(tmp_path, {}, uv).choose(a_framework(tmp_path / "image"), "made")
    given = (tmp_path / "words").read_text().split()
    assert "--compile-bytecode" in given
    # The lock is the whole of it, as in images: what it leaves out is not wanted.
    assert {"--no-deps", "--require-hashes"} <= set(given)
    assert found.pythonpath is not None
    sources = list(found.pythonpath.rglob("*.py"))
    compiled = {path.name.partition(".")[0] for path in found.pythonpath.rglob("*.pyc")}
    assert compiled == {path.stem for path in sources}


def test_without_uv_it_is_said_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(Permanent) as caught:
        environments(tmp_path, {}, lambda: None).choose(a_framework(tmp_path / "image"))
    assert "torch is not installed here" in str(caught.value)
    assert "pip install 'vtspec[env]'" in str(caught.value)
    assert "pip install 'vtspec[example]'" in str(caught.value)


def test_what_could_not_be_had_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    image = a_framework(tmp_path / "image")
    theirs = a_framework(tmp_path / "theirs", adapter="theirs")
    here = {"torch": "2.15.0", "numpy": "2.4.0"}
    environments(tmp_path, here, lambda: None).check(image)
    bare = environments(tmp_path, {}, lambda: None)
    for framework, wanted in ((image, "auto"), (image, "current"), (theirs, "auto")):
        with pytest.raises(Permanent) as chosen:
            bare.choose(framework, wanted)  # type: ignore[arg-type]
        with pytest.raises(Permanent) as checked:
            bare.check(framework, wanted)  # type: ignore[arg-type]
        assert str(checked.value) == str(chosen.value)
    # One that was made before needs nothing to be made.
    assert environments(tmp_path, {}, a_uv(tmp_path, COUNTS)).choose(image).kind == "made"
    bare.check(image)


def test_an_adapter_of_another_package_runs_in_this_python_only(tmp_path: Path) -> None:
    framework = a_framework(tmp_path / "image", adapter="theirs")
    with pytest.raises(Permanent, match="adapter of another package") as caught:
        environments(tmp_path, {"numpy": "2.4.0"}).choose(framework)
    assert caught.value.fix == "pip install torch==2.15.0"


def test_what_a_repository_asks_of_its_own_environment_is_not_asked_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    settings = '[tool.uv]\nconstraint-dependencies = ["numpy<2.5"]\n'
    (repository / "pyproject.toml").write_text(settings)
    monkeypatch.chdir(repository)
    wheel = a_wheel(tmp_path)
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("UV_OFFLINE", "1")
    locked = f"something==1.0 \\\n    --hash=sha256:{sha256}\n"
    # uv refuses a constraint without a hash, whatever is to be installed.
    framework = a_framework(tmp_path / "image", locked, distributions=())
    assert environments(tmp_path, {}).choose(framework, "made").kind == "made"


def a_wheel(folder: Path) -> Path:
    """A distribution without anything in it."""
    path = folder / "something-1.0-py3-none-any.whl"
    files = {
        "METADATA": "Metadata-Version: 2.1\nName: something\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(f"something-1.0.dist-info/{name}", text)
    return path


def test_uv_is_found_on_the_path_beside_python_or_in_its_package(tmp_path: Path) -> None:
    found = find_uv()
    assert found is not None
    done = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("uv ")


def test_the_version_of_what_is_not_installed_is_none() -> None:
    assert find_installed_version("no-such-distribution") is None
    assert find_installed_version("pytest") == pytest.__version__


def test_an_environment_is_made_once_and_then_kept(tmp_path: Path) -> None:
    framework = a_framework(tmp_path / "image", NEEDS_NOTHING)
    said: list[str] = []
    made = Environments(cache=tmp_path / "cache", report=said.append)
    first = made.choose(framework, "made")
    assert first.kind == "made"
    no_package = "no package is downloaded"
    assert said == [f"making example's environment with uv, once ({no_package}): asked for"]
    marker = first.python.parents[1] / "complete"
    before = marker.stat().st_mtime_ns
    second = made.choose(framework, "made")
    assert (second.python, marker.stat().st_mtime_ns) == (first.python, before)
    seen = subprocess.run(
        [first.python, "-c", "import sys; print(sys.prefix)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout.strip() == str(first.python.parents[1])
    # Why was told when it was made; every run from then on would say it again.
    assert str(first) == f"environment {first.python.parents[1]}"


HERE = f"{sys.platform}-{platform.machine()}"

SIZE = EnvironmentSize(platform=HERE, download_bytes=3 * 2**30, disk_bytes=5 * 2**30)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ((SIZE,), "up to 3 GiB to download, 5 GiB on disk"),
        ((replace(SIZE, platform="plan9-vax"),), "its size is not known on this machine"),
        ((), "its size is not known on this machine"),
    ],
)
def test_an_environment_that_a_run_would_make_is_told_beforehand_with_its_size(
    tmp_path: Path, sizes: tuple[EnvironmentSize, ...], words: str
) -> None:
    framework = a_framework(tmp_path / "image", environment_sizes=sizes)
    why = "torch 2.14.0 here, 2.15.0 locked"
    expected = f"example's own, to be made once: {words} ({why}); not in the time above"
    here = environments(tmp_path, {"torch": "2.14.0", "numpy": "2.4.0"})
    assert here.describe_choice(framework) == expected


def test_why_one_would_be_made_is_what_decides_it(tmp_path: Path) -> None:
    framework = a_framework(tmp_path / "image", f"{LOCKED}timm==1.0.31 --hash=sha256:22\n")
    many = replace(framework, distributions=("torch", "numpy", "timm"))
    told = environments(tmp_path, {}).describe_choice(many)
    assert "numpy is not installed here, 2.4.0 locked; " in told
    assert told.endswith(" and 1 more); not in the time above")
    fits = environments(tmp_path, {"torch": "2.15.0", "numpy": "2.4.0", "timm": "1.0.31"})
    assert "(asked for)" in fits.describe_choice(many, "made")
    # Where this Python is insisted on, nothing is made.
    assert environments(tmp_path, {}).describe_choice(many, "current").startswith("this Python")


OTHERS = {"torch": "2.14.0", "numpy": "2.4.0"}


@pytest.mark.parametrize(
    ("told", "here", "kind"),
    [
        ("this Python (1 package not as locked)", OTHERS, "current"),
        ("this Python (it has the locked versions)", OTHERS, "current"),
        # The run's machine, or this Python, was another then.
        ("this Python (it has the locked versions)", {"numpy": "2.4.0"}, "made"),
        ("environment /cache/environments/example-0123456789", OTHERS, "made"),
        (None, OTHERS, "made"),
    ],
)
def test_a_runs_model_answers_in_an_environment_as_the_run_had(
    tmp_path: Path, told: str | None, here: dict[str, str], kind: str
) -> None:
    known = environments(tmp_path, here, a_uv(tmp_path, COUNTS))
    lines: list[str] = []
    found = replace(known, report=lines.append).choose_again(a_framework(tmp_path / "image"), told)
    assert found.kind == kind
    assert any("as the run's did: torch 2.14.0 here" in line for line in lines) == (
        kind == "current"
    )


def test_where_nothing_would_be_made_it_is_told_what_is_there(tmp_path: Path) -> None:
    framework = a_framework(tmp_path / "image", environment_sizes=(SIZE,))
    fits = {"torch": "2.15.0", "numpy": "2.4.0"}
    told = environments(tmp_path, fits).describe_choice(framework)
    assert told == "this Python (it has the locked versions)"
    kept = environments(tmp_path, {}, a_uv(tmp_path, COUNTS))
    kept.choose(framework)
    assert kept.describe_choice(framework).startswith("example's own environment (numpy is not")
    # An adapter of another package is never given one.
    elsewhere = replace(framework, adapter="acme")
    told = environments(tmp_path / "other", {}).describe_choice(elsewhere)
    assert told == "this Python (2 packages not as locked)"


def test_the_size_that_is_told_of_an_environment_is_that_of_its_packages() -> None:
    framework = load_frameworks()["timm"]
    locked = parse_locked_versions(framework.requirements.read_text())
    size = next((one for one in framework.environment_sizes if one.platform == HERE), None)
    if size is None or find_differences(locked):
        pytest.skip("the locked packages are not all here, or nobody measured this platform")
    files = [file for name in locked for file in distribution(name).files or ()]
    on_disk = sum(file.size or 0 for file in files)
    assert size.disk_bytes == pytest.approx(on_disk, rel=0.05)
    # A wheel is compressed, and of a library of kernels about half is left.
    assert 0.3 < size.download_bytes / size.disk_bytes < 0.8


def test_other_locked_versions_are_another_environment(tmp_path: Path) -> None:
    made = Environments(cache=tmp_path / "cache", report=print)
    first = made.choose(a_framework(tmp_path / "a", NEEDS_NOTHING), "made")
    other = made.choose(a_framework(tmp_path / "b", "# nothing else\n"), "made")
    assert first.python != other.python


def a_uv(folder: Path, script: str) -> Callable[[], Path]:
    """A program in uv's place."""
    path = folder / "uv"
    path.write_text(f"#!{sys.executable}\n{script}")
    path.chmod(0o755)
    return lambda: path


COUNTS = """
import os, sys, time
from pathlib import Path
if sys.argv[1] == "venv":
    with open(Path(__file__).with_name("calls"), "a") as calls:
        calls.write("venv\\n")
    time.sleep(0.3)
    bin = Path(sys.argv[-1]) / "bin"
    bin.mkdir(parents=True)
    (bin / "python").touch()
"""


def test_two_that_need_the_same_environment_make_it_once(tmp_path: Path) -> None:
    framework = a_framework(tmp_path / "image", NEEDS_NOTHING)
    uv = a_uv(tmp_path, COUNTS)
    threads = [
        threading.Thread(target=environments(tmp_path, {}, uv).choose, args=(framework, "made"))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "calls").read_text() == "venv\n"


def test_an_environment_that_was_left_half_made_is_made_anew(tmp_path: Path) -> None:
    framework = a_framework(tmp_path / "image", NEEDS_NOTHING)
    broken = a_uv(tmp_path, COUNTS + 'if sys.argv[1] == "pip": sys.exit(1)\n')
    with pytest.raises(Permanent, match="uv pip failed with exit code 1"):
        environments(tmp_path, {}, broken).choose(framework, "made")
    [half] = [path for path in (tmp_path / "cache/environments").iterdir() if path.is_dir()]
    assert (half / "bin" / "python").exists()
    (half / "left").touch()
    whole = environments(tmp_path, {}, a_uv(tmp_path, COUNTS)).choose(framework, "made")
    assert whole.python.parents[1] == half
    assert not (half / "left").exists()
    assert (tmp_path / "calls").read_text() == "venv\nvenv\n"


def test_the_adapters_are_copied_alone_and_by_their_content(tmp_path: Path) -> None:
    home = copy_adapters(tmp_path)
    assert copy_adapters(tmp_path) == home
    assert [path.name for path in home.iterdir()] == ["vtspec"]
    assert [path.name for path in (home / "vtspec").iterdir()] == ["adapters"]
    script = "import vtspec.adapters.toy, importlib.util as u; print(u.find_spec('vtspec.schema'))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={"PYTHONPATH": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "None\n"


@pytest.mark.slow
def test_a_run_in_an_environment_of_its_own_gives_the_same_weights(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    made = Environments(cache=tmp_path / "cache", report=print)
    framework = load_frameworks()["toy"]
    here = a_local(repository, Watcher())
    here.run(repository.planned, RunOptions(), "vtspec run shapes")
    there = LocalRunner(
        runs=here.runs,
        place=a_local(repository, Watcher()).place,
        choose=lambda: made.choose(framework, "made"),
        ready=here.ready,
    )
    result = there.run(repository.planned, RunOptions(again=True), "vtspec run shapes")
    assert result.outcome is not None and result.outcome.is_good
    assert (result.state.provenance.environment or "").startswith(f"environment {tmp_path}/cache/")
    assert model_sum(repository, result.run.name) == model_sum(repository, repository.name)
