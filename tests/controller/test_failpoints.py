"""Killed or failing before or after any durable step, controllers come to what they come to
otherwise: the same comments, answers, Workflows, runs and statuses, each once."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from controllers_world import Land, Scene, make_land, play_scene
from mortal_controller import MortalController
from object_storage import ObjectStorage
from vtspec.pipelines.failpoints import FAILPOINTS, VARIABLE, DurableStep

OF_A_RUN: tuple[DurableStep, ...] = (
    "cost.reserve",
    "run.take-name",
    "run.note-workflow",
    "run.store-plan",
    "run.drop-note",
    "plan-config.create",
    "workflow.create",
    "credential.put",
    "comment.create",
    "reaction.add",
)
"""What is done for an approval, in this order: of what fails, none of what comes after is done."""

SCRIPT: tuple[tuple[str, tuple[DurableStep, ...]], ...] = (
    ("open", ("git.fetch", "check.report")),
    ("push", ("comment.update",)),
    ("apply", OF_A_RUN),
    ("stop", ("workflow.change",)),
    ("end", ("run.tell-event",)),
    ("apply", ("run.tell-event",)),
    ("succeed", ("status.set", "tracking.send")),
    ("rerun", OF_A_RUN),
    ("stop", ("workflow.change",)),
    ("end", ()),
    ("rerun", ()),
    ("succeed", ("status.set", "tracking.send")),
    ("push", ("git.fetch", "check.report")),
    ("push", ("comment.update",)),
    ("merge", ()),
)
"""What people and the cluster do, and the steps at which controllers die then: each step twice."""


def play(scene: Scene, action: str | None = None) -> Mapping[str, Any]:
    """A plan is proposed and pushed to, run, stopped, gone on with, run again and merged; before
    and after each step of the script a controller is killed or fails. What is there in the end."""
    heads, line = iter(scene.land.heads), ""
    for deed, steps in SCRIPT:
        scene.arm(
            [f"{step}.{side}={action}" for step in steps for side in ("before", "after")]
            if action
            else []
        )
        match deed:
            case "open":
                scene.repository.open_pull_request(next(heads))
                scene.settle()
                line = scene.find_line()
            case "push":
                scene.push(next(heads))
            case "apply":
                scene.comment(line)
            case "stop":
                scene.comment("/vtspec stop")
            case "end":
                scene.stop()
            case "rerun":
                scene.comment("/vtspec rerun")
            case "succeed":
                scene.succeed()
            case "merge":
                scene.repository.close(1, is_merged=True)
                scene.settle()
        assert not scene.failpoints, f"not met in {deed}: {scene.failpoints}\n{scene.said}"
    return scene.describe()


@dataclass(frozen=True)
class Theatre:
    """Where scenarios are played, and the processes of both controllers, which take seconds to
    begin."""

    land: Land
    controllers: Sequence[MortalController]

    def open(self, folder: Path, count: int) -> AbstractContextManager[Scene]:
        """The scene with that many controllers, on fresh servers."""
        return play_scene(self.land, folder, self.controllers[:count])


@pytest.fixture(scope="module")
def theatre(storage: ObjectStorage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in storage.environment.items():
            patch.setenv(name, value)
        land = make_land(tmp_path_factory.mktemp("land"), storage, "failpoints")
        made = [MortalController(os.environ) for _ in range(2)]
        yield Theatre(land, made)
        for one in made:
            one.close()


@pytest.fixture(scope="module")
def faultless(theatre: Theatre, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What one controller comes to that nothing befalls."""
    with theatre.open(tmp_path_factory.mktemp("faultless"), 1) as scene:
        return play(scene)


def test_what_nothing_befalls_is_whole(faultless: Mapping[str, Any]) -> None:
    assert len(faultless["workflows"]) == 3
    ends = sorted(status for _, status in faultless["tracked"])
    assert ends == ["FINISHED", "FINISHED", "KILLED"]
    assert all(set(one) & {"rocket", "-1"} for one in faultless["reactions"])


@pytest.mark.slow
# One that has nobody to go on for it; and two that are as fast as each other. A scenario takes a
# minute of processor time.
@pytest.mark.parametrize(
    ("action", "count"),
    [
        ("kill", 1),
        pytest.param("error", 2, marks=pytest.mark.exhaustive),
        pytest.param("kill", 2, marks=pytest.mark.exhaustive),
        pytest.param("error", 1, marks=pytest.mark.exhaustive),
    ],
)
def test_controllers_that_die_at_every_step_come_to_the_same(
    action: str, count: int, theatre: Theatre, faultless: Mapping[str, Any], tmp_path: Path
) -> None:
    with theatre.open(tmp_path, count) as scene:
        found = play(scene, action)
    for part, expected in faultless.items():
        assert found[part] == expected, scene.said


def test_each_durable_step_is_twice_in_the_script() -> None:
    steps = [step for _, steps in SCRIPT for step in steps]
    assert Counter(steps) == dict.fromkeys(get_args(DurableStep), 2)
    assert len(FAILPOINTS) == 2 * len(set(steps))


@pytest.mark.parametrize(
    ("word", "fix"),
    [
        ("workflow.creat.after=kill", f"{VARIABLE}=workflow.create.after=kill"),
        ("workflow.create.after=burn", f"{VARIABLE}=workflow.create.after=kill, or =error"),
        ("workflow.create.after=kill@x", f"{VARIABLE}=workflow.create.after=kill, or =error"),
    ],
)
def test_a_failpoint_that_is_none_is_refused_with_one_that_is(word: str, fix: str) -> None:
    program = "from vtspec.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "controller", "acme/vision"],
        env={**os.environ, VARIABLE: word},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert fix in done.stderr
