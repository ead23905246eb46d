"""What every Dockerfile under images/ keeps to; `make images-test` builds them."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from vtspec.pipelines.catalog import list_trained_tasks, load_frameworks
from vtspec.pipelines.execution.image_environment import FRAMEWORK_PYTHON
from vtspec.pipelines.redaction import is_secret_name

ROOT = Path(__file__).parents[2]

FRAMEWORKS = [each for each in load_frameworks().values() if list_trained_tasks(each)]

PYTHON = FRAMEWORKS[0].python


@dataclass(frozen=True)
class Stage:
    """One FROM and the instructions below it, `NAME rest of the line`."""

    base: str
    name: str | None
    instructions: list[tuple[str, str]]

    def get(self, name: str) -> list[str]:
        return [rest for found, rest in self.instructions if found == name]


@dataclass(frozen=True)
class Dockerfile:
    arguments: dict[str, str]
    stages: list[Stage]

    def get(self, name: str) -> list[str]:
        return [rest for stage in self.stages for rest in stage.get(name)]


def read_dockerfile(file: Path) -> Dockerfile:
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    found = Dockerfile({}, [])
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, rest = " ".join(line.split()).partition(" ")
        if name == "FROM":
            base, _, stage = rest.partition(" AS ")
            found.stages.append(Stage(base, stage or None, []))
        elif name == "ARG" and not found.stages:
            argument, _, default = rest.partition("=")
            found.arguments[argument] = default
        elif name:
            found.stages[-1].instructions.append((name, rest))
    return found


DOCKERFILES = {
    file.parent.name: read_dockerfile(file) for file in (ROOT / "images").glob("*/Dockerfile")
}

EVERY = pytest.mark.parametrize("image", list(DOCKERFILES.values()), ids=list(DOCKERFILES))

EVERY_FRAMEWORK = pytest.mark.parametrize("name", [each.name for each in FRAMEWORKS])


def test_there_is_an_image_of_vtspec_and_of_each_framework_that_can_be_run() -> None:
    assert set(DOCKERFILES) == {"base", "vtspec", *(each.name for each in FRAMEWORKS)}


@EVERY
def test_an_image_is_made_of_what_earlier_stages_built(image: Dockerfile) -> None:
    *before, last = image.stages
    names = [stage.name for stage in before]
    copied = re.findall(r"^--from=(\S+) ", "\n".join(last.get("COPY")), flags=re.MULTILINE)
    assert copied and len(copied) == len(last.get("COPY"))
    assert set(copied) == set(names)
    # Nothing is installed where it stays: neither pip nor a package manager, nor its cache; but
    # git, by which the controller reads commits, and whose libraries are Debian's.
    runs = [run for run in last.get("RUN") if re.search(r"\b(pip|apt|apt-get|curl)\b", run)]
    if image is DOCKERFILES["vtspec"]:
        (run,) = runs
        assert re.findall(r"install -y --no-install-recommends (.*?) &&", run) == ["git"]
        assert run.endswith("rm -rf /var/lib/apt/lists/*")
    else:
        assert runs == []


@EVERY
def test_what_an_image_is_built_on_is_a_persons_to_choose(image: Dockerfile) -> None:
    own = {stage.name for stage in image.stages}
    based = {stage.base for stage in image.stages} - own
    assert based == {f"${{{name}}}" for name in image.arguments}
    defaults = {
        "PYTHON_IMAGE": DOCKERFILES["base"].arguments["PYTHON_IMAGE"],
        "BASE": "vtspec-base",
    }
    assert image.arguments and image.arguments.items() <= defaults.items()


def test_every_image_has_one_python() -> None:
    assert re.search(
        rf":{re.escape(PYTHON)}-[\w.-]+$", DOCKERFILES["base"].arguments["PYTHON_IMAGE"]
    )
    (check,) = (run for run in DOCKERFILES["base"].get("RUN") if "version_info" in run)
    assert f"== ({PYTHON.replace('.', ', ')})" in check
    texts = {name: (ROOT / "images" / name / "Dockerfile").read_text() for name in DOCKERFILES}
    named = {name: set(re.findall(r"lib/python(3\.\d+)", text)) for name, text in texts.items()}
    assert {name: found for name, found in named.items() if found - {PYTHON}} == {}


@EVERY
def test_only_locked_wheels_are_installed(image: Dockerfile) -> None:
    installs = [
        part
        for run in image.get("RUN")
        for part in run.split(" && ")
        if re.search(r"pip\b.* (install|wheel) ", part)
    ]
    assert [part for part in installs if "--no-index" not in part and not _is_locked(part)] == []


def _is_locked(install: str) -> bool:
    return {"--no-deps", "--require-hashes", "--only-binary=:all:"} <= set(install.split())


def test_an_image_with_a_lock_installs_it() -> None:
    for file in (ROOT / "images").glob("*/*requirements.txt"):
        if "==" in file.read_text():
            image = DOCKERFILES[file.parent.name]
            copied = [word for copy in image.get("COPY") for word in copy.split()[:-1]]
            assert str(file.relative_to(ROOT)) in copied
            assert any(f"--requirement /build/{file.name}" in run for run in image.get("RUN"))


@EVERY
def test_what_is_copied_is_there_and_reaches_the_build(image: Dockerfile) -> None:
    allowed = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE)
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
    for copy in image.get("COPY"):
        if copy.startswith("--from="):
            continue
        for path in copy.split()[:-1]:
            assert (ROOT / path).exists(), path
            assert path.partition("/")[0] in allowed, path


@EVERY
def test_a_secret_never_comes_near_an_image(image: Dockerfile) -> None:
    named = [word.partition("=")[0] for line in image.get("ENV") for word in line.split()]
    named += [word.partition("=")[0] for word in image.get("ARG")] + [*image.arguments]
    assert [name for name in named if is_secret_name(name)] == []
    assert image.get("ADD") == []


def test_nobody_in_an_image_is_root() -> None:
    assert DOCKERFILES["base"].stages[-1].get("USER") == ["10001:10001"]
    others = {name: image for name, image in DOCKERFILES.items() if name != "base"}
    # What stands on it stays it.
    users = {name: image.stages[-1].get("USER") for name, image in others.items()}
    # For the one package of Debian's that it has.
    assert users.pop("vtspec") == ["root", "10001:10001"]
    assert users == {name: [] for name in users}


def test_an_image_starts_vtspec() -> None:
    entries = {name: image.stages[-1].get("ENTRYPOINT") for name, image in DOCKERFILES.items()}
    assert entries.pop("base") == ['["vtspec"]']
    assert set(map(tuple, entries.values())) == {()}


@EVERY_FRAMEWORK
def test_a_frameworks_image_says_which_python_is_its_own(name: str) -> None:
    last = DOCKERFILES[name].stages[-1]
    assert last.get("ENV") == [f"{FRAMEWORK_PYTHON}=/opt/framework/bin/python"]
    environment, adapters = (copy.split() for copy in last.get("COPY"))
    assert environment[1:] == ["/opt/framework", "/opt/framework"]
    # Last, so that another vtspec leaves the layer of the framework's packages as it is.
    inside = f"lib/python{PYTHON}/site-packages/vtspec/adapters"
    assert adapters[1:] == [f"/opt/vtspec/{inside}", f"/opt/framework/{inside}"]


def test_locked_packages_are_a_layer_that_no_other_vtspec_changes() -> None:
    folders = {file.parent.name for file in (ROOT / "images").glob("*/*requirements.txt")}
    locked = sorted(name for name in folders if _has_lock(name))
    assert {"base", "timm", "vtspec"} <= set(locked)
    for name in locked:
        packages = DOCKERFILES[name].stages[0]
        assert (packages.name, packages.base) == ("packages", "${PYTHON_IMAGE}")
        copied = [word for copy in packages.get("COPY") for word in copy.split()[:-1]]
        assert [path for path in copied if not path.endswith("requirements.txt")] == []
        assert DOCKERFILES[name].stages[-1].get("COPY")[0].startswith("--from=packages ")


def _has_lock(image: str) -> bool:
    return "==" in (ROOT / "images" / image / "requirements.txt").read_text()


def test_the_own_image_has_no_framework() -> None:
    assert DOCKERFILES["vtspec"].stages[-1].get("ENV") == []
