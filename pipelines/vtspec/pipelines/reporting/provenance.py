"""What was run: the facts that let someone trust a result, find its parts and repeat it."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vtspec.pipelines.formatting import format_duration, format_number, format_size
from vtspec.pipelines.runs.events import Event
from vtspec.pipelines.runs.state import RunState

from .evaluation import to_mapping, to_number, to_text


@dataclass(frozen=True, kw_only=True)
class FactGroup:
    """Facts of one kind: (label, value) pairs; the values are other people's text."""

    title: str
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """One step and how long it took; `ending` is None while it works."""

    name: str
    seconds: float | None
    ending: str | None


@dataclass(frozen=True, kw_only=True)
class RunTimes:
    """Seconds estimated before the run against those it took; `basis` says how it was guessed."""

    estimated_s: float | None
    actual_s: float | None
    basis: str | None
    steps: tuple[StepRow, ...]

    @property
    def in_words(self) -> str:
        """Such as `2 min 05 s, estimated 2 min 00 s (4 % over)`."""
        actual, estimated = self.actual_s, self.estimated_s
        if actual is None or not estimated:
            told = "not estimated" if not estimated else f"estimated {format_duration(estimated)}"
            return f"{format_duration(actual)}, {told}"
        deviation = _format_deviation(actual / estimated)
        return f"{format_duration(actual)}, estimated {format_duration(estimated)} ({deviation})"


def _format_deviation(ratio: float) -> str:
    if ratio >= 2:
        return f"{ratio:.1f} times as long"
    off = round(100 * (ratio - 1))
    return "as estimated" if off == 0 else f"{abs(off)} % {'over' if off > 0 else 'under'}"


def get_git_state(events: Iterable[Event]) -> Mapping[str, Any]:
    """What the run's last start said of the repository: `commit`, and `dirty` with changes."""
    told = [event.data.get("git") for event in events if event.kind == "run.started"]
    return to_mapping(told[-1]) if told else {}


def collect_times(plan: Mapping[str, Any], state: RunState) -> RunTimes:
    """Estimated against actual time; the actual one is that of the steps that have ended."""
    estimate = to_mapping(plan.get("estimate"))
    steps = tuple(
        StepRow(name=name, seconds=step.seconds, ending=step.ending)
        for name, step in state.steps.items()
        if step.ending is not None
    )
    told = [step.seconds for step in steps if step.seconds is not None]
    return RunTimes(
        estimated_s=to_number(estimate.get("seconds")),
        actual_s=sum(told) if told else state.seconds or None,
        basis=to_text(estimate.get("basis")),
        steps=steps,
    )


def build_groups(
    plan: Mapping[str, Any], state: RunState, events: Sequence[Event]
) -> tuple[FactGroup, ...]:
    """Everything that was run, group by group; groups without facts are left out."""
    found = (
        ("Run", _collect_run_facts(plan, state)),
        ("Code", _collect_code_facts(plan, get_git_state(events))),
        ("Data", _collect_data_facts(to_mapping(plan.get("dataset")))),
        ("Model", _collect_model_facts(plan)),
        ("Exports", _collect_exports(events)),
        ("Training", _format_settings(to_mapping(plan.get("training")))),
        ("Params", _format_settings(to_mapping(plan.get("params")))),
        ("Resources", _format_settings(to_mapping(plan.get("resources")))),
        ("Machine", _format_settings(state.machine)),
        ("Versions", _format_settings(state.versions)),
    )
    return tuple(
        FactGroup(title=title, entries=tuple((label, value) for label, value in entries if value))
        for title, entries in found
        if any(value for _, value in entries)
    )


def build_commands(plan: Mapping[str, Any], run: str, git: Mapping[str, Any]) -> tuple[str, ...]:
    """Commands to type, quoted for a POSIX shell."""
    commit, spec = to_text(git.get("commit")), to_text(plan.get("specPath"))
    lines = [f"git checkout {shlex.quote(commit)}"] if commit else []
    if spec:
        lines.append(f"vtspec plan {shlex.quote(spec)}")
        lines.append(f"vtspec run {shlex.quote(spec)} --again")
    lines.append(f"vtspec report {shlex.quote(run)} --open")
    return tuple(lines)


def _collect_run_facts(plan: Mapping[str, Any], state: RunState) -> list[tuple[str, str]]:
    return [
        ("plan", str(plan.get("id") or "")),
        ("digest", str(plan.get("digest") or "")),
        ("status", state.status if state.is_over else ""),
        ("started", state.started or ""),
        ("backend", state.backend or ""),
        ("environment", state.environment or ""),
    ]


def _collect_code_facts(plan: Mapping[str, Any], git: Mapping[str, Any]) -> list[tuple[str, str]]:
    commit = to_text(git.get("commit")) or ""
    if commit and git.get("dirty"):
        commit += ", with changes that are not committed"
    return [("commit", commit), ("spec", str(plan.get("specPath") or ""))]


def _collect_data_facts(dataset: Mapping[str, Any]) -> list[tuple[str, str]]:
    source = to_mapping(dataset.get("source"))
    splits = to_mapping(to_mapping(dataset.get("statistics")).get("splits"))
    counts = {name: to_number(to_mapping(split).get("images")) for name, split in splits.items()}
    classes = dataset.get("classes")
    return [
        ("dataset", str(dataset.get("name") or "")),
        ("hash", str(dataset.get("hash") or "")),
        ("source", " ".join(str(source[key]) for key in _SOURCE if source.get(key))),
        ("format", str(dataset.get("format") or "")),
        ("classes", str(len(classes)) if isinstance(classes, list) and classes else ""),
        (
            "images",
            ", ".join(f"{name} {format_number(n)}" for name, n in counts.items() if n is not None),
        ),
    ]


_SOURCE = ("type", "path", "repo", "rev", "remote")


def _collect_model_facts(plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    model, framework = to_mapping(plan.get("model")), to_mapping(plan.get("framework"))
    weights = to_mapping(model.get("weights"))
    start = " ".join(str(value) for key, value in weights.items() if key != "licence" and value)
    adapter = framework.get("adapter") or ""
    if framework.get("adapterVersion"):
        adapter = f"{adapter} {framework['adapterVersion']}"
    count = to_number(model.get("parameters"))
    return [
        ("model", str(model.get("name") or "")),
        ("parameters", "" if count is None else format_number(count)),
        ("start", start or ("random" if "weights" in model else "")),
        ("licence of the weights", str(weights.get("licence") or "")),
        ("framework", str(framework.get("name") or "")),
        ("adapter", str(adapter)),
        ("environment", str(framework.get("requirementsHash") or "")),
        ("image", str(framework.get("imageDigest") or "")),
    ]


def _collect_exports(events: Iterable[Event]) -> list[tuple[str, str]]:
    told = [event.data for event in events if event.kind == "exported"]
    found = {str(data.get("format")): data for data in told}
    return [(name, _format_export(data)) for name, data in found.items()]


def _format_export(data: Mapping[str, Any]) -> str:
    difference = to_number(data.get("max_difference"))
    path = to_text(data.get("path")) or ""
    if difference is None:
        return path
    return f"{path}, outputs differ by at most {format_number(difference)}"


def _format_settings(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(str(key), format_setting(key, value)) for key, value in values.items()]


def format_setting(path: str, value: Any) -> str:
    """One setting on one line: None is `none`, lists and mappings as they would be typed.

    `path` names it; where that ends in `bytes`, the number is a size.
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if path.lower().endswith("bytes") and isinstance(value, int | float):
        return format_size(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(format_setting("", item) for item in value) + "]"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{name}: {format_setting(name, item)}" for name, item in value.items())
        return "{" + inner + "}"
    return str(value)
