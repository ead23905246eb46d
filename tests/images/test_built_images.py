"""The images as they are: built by Podman, kept by a real registry, run as a pod runs them.

`make images-test` alone runs these, and has put there what they need. What all stands on is a
Debian that is made here: Docker Hub may not be reached from everywhere.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_repository import Repository, a_repository
from toy_runs import name_plan
from vtspec.pipelines.catalog import load_frameworks, load_params
from vtspec.pipelines.images import build_labels
from vtspec.pipelines.operations.images import get_default_tag, hash_sources

pytestmark = pytest.mark.images

ROOT = Path(__file__).parents[2]

VTSPEC = Path(sys.executable).with_name("vtspec")

DEBIAN = "bookworm"

NAMES = ("base", "toy", "vtspec")

LOCKED = ("base", "vtspec")

SOURCES = ("pyproject.toml", "README.md", "LICENSE", ".dockerignore")

PORTIONS = ("schema", "adapters", "pipelines", "cli")

CANARY = "canary-4c1f0e7d"


@dataclass(frozen=True)
class Workshop:
    """A checkout of its own, Podman with a store of its own, and a registry."""

    checkout: Path
    environ: dict[str, str]
    registry: str
    crane: Path

    def run(self, *words: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run a program, which has to succeed."""
        done = self.start(*words, **options)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *words: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            words, env=self.environ, capture_output=True, text=True, check=False, **options
        )

    def vtspec(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run this checkout's own vtspec."""
        return self.run(VTSPEC, *words, cwd=self.checkout)

    def shell(self, image: str, script: str) -> str:
        """What a shell in an image says."""
        words = ("podman", "run", "--rm", "--entrypoint", "sh", image, "-c", script)
        return self.run(*words).stdout

    @property
    def toy(self) -> str:
        """The toy image by its digest, as a pod names it."""
        raw = yaml.safe_load((self.checkout / "images" / "toy" / "image.yaml").read_text())
        return f"{self.registry}/vtspec-toy@{raw['digest']}"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    tools = Path(os.environ["VTSPEC_IMAGE_TOOLS"])
    folder = tmp_path_factory.mktemp("workshop")
    checkout = folder / "checkout"
    for name in (*PORTIONS, "images"):
        ignore = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(ROOT / name, checkout / name, ignore=ignore)
    for name in SOURCES:
        shutil.copy(ROOT / name, checkout / name)
    # Nothing of a checkout but what is allowed for reaches a build.
    (checkout / ".env").write_text(f"TOKEN={CANARY}\n")
    (checkout / "images" / "toy" / ".dvc").mkdir()
    crane = tools / "bin" / "crane"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(checkout / name) for name in PORTIONS),
        "SECRET_TOKEN": CANARY,
        **configure_podman(folder, tools / "podman", host),
    }
    server = subprocess.Popen(
        [crane, "registry", "serve", "--address", host], stderr=subprocess.DEVNULL
    )
    try:
        found = Workshop(checkout, environ, f"{host}/team", crane)
        base = make_python_image(found, tools)
        done = found.run(
            *(VTSPEC, "images", "build", *NAMES, "--python-image", base), cwd=checkout
        )
        assert done.stdout.splitlines() == [
            f"built localhost/vtspec-{name}:{get_default_tag()}" for name in NAMES
        ]
        assert re.search(r"^building \S+ with Podman \d", done.stderr, flags=re.MULTILINE)
        yield found
        # The store is kept for its layers: those of an earlier day are of other sources.
        found.run("podman", "image", "prune", "--force", "--filter", "until=24h")
    finally:
        server.terminate()
        server.wait()


def configure_podman(folder: Path, kept: Path, host: str) -> dict[str, str]:
    """A Podman that is nobody else's, with limits that any machine allows."""
    runtime = 'runtime = "runc"\n' if shutil.which("runc") else ""
    files = {
        "CONTAINERS_CONF": '[containers]\nnetns = "host"\n'
        'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
        f'[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n{runtime}',
        # Layers are kept from one run of the tests to the next.
        "CONTAINERS_STORAGE_CONF": '[storage]\ndriver = "overlay"\n'
        f'graphroot = "{kept}"\nrunroot = "{folder}/podman"\n',
        "CONTAINERS_REGISTRIES_CONF": f'[[registry]]\nlocation = "{host}"\ninsecure = true\n',
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    return {name: str(folder / name) for name in files}


def make_python_image(workshop: Workshop, tools: Path) -> str:
    """A Debian with Python, and with what this machine trusts: its proxy may have its own CA."""
    archive = tools / f"{DEBIAN}-python3.tar"
    if not archive.is_file():
        partial = archive.with_suffix(".partial")
        workshop.run(
            *("mmdebstrap", "--variant=minbase", "--format=tar"),
            *("--include=python3,python3-venv,ca-certificates", DEBIAN, partial),
        )
        partial.rename(archive)
    # Imported anew it would be another image, and nothing that was built on it found again.
    if workshop.start("podman", "image", "exists", "localhost/debian-python").returncode != 0:
        workshop.run("podman", "import", archive, "localhost/debian-python")
    context = workshop.checkout.parent / "python-image"
    context.mkdir()
    trusted = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
    shutil.copy(trusted, context / "ca.crt")
    (context / "Dockerfile").write_text(
        "FROM localhost/debian-python\n"
        "COPY ca.crt /etc/ssl/certs/ca-certificates.crt\n"
        "RUN printf '[global]\\ncert = /etc/ssl/certs/ca-certificates.crt\\n' > /etc/pip.conf\n"
    )
    workshop.run("podman", "build", "--tag", "localhost/python-image", context)
    return "localhost/python-image"


@pytest.fixture(scope="module")
def locked(workshop: Workshop) -> Iterator[Workshop]:
    """The toy image in the registry, and its digest in image.yaml."""
    file = workshop.checkout / "images" / "toy" / "image.yaml"
    before = file.read_text()
    pushed = workshop.vtspec("images", "push", "toy", "--registry", workshop.registry)
    reference = f"{workshop.registry}/vtspec-toy:{get_default_tag()}"
    assert pushed.stdout == f"pushed {reference}\n"
    done = workshop.vtspec("images", "lock", "toy", "--registry", workshop.registry)
    answered = workshop.run(workshop.crane, "digest", "--insecure", reference).stdout.strip()
    assert done.stdout == f"{reference} locked: {answered} in {file}\n"
    assert file.read_text() == (
        f"{before}digest: {answered}  # of the published image: vtspec images lock\n"
    )
    yield workshop
    workshop.run("podman", "untag", f"localhost/vtspec-toy:{get_default_tag()}", reference)


def test_an_image_of_the_registry_is_whole(locked: Workshop) -> None:
    reference = locked.toy
    locked.run(locked.crane, "validate", "--insecure", "--remote", reference)


def test_a_locked_image_is_in_the_digest_of_a_plan_and_not_in_its_id(
    locked: Workshop, tmp_path: Path
) -> None:
    locked.run(VTSPEC, "init", tmp_path / "repository")
    words = (VTSPEC, "plan", "shapes-short", "--output", "json")
    plan = json.loads(locked.run(*words, cwd=tmp_path / "repository").stdout)
    assert plan["framework"]["imageDigest"] == locked.toy.partition("@")[2]
    # This checkout's own vtspec, whose image is not locked.
    others = {**locked.environ}
    del others["PYTHONPATH"]
    done = subprocess.run(
        words, env=others, cwd=tmp_path / "repository", capture_output=True, check=True
    )
    unlocked = json.loads(done.stdout)
    assert unlocked["framework"]["imageDigest"] is None
    assert (plan["id"], plan["digest"] != unlocked["digest"]) == (unlocked["id"], True)


def test_what_is_listed_is_what_is_there(locked: Workshop) -> None:
    rows = json.loads(locked.vtspec("images", "list", "--output", "json").stdout)
    found = {row["name"]: row for row in rows}
    assert {name: found[name]["local"] for name in NAMES} == dict.fromkeys(NAMES, "built")
    assert found["toy"]["digest"] == locked.toy.partition("@")[2]


def test_an_image_of_other_sources_is_neither_pushed_nor_locked(locked: Workshop) -> None:
    source = locked.checkout / "adapters" / "vtspec" / "adapters" / "toy" / "softmax.py"
    before = source.read_text()
    source.write_text(f"{before}# Another.\n")
    try:
        for name in ("push", "lock"):
            words = (VTSPEC, "images", name, "toy", "--registry", locked.registry)
            done = locked.start(*words, cwd=locked.checkout)
            assert (done.returncode, done.stdout) == (2, "")
            assert "was built from other files: dev.vtspec.sources is 'sha256:" in done.stderr
            assert "fix: vtspec images build toy" in done.stderr
    finally:
        source.write_text(before)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_says_what_its_files_say(workshop: Workshop, name: str) -> None:
    image = f"localhost/vtspec-{name}:{get_default_tag()}"
    inspected = workshop.run("podman", "image", "inspect", image).stdout
    (facts,) = json.loads(inspected)
    framework = load_frameworks().get(name)
    params = load_params(framework) if framework else {}
    sources = hash_sources(workshop.checkout)
    wanted = build_labels(name, get_default_tag(), framework, params, sources)
    assert {key: facts["Config"]["Labels"].get(key) for key in wanted} == wanted
    assert facts["Config"]["User"] == "10001:10001"
    assert facts["Config"]["Entrypoint"] == ["vtspec"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_builds_is_left_in_an_image(workshop: Workshop, name: str) -> None:
    image = f"localhost/vtspec-{name}:{get_default_tag()}"
    tools = "gcc cc c++ ld as make pip pip3 uv curl wget"
    # The controller reads commits with git.
    tools += "" if name == "vtspec" else " git"
    said = workshop.shell(image, f"for each in {tools}; do command -v $each; done; id -u")
    assert said.split() == ["10001"]
    found = "find /opt -name pip -o -name hatchling -o -name '*.whl' -o -name source"
    assert workshop.shell(image, f"{found}; ls /build /opt/pip 2>/dev/null; true") == ""


@pytest.mark.parametrize("name", NAMES)
def test_nobody_but_root_may_change_what_an_image_runs(workshop: Workshop, name: str) -> None:
    image = f"localhost/vtspec-{name}:{get_default_tag()}"
    writable = "find / -xdev -writable ! -type l ! -path '/proc/*' ! -path '/sys/*' "
    writable += "! -path '/dev/*' ! -path '/run/*' 2>/dev/null; true"
    found = set(workshop.shell(image, writable).split())
    homes = {"/home/vtspec", "/var/cache/vtspec", "/tmp", "/var/tmp", "/var/lock", "/run/lock"}
    assert {path for path in found if not path.startswith("/home/vtspec/")} <= homes


def test_the_image_of_vtspec_has_what_the_controller_needs(workshop: Workshop) -> None:
    image = f"localhost/vtspec-vtspec:{get_default_tag()}"
    packages = "boto3, dvc, fastapi, githubkit, kubernetes, mlflow, obstore, uvicorn"
    assert workshop.shell(image, "git --version").startswith("git version 2.")
    assert workshop.shell(image, f"python -c 'import {packages}'") == ""


def test_a_secret_of_the_machine_that_builds_is_in_no_image(workshop: Workshop) -> None:
    for name in NAMES:
        image = f"localhost/vtspec-{name}:{get_default_tag()}"
        searched = workshop.shell(
            image, f"grep -rl {CANARY} / --exclude-dir=proc 2>/dev/null; env"
        )
        assert CANARY not in searched
        assert re.search(r"^/", searched, flags=re.MULTILINE) is None
        history = workshop.run("podman", "history", "--no-trunc", image).stdout
        assert CANARY not in history


def test_the_two_environments_have_nothing_of_each_other(workshop: Workshop) -> None:
    image = f"localhost/vtspec-toy:{get_default_tag()}"
    ask = "/opt/framework/bin/python -c 'import {0}' 2>/dev/null && echo {0}; "
    modules = ("vtspec.adapters.toy", "vtspec.pipelines", "vtspec.schema", "pydantic", "click")
    said = workshop.shell(image, "".join(ask.format(name) for name in modules) + "true")
    assert said.split() == ["vtspec.adapters.toy"]
    versions = workshop.shell(image, "/opt/*/bin/python --version; ls -d /opt/*/lib/python3*")
    wanted = load_frameworks()["toy"].python
    assert set(re.findall(r"python(3\.\d+)", versions)) == {wanted}


def test_every_package_has_the_version_that_is_locked(workshop: Workshop) -> None:
    locks = {name: (ROOT / "images" / name / "requirements.txt").read_text() for name in LOCKED}
    for name, text in locks.items():
        image = f"localhost/vtspec-{name}:{get_default_tag()}"
        listing = "from importlib.metadata import distributions as d; "
        listing += "print(*(f'{x.name}=={x.version}' for x in d()))"
        said = workshop.shell(image, f'/opt/vtspec/bin/python -c "{listing}"').split()
        # What stands on the base has what is locked for that too.
        text = f"{locks['base']}\n{text}"
        locked = {
            _normalize(line) for line in re.findall(r"^(\S+==\S+) ;.*linux", text, re.MULTILINE)
        }
        assert len(locked) > 20
        own = f"vtspec=={get_default_tag()}"
        assert locked <= {_normalize(one) for one in said} <= locked | {own, *_markers(text)}


def _normalize(requirement: str) -> str:
    name, _, version = requirement.partition("==")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"


def _markers(text: str) -> set[str]:
    return {_normalize(one) for one in re.findall(r"^(\S+==\S+)", text, flags=re.MULTILINE)}


def run_step(workshop: Workshop, repository: Repository, work: Path, step: str, *more: str) -> Any:
    """One step as a pod runs it: nothing may be written but the run, and there is no /tmp."""
    volumes = (f"{repository.root}:/repository:ro",)
    return run_pod_step(workshop, volumes, work, step, "/repository/plan.json", *more)


def run_pod_step(
    workshop: Workshop, volumes: Sequence[str], work: Path, step: str, plan: str, *more: str
) -> Any:
    return workshop.start(
        *("podman", "run", "--rm", "--read-only", "--read-only-tmpfs=false", "--cap-drop=all"),
        *("--security-opt=no-new-privileges", "--name", f"step-{step}-{os.getpid()}"),
        *(word for each in volumes for word in ("--volume", each)),
        *("--volume", f"{work}:/run/vtspec", "--workdir", plan.rpartition("/")[0] or "/"),
        workshop.toy,
        *("step", step, "--plan", plan, "--workdir", "/run/vtspec", *more),
    )


def a_work_folder(folder: Path) -> Path:
    """A folder in which somebody of no account here may write."""
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def write_plan(repository: Repository, name: str = "toy") -> None:
    """The plan of a framework that is here, beside the data, where any user may read both."""
    framework = load_frameworks()[name]
    repository.plan["framework"] |= {
        "name": name,
        "adapter": framework.adapter,
        "adapterVersion": framework.adapter_version,
        "requirementsHash": framework.requirements_hash,
    }
    repository.plan = name_plan(repository.plan)
    (repository.root / "plan.json").write_text(json.dumps(repository.plan))
    for path in (repository.root, *repository.root.parents):
        if path.owner() == repository.root.owner() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)


def run_here(
    workshop: Workshop, repository: Repository, backend: str = "process", *more: str
) -> Path:
    """The same plan on this machine; the folder of the run."""
    done = workshop.start(
        *(VTSPEC, "run", "--plan", "plan.json", "--backend", backend),
        *("--no-tracking", *more),
        cwd=repository.root,
    )
    assert done.returncode == 0, done.stderr
    return repository.root / "runs" / repository.name


def hash_model(run: Path) -> str:
    return hashlib.sha256((run / "model" / "model.safetensors").read_bytes()).hexdigest()


def test_a_run_in_an_image_gives_the_bytes_of_one_on_this_machine(
    locked: Workshop, tmp_path: Path
) -> None:
    repository = a_repository(tmp_path / "repository")
    write_plan(repository)
    work = a_work_folder(tmp_path / "work")
    for step in ("data", "train", "evaluate", "export", "report"):
        done = run_step(locked, repository, work, step)
        assert done.returncode == 0, f"{step}: {done.stderr}"
    here = run_here(locked, repository)
    assert hash_model(work) == hash_model(here)
    assert (work / "report.html").is_file()
    assert not (work / ".tmp").exists()
    events = [json.loads(line) for line in (work / "events.jsonl").read_text().splitlines()]
    assert events[0]["environment"] == "environment /opt/framework"
    assert events[-1]["ending"] == "succeeded"
    assert [event for event in events if event["kind"] == "warning"] == []


def test_a_container_and_a_process_give_the_same_weights(locked: Workshop, tmp_path: Path) -> None:
    """Also where the first is stopped and goes on, and its model answers as the other's does."""
    found: dict[str, tuple[str, str]] = {}
    for backend in ("process", "container"):
        repository = a_repository(tmp_path / backend, per_class=60, training={"epochs": 200})
        write_plan(repository)
        if backend == "container":
            stop_midway(locked, repository)
            run = run_here(locked, repository, backend, "--resume")
        else:
            run = run_here(locked, repository, backend)
        events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
        assert events[0]["backend"] == backend
        images = sorted((repository.root / "data").rglob("*.png"))[:5]
        words = ("predict", run.name, *map(str, images), "--output", "csv")
        said = locked.run(VTSPEC, *words, cwd=repository.root).stdout
        found[backend] = hash_model(run), said.replace(str(repository.root), "")
        # Nobody else's files: those of whoever typed it.
        assert {path.owner() for path in run.rglob("*")} == {repository.root.owner()}
    assert found["container"] == found["process"]
    assert "vtspec-" not in locked.run("podman", "ps", "--all", "--format", "{{.Names}}").stdout


def test_digits_by_timm_give_the_same_weights_in_a_container(
    workshop: Workshop, tmp_path: Path
) -> None:
    """`digits-resnet18` for an epoch; its data are here once somebody has made them."""
    if not (ROOT / "data" / "digits").is_dir():
        subprocess.run(
            [Path(sys.executable).with_name("dvc"), "repro", "digits"], cwd=ROOT, check=True
        )
    workshop.vtspec("images", "build", "timm", "--python-image", "localhost/python-image")
    found = {}
    for backend in ("process", "container"):
        runs = tmp_path / backend
        workshop.run(
            *(VTSPEC, "run", "digits-resnet18", "--set", "training.epochs=1", "--no-tracking"),
            *("--set", "training.warmupEpochs=0", "--backend", backend, "--runs", runs),
            cwd=ROOT,
        )
        (run,) = [path for path in runs.iterdir() if (path / "events.jsonl").is_file()]
        found[backend] = hash_model(run), (run / "evaluation.json").read_bytes()
    assert found["container"] == found["process"]


def stop_midway(workshop: Workshop, repository: Repository) -> None:
    """Begin the run in a container, and end vtspec by SIGTERM once there is a checkpoint."""
    process = subprocess.Popen(
        (VTSPEC, "run", "--plan", "plan.json", "--backend", "container", "--no-tracking"),
        cwd=repository.root,
        env=workshop.environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if list(repository.root.glob("runs/*/checkpoints/*/")):
            break
        time.sleep(0.05)
    process.terminate()
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 75, said


def test_data_is_fetched_by_its_hash_into_a_cache_that_pods_share(
    locked: Workshop, tmp_path: Path
) -> None:
    repository = a_repository(tmp_path / "repository")
    repository.plan["dataset"]["source"] = {"type": "dvc", "path": "data/shapes"}
    write_plan(repository)
    dvc = Path(sys.executable).with_name("dvc")
    remote = tmp_path / "remote"
    for words in (
        ("init", "--quiet", "--no-scm"),
        ("add", "--quiet", "data/shapes"),
        ("remote", "add", "--quiet", "--default", "store", str(remote)),
        ("push", "--quiet"),
    ):
        subprocess.run([dvc, *words], cwd=repository.root, check=True)
    work, cache = a_work_folder(tmp_path / "work"), a_work_folder(tmp_path / "cache")
    volumes = (
        f"{repository.root}/plan.json:/plan.json:ro",
        f"{remote}:/remote:ro",
        f"{cache}:/var/cache/vtspec",
    )
    done = run_pod_step(locked, volumes, work, "data", "/plan.json", "--remote", "/remote")
    assert done.returncode == 0, done.stderr
    # The pod that trains has the node's cache, and neither the remote nor the repository.
    without = (volumes[0], volumes[2])
    for step in ("train", "evaluate", "export"):
        done = run_pod_step(locked, without, work, step, "/plan.json")
        assert done.returncode == 0, done.stderr
    assert (work / "model" / "model.safetensors").is_file()


def test_a_step_that_is_stopped_goes_on_in_another_container_bit_for_bit(
    locked: Workshop, tmp_path: Path
) -> None:
    repository = a_repository(tmp_path / "repository", per_class=60, training={"epochs": 200})
    write_plan(repository)
    work = a_work_folder(tmp_path / "work")
    assert run_step(locked, repository, work, "data").returncode == 0
    words = ("podman", "stop", "--time", "60", f"step-train-{os.getpid()}")
    # Stopped from here once it trains, as a kubelet does it: SIGTERM to the first process.
    waiting = os.fork()
    if waiting == 0:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not list(work.glob("checkpoints/*/")):
            time.sleep(0.05)
        os.execvpe("podman", words, locked.environ)
    done = run_step(locked, repository, work, "train")
    os.waitpid(waiting, 0)
    assert done.returncode == 75, done.stderr
    assert run_step(locked, repository, work, "train", "--resume").returncode == 0
    for step in ("evaluate", "export"):
        assert run_step(locked, repository, work, step).returncode == 0
    assert hash_model(work) == hash_model(run_here(locked, repository))


def test_a_framework_that_an_image_lacks_is_refused_in_it(
    locked: Workshop, tmp_path: Path
) -> None:
    repository = a_repository(tmp_path / "repository")
    write_plan(repository, "timm")
    work = a_work_folder(tmp_path / "work")
    done = run_step(locked, repository, work, "data")
    assert done.returncode != 0
    assert "VTSPEC_FRAMEWORK_PYTHON: /opt/framework/bin/python is not timm's" in done.stderr


def test_another_python_than_that_of_the_locks_is_refused(workshop: Workshop) -> None:
    context = workshop.checkout.parent / "other-python"
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(
        "FROM localhost/python-image\n"
        "RUN printf '#!/bin/sh\\nexec /usr/bin/python3.11 -c "
        '"import sys; sys.version_info = (3, 12, 0); exec(sys.argv[1])" "$2"\\n\' '
        "> /usr/local/bin/python3 && chmod +x /usr/local/bin/python3\n"
    )
    workshop.run("podman", "build", "--tag", "localhost/other-python", context)
    words = (VTSPEC, "images", "build", "base", "--tag", "other")
    done = workshop.start(
        *words, "--python-image", "localhost/other-python", cwd=workshop.checkout
    )
    assert done.returncode == 4
    assert "Python 3.11, not (3, 12)" in done.stdout + done.stderr
