"""Docker or Podman: whichever is here and answers, and its own words where it does not."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.images import ContainerEngine, find_engine

# Keeps images as files beside itself, and writes down what it was asked.
ENGINE = """\
#!/bin/sh
here=$(dirname "$0")
printf '%s\\n' "$*" >> "$here/asked"
case "$1" in
  --version) echo "Podman version 5.4.2, build 0" ;;
  info) {info} ;;
  image) cat "$here/labels" 2>/dev/null || exit 125 ;;
  *) echo "words of a $1" >&2; {rest} ;;
esac
"""


def an_engine(folder: Path, *, info: str = "exit 0", rest: str = "exit 0") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "engine"
    program.write_text(ENGINE.format(info=info, rest=rest))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def finding(**programs: Path) -> Callable[[str], str | None]:
    return lambda name: str(programs[name]) if name in programs else None


def test_docker_is_taken_before_podman_where_both_answer(tmp_path: Path) -> None:
    docker, podman = an_engine(tmp_path / "d"), an_engine(tmp_path / "p")
    found = find_engine(None, finding(docker=docker, podman=podman))
    assert str(found) == f"Docker 5.4.2 ({docker})"
    assert find_engine("podman", finding(docker=docker, podman=podman)).program == podman


def test_podman_is_taken_where_docker_has_no_daemon(tmp_path: Path) -> None:
    docker = an_engine(tmp_path / "d", info="echo no daemon >&2; exit 1")
    podman = an_engine(tmp_path / "p")
    assert find_engine(None, finding(docker=docker, podman=podman)).name == "podman"


def test_an_engine_that_does_not_answer_is_told_in_its_own_words(tmp_path: Path) -> None:
    docker = an_engine(tmp_path / "d", info="echo first; echo no daemon >&2; exit 1")
    with pytest.raises(Permanent) as caught:
        find_engine(None, finding(docker=docker))
    assert caught.value.message == f"{docker} does not answer: no daemon"
    assert caught.value.fix == "start it, or install one, such as: apt-get install podman"


def test_a_program_that_cannot_be_run_is_no_engine(tmp_path: Path) -> None:
    program = tmp_path / "docker"
    program.write_text("")
    with pytest.raises(Permanent, match="does not answer: it cannot be run"):
        find_engine("docker", finding(docker=program))


def test_without_any_it_is_said_what_to_install() -> None:
    with pytest.raises(Permanent, match="neither Docker nor Podman is on PATH") as caught:
        find_engine(None, finding())
    assert caught.value.fix == "install one, such as: apt-get install podman"
    with pytest.raises(Permanent, match="there is no podman on PATH"):
        find_engine("podman", finding())


def an_image_engine(program: Path) -> ContainerEngine:
    return ContainerEngine(name="podman", program=program, version="5.4.2")


def test_a_build_is_told_its_labels_and_arguments_whatever_they_hold(tmp_path: Path) -> None:
    program = an_engine(tmp_path)
    an_image_engine(program).build(
        tmp_path,
        tmp_path / "Dockerfile",
        "localhost/vtspec-toy:1",
        labels={"a": "b=c $(touch canary)", "params": '{"x": "it\'s"}'},
        arguments={"BASE": "x"},
    )
    assert (tmp_path / "asked").read_text() == (
        f"build --file {tmp_path}/Dockerfile --tag localhost/vtspec-toy:1 "
        '--label a=b=c $(touch canary) --label params={"x": "it\'s"} '
        f"--build-arg BASE=x {tmp_path}\n"
    )
    assert not (tmp_path / "canary").exists()


def test_what_the_engine_refuses_is_told_with_its_exit_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    engine = an_image_engine(an_engine(tmp_path, rest="exit 7"))
    with pytest.raises(Permanent, match="not built: podman build ended with exit code 7"):
        engine.build(tmp_path, tmp_path / "Dockerfile", "x", labels={}, arguments={})
    told = capfd.readouterr()
    assert (told.out, told.err) == ("", "words of a build\n")


def test_a_registry_that_refuses_a_push_may_want_a_login(tmp_path: Path) -> None:
    engine = an_image_engine(an_engine(tmp_path, rest='test "$1" = tag'))
    with pytest.raises(Permanent, match="podman push ended with exit code 1") as caught:
        engine.push("localhost/vtspec-toy:1", "ghcr.io/team/vtspec-toy:1")
    assert caught.value.fix == "podman login ghcr.io, and push again"
    assert (tmp_path / "asked").read_text().splitlines() == [
        "tag localhost/vtspec-toy:1 ghcr.io/team/vtspec-toy:1",
        "push ghcr.io/team/vtspec-toy:1",
    ]


@pytest.mark.parametrize("labels", [{"a": "b"}, {}])
def test_the_labels_of_an_image_are_read_where_it_is_here(
    tmp_path: Path, labels: dict[str, str]
) -> None:
    engine = an_image_engine(an_engine(tmp_path))
    assert engine.read_labels("localhost/vtspec-toy:1") is None
    # Docker writes null where there are none.
    (tmp_path / "labels").write_text(json.dumps(labels or None))
    assert engine.read_labels("localhost/vtspec-toy:1") == labels


def test_an_engine_is_looked_for_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_engine(tmp_path).rename(tmp_path / "podman")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    assert find_engine("podman").program == tmp_path / "podman"
