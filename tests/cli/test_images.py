"""`vtspec images`, without an engine: what it says, and that nothing is done by halves."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vtspec.pipelines.catalog import get_images_folder

IMAGES = sorted(file.parent.name for file in get_images_folder().glob("*/Dockerfile"))

VTSPEC = Path(sys.executable).with_name("vtspec")


def run(
    *words: str, path: Path | None = None, cwd: Path = Path("/")
) -> "subprocess.CompletedProcess[str]":
    """The command outside of any repository, with nothing on PATH but what `path` holds."""
    return subprocess.run(
        [VTSPEC, "images", *words],
        cwd=cwd,
        env={**os.environ, "PATH": str(path or "/nowhere")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", [("build", "toy"), ("push", "toy", "--registry", "ghcr.io")])
def test_without_docker_or_podman_it_is_said_what_to_install(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == (
        "neither Docker nor Podman is on PATH\n"
        "  fix: install one, such as: apt-get install podman\n"
    )


def test_the_images_are_listed_without_an_engine_too() -> None:
    done = run("list")
    assert done.returncode == 0
    assert done.stderr == (
        "neither Docker nor Podman is on PATH: whether an image is here is not known\n"
    )
    headings, *rows = done.stdout.splitlines()
    assert headings.split() == ["image", "adapter", "tasks", "here", "pinned"]
    assert [row.split()[0] for row in rows] == IMAGES
    assert all("not known" in row for row in rows)


def test_an_engine_that_is_insisted_on_has_to_be_there() -> None:
    done = run("list", "--engine", "podman")
    assert (done.returncode, done.stdout) == (4, "")
    assert "there is no podman on PATH" in done.stderr


def test_the_list_is_there_for_programs() -> None:
    rows = {row["name"]: row for row in json.loads(run("list", "--output", "json").stdout)}
    assert rows["toy"] == {
        "name": "toy",
        "framework": "toy",
        "adapter": "toy",
        "tasks": ["image-classification"],
        "digest": None,
        "local": "unknown",
        "differences": [],
    }
    assert rows["vtspec"]["framework"] is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("build",), "Missing argument 'NAME...'"),
        (("build", "tooy"), "there is no image 'tooy'\n  fix: did you mean 'toy'?\n"),
        (("push", "toy"), "no registry of images is named\n  fix: add --registry"),
        (("lock", "toy"), "no registry of images is named\n  fix: add --registry"),
        (("lock", "toy", "--registry", "Team"), "--registry: must be HOST[:PORT][/PATH]"),
        (("lock", "toy", "--registry", "ghcr.io", "--tag", ":"), "--tag: must be letters"),
        (("lock", "base", "--registry", "ghcr.io"), "base: no plan pins it"),
        (("lock", "toy", "vtspec", "--registry", "ghcr.io"), "vtspec: no plan pins it"),
    ],
)
def test_what_was_typed_wrongly_is_told(words: tuple[str, ...], says: str) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def an_engine(folder: Path) -> Path:
    """A Docker that has each image, built by somebody else."""
    program = folder / "docker"
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$*" >> {folder}/asked\n'
        'case "$1" in\n'
        '  --version) echo "Docker version 28.3.0, build 0" ;;\n'
        """  image) echo '{"maintainer": "somebody"}' ;;\n"""
        "esac\n"
    )
    program.chmod(0o755)
    return folder


def test_an_image_of_other_files_is_not_pushed(tmp_path: Path) -> None:
    done = run("push", "toy", "timm", "--registry", "ghcr.io/team", path=an_engine(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "it has none of vtspec's labels" in done.stderr
    assert "fix: vtspec images build toy, and push it" in done.stderr
    asked = (tmp_path / "asked").read_text()
    assert "push" not in asked and "tag" not in asked


def test_an_image_of_other_files_is_listed_as_outdated(tmp_path: Path) -> None:
    done = run("list", path=an_engine(tmp_path))
    assert done.stdout.count("outdated") == len(IMAGES)
    assert "toy was built from other files: it has none of vtspec's labels" in done.stdout


def test_which_engine_builds_what_on_what_is_told(tmp_path: Path) -> None:
    folder = an_engine(tmp_path)
    done = run("build", "toy", "base", "--tag", "t1", "--python-image", "mine:3.11", path=folder)
    assert done.stdout == "built localhost/vtspec-base:t1\nbuilt localhost/vtspec-toy:t1\n"
    engine = f"Docker 28.3.0 ({folder / 'docker'})"
    assert done.stderr.splitlines() == [
        f"building localhost/vtspec-base:t1 with {engine}",
        f"building localhost/vtspec-toy:t1 with {engine}",
    ]
    asked = (tmp_path / "asked").read_text()
    builds = [line for line in asked.splitlines() if line.startswith("build ")]
    images = get_images_folder()
    assert [line.split()[2] for line in builds] == [
        str(images / "base" / "Dockerfile"),
        str(images / "toy" / "Dockerfile"),
    ]
    assert builds[0].endswith(f"--build-arg PYTHON_IMAGE=mine:3.11 {images.parent}")
    assert builds[1].endswith(f"--build-arg BASE=localhost/vtspec-base:t1 {images.parent}")
    assert "--label dev.vtspec.adapter=toy " in builds[1]


def test_the_registry_is_the_one_of_vtspec_yaml_where_none_is_named(
    tmp_path: Path,
) -> None:
    (tmp_path / "vtspec.yaml").write_text(
        "apiVersion: vtspec.dev/v1alpha1\nkind: Project\nmetadata: {name: mine}\n"
        "spec: {registry: '127.0.0.1:9/team'}\n"
    )
    done = run("lock", "toy", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (75, "")
    assert done.stderr.startswith("127.0.0.1:9 did not answer: ")
