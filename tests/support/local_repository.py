"""Builders for carrying out: a repository with data for the toy adapter, and ways to run it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toy_runs import a_plan, name_plan, write_pictures
from vtspec.adapters.data.content_hash import hash_content
from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.execution.environment import Environment, Environments
from vtspec.pipelines.execution.local import LocalRunner
from vtspec.pipelines.execution.steps import RunContext, StopSignal, Tracker
from vtspec.pipelines.planning.plan_model import Plan, plan_from_json
from vtspec.pipelines.runs import Runs
from vtspec.pipelines.runs.events import Event
from vtspec.pipelines.runs.state import RunState


@dataclass
class Repository:
    """A repository on disk whose plan takes well under a second."""

    root: Path
    plan: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the plan's first attempt."""
        return self.planned.id

    @property
    def planned(self) -> Plan:
        return plan_from_json(name_plan(self.plan))

    @property
    def runs(self) -> Runs:
        return Runs(self.root / "runs")


def a_repository(root: Path, *, per_class: int = 6, **changes: Any) -> Repository:
    """A repository with pictures and a plan for them; `changes` as for `toy_runs.a_plan`."""
    data = write_pictures(root / "data" / "shapes", per_class=per_class)
    plan = a_plan(**changes)
    plan["dataset"] |= {
        "hash": hash_content(data).hash,
        "source": {"type": "path", "path": "data/shapes"},
    }
    return Repository(root=root, plan=name_plan(plan))


@dataclass
class Watcher:
    """Remembers what it was told, and asks to stop at a kind of event."""

    stop: StopSignal = field(default_factory=StopSignal)
    stop_at: str | None = None
    events: list[Event] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    reports: list[Path] = field(default_factory=list)

    def told(self, event: Event, _state: RunState) -> None:
        self.events.append(event)
        if event.kind == self.stop_at:
            self.stop.request("interrupted")
            self.stop_at = None

    def write_report(self, folder: Path, _report: object) -> str:
        self.reports.append(folder)
        (folder / "report.md").write_text("# A report\n")
        return "passed"

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def a_local(repository: Repository, watcher: Watcher, **changes: Any) -> LocalRunner:
    """What carries the repository's plan out, told to `watcher`; `changes` are of `RunContext`."""
    cache = repository.root / "cache"
    place: dict[str, Any] = {
        "root": repository.root,
        "cache": cache,
        "stop": watcher.stop,
        "report": watcher.said.append,
        "write_report": watcher.write_report,
        "download": refuse_download,
        "track": untracked,
        "told": watcher.told,
        **changes,
    }
    return LocalRunner(
        runs=repository.runs,
        place=RunContext(**place),
        choose=lambda: this_python(cache),
        ready=lambda: None,
    )


def refuse_download(name: str, version: str, cache: Path) -> Path:
    """No test's plan starts from a registered model, unless it brings its own download."""
    raise AssertionError(f"{name} {version} is not to be downloaded")


def this_python(cache: Path) -> Environment:
    return Environments(cache=cache, report=print).choose(load_frameworks()["toy"])


def untracked(_folder: Path) -> Tracker | None:
    return None


def model_sum(repository: Repository, run: str) -> str:
    """The checksum of a run's final weights, by its terminal event."""
    found: Mapping[str, str] = repository.runs.find(run).read_state().artifacts
    return found["model/model.safetensors"]
