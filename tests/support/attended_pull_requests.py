"""A pull request that controllers look after while time goes by, put back to how it was between
scenarios: what takes long, its plan, is made once."""

import copy
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from forge_sites import GitHubSite
from kubernetes_server import KubernetesServer
from object_storage import ObjectStorage
from served_pull_requests import PullRequests, serve_pull_requests
from stepped_worker import SteppedTime
from vtspec.pipelines.cache_folder import get_mirror_folder
from vtspec.pipelines.controller.markers import DUPLICATE
from vtspec.pipelines.controller.observed_runs import ObservedRuns
from vtspec.pipelines.runs import Runs

LONG_S: Final = 60.0
"""After which time all that is to come has come."""


class Attended:
    """What there is, with as many controllers as a scenario wants. `sites` are theirs."""

    def __init__(self, pulls: PullRequests) -> None:
        self.pulls = pulls
        other = pulls.make_site(pulls.github.forge, pulls.world.root.parent / "other.git")
        cache = {"VTSPEC_CACHE": str(pulls.world.root.parent / "other-cache")}
        self.sites = (pulls.site, replace(other, environ={**other.environ, **cache}))
        self.line = ""
        self.time = SteppedTime()
        self._kept: tuple[Any, ...] = ()

    @property
    def github(self) -> GitHubSite:
        return self.pulls.github

    @property
    def server(self) -> KubernetesServer:
        return self.pulls.world.server

    @property
    def said(self) -> list[str]:
        """What the controllers have reported."""
        return [line for one in self.time.workers for line in one.said]

    def keep(self) -> None:
        """Tell the plan, and keep what there is then."""
        for site in self.sites:
            self.pulls.site = site
            self.pulls.settle()
        self.pulls.site = self.sites[0]
        self.line = self.pulls.find_line()
        there = self.github.repository
        self._kept = copy.deepcopy(
            (there.comments, there.reactions, there.statuses, there.pull_requests)
        )

    def reset(self, controllers: int = 1) -> None:
        """Back to what was kept, with so many controllers, which have just begun."""
        there = self.github.repository
        kept = copy.deepcopy(self._kept)
        there.comments, there.reactions, there.statuses, there.pull_requests = kept
        self.github.server.faults.clear()
        self.server.faults.clear()
        self.server.denied.clear()
        self.server.is_down = False
        self.server.objects.clear()
        world = self.pulls.world
        stored = [one.key for one in world.store.list_objects()]
        if stored:
            world.store.delete(stored)
        self.time = SteppedTime(on_pass=self._pass)
        for folder in self._list_mirrors():
            shutil.rmtree(folder, ignore_errors=True)
        # What was written in the last scenario is not remembered any more.
        self._pass(3700.0)
        for site in self.sites:
            site.runs = ObservedRuns()
            for remembered in (
                site.statuses,
                site.checks,
                site.concluded,
                site.opened,
                site.heads,
            ):
                remembered.clear()
        for site in self.sites[:controllers]:
            self.time.add(site)

    def _pass(self, seconds: float) -> None:
        self.github.clock.time += seconds
        self.github.server.world.now += timedelta(seconds=seconds)
        for folder in self._list_mirrors():
            mirror = Runs(folder).mirror
            assert mirror is not None
            # It has a clock of its own.
            mirror.forget()

    def _list_mirrors(self) -> list[Path]:
        return [get_mirror_folder(self.pulls.world.url, one.environ) for one in self.sites]

    def pass_days(self, days: int) -> None:
        """Let time go by in which nobody looks."""
        self.time.now += days * 86_400.0
        self._pass(days * 86_400.0)

    def approve(self) -> int:
        """Somebody pastes the line of the plan comment, and everybody is told so; its id."""
        return self.say(self.line)

    def say(self, words: str, at: int | None = None) -> int:
        """Somebody writes a comment, and everybody is told so; its id."""
        number = at or self.pulls.number
        said = self.github.write_comment(number, words, author="ben")
        for one in self.time.workers:
            one.worker.tell(number, is_urgent=True)
        return said

    def find_workflow(self) -> dict[str, Any]:
        """The only Workflow there is."""
        (name,) = self.server.workflows()
        found = self.server.workflow(name)
        assert found is not None
        return found

    def find_comments(self, kind: str) -> list[str]:
        """What the controllers have written of a kind."""
        marker = f"<!-- vtspec:{kind} "
        return [body for body in self.pulls.read_comments() if body.startswith(marker)]

    def read_answer(self, comment: int) -> str:
        """What was answered to a command, once; "" where nothing was."""
        found = self.find_comments(f"reply {comment}")
        assert len(found) < 2, found
        return found[0] if found else ""

    def describe(self) -> Mapping[str, Any]:
        """All that is there, without times and ids."""
        there = self.github.repository
        people = [one.id for one in there.comments.values() if one.author != self.github.bot]
        statuses = {(one.sha, one.context): one for one in there.statuses}
        return {
            "comments": sorted(
                _mask(body, people)
                for body in self.pulls.read_comments()
                if body.strip() != DUPLICATE.strip()
            ),
            # That a command was seen is told while its answer is to come, or not at all.
            "reactions": [
                sorted(
                    one.content
                    for one in there.reactions.values()
                    if one.comment == comment and one.content != "eyes"
                )
                for comment in people
            ],
            "statuses": sorted(
                (*key, one.state, _mask(one.description or "", people))
                for key, one in statuses.items()
            ),
            "objects": sorted(
                (path, _mask(json.dumps(_read_marks(one), sort_keys=True), people))
                for path, one in self.server.objects.items()
            ),
            "stored": sorted(one.key for one in self.pulls.world.store.list_objects()),
        }


def _read_marks(one: Mapping[str, Any]) -> Mapping[str, Any]:
    found = {kind: one["metadata"].get(kind, {}) for kind in ("labels", "annotations")}
    return {**found, "shutdown": one.get("spec", {}).get("shutdown")}


def _mask(text: str, people: list[int]) -> str:
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00)?", "TIME", text)
    for turn, comment in enumerate(people):
        text = re.sub(rf"(?<!\w){comment}(?!\w)", f"said-{turn}", text)
    # Whoever was cut short before it answered says that the run was begun, not that it begins.
    return re.sub(r"(🚀) .*?(`[a-z0-9-]+`).*", r"\1 \2", text)


@contextmanager
def attend_pull_request(storage: ObjectStorage, folder: Path) -> Iterator[Attended]:
    """One that is planned, while the context lasts."""
    with pytest.MonkeyPatch.context() as patch:
        with serve_pull_requests(storage, folder, patch) as pulls:
            found = Attended(pulls)
            found.keep()
            yield found


def expect_the_same(scene: Attended, faultless: Mapping[str, Any]) -> None:
    """All is as where nothing befell it."""
    found = scene.describe()
    for part, expected in faultless.items():
        assert found[part] == expected, scene.said
