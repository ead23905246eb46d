"""What was run: the facts that let someone trust a result, find its parts and repeat it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.formatting import (
    format_duration,
    format_number,
    format_pauses,
    format_range,
    format_size,
    format_work,
)
from vtspec.pipelines.planning.plan_sections import find_idle_settings
from vtspec.pipelines.runs.events import GitState
from vtspec.pipelines.runs.json_values import to_mapping, to_number, to_text, to_words
from vtspec.pipelines.runs.state import ExportedModel, RunState
from vtspec.schema.visible_text import make_visible

UNTOLD: Final = "not told"
"""Stands where nobody told a licence."""


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
    """Seconds estimated before the run against those it took; `basis` says how it was guessed.

    `actual_s` are of all its tries, its report's aside; between them it was interrupted `pauses`
    times. `range_s` is what was estimated at least and at most.
    """

    estimated_s: float | None
    actual_s: float | None
    basis: str | None
    steps: tuple[StepRow, ...]
    pauses: int = 0
    range_s: tuple[float, float] | None = None

    @property
    def in_words(self) -> str:
        """Such as `2 min 05 s without the report, estimated 2 min 00 s (4 % over)`."""
        actual, estimated = self.actual_s, self.estimated_s
        took = f"{format_work(actual)}{format_pauses(self.pauses)}"
        if actual is None or not estimated:
            told = "not estimated" if not estimated else f"estimated {format_duration(estimated)}"
            return f"{took}, {told}"
        words = [_format_deviation(actual / estimated)]
        if self.range_s is not None:
            low, high = self.range_s
            where = "within" if low <= actual <= high else "outside"
            words.append(f"{where} the range of {format_range(low, high)}")
        return f"{took}, estimated {format_duration(estimated)} ({', '.join(words)})"


def _format_deviation(ratio: float) -> str:
    # Percentages beyond that are read wrongly.
    if ratio >= 2:
        return f"{ratio:.1f} times as long"
    off = round(100 * (ratio - 1))
    return "as estimated" if off == 0 else f"{abs(off)} % {'over' if off > 0 else 'under'}"


def collect_times(plan: Mapping[str, object], state: RunState) -> RunTimes:
    """Estimated against actual time, and the steps that have ended, with that of all tries."""
    estimate = to_mapping(plan.get("estimate"))
    low, high = (to_number(estimate.get(name)) for name in ("secondsLow", "secondsHigh"))
    steps = tuple(
        StepRow(name=name, seconds=step.seconds, ending=step.ending)
        for name, step in state.steps.items()
        if step.ending is not None
    )
    return RunTimes(
        estimated_s=to_number(estimate.get("seconds")),
        actual_s=state.clock.result_s or None,
        basis=to_text(estimate.get("basis")),
        steps=steps,
        pauses=state.clock.pauses,
        range_s=None if low is None or high is None else (low, high),
    )


def build_groups(
    plan: Mapping[str, object], state: RunState, registration: str | None = None
) -> tuple[FactGroup, ...]:
    """Everything that was run, group by group; groups without facts are left out."""
    found = (
        ("Run", _collect_run_facts(plan, state)),
        ("Code", _collect_code_facts(plan, state.provenance.git)),
        ("Data", _collect_data_facts(to_mapping(plan.get("dataset")))),
        ("Model", [*_collect_model_facts(plan), ("registration", registration or "")]),
        ("Exports", _format_exports(state.exports)),
        ("Training", _format_settings(_select_training(plan))),
        ("Params", _format_settings(to_mapping(plan.get("params")))),
        ("Licences", collect_licences(plan) if plan else ()),
        ("Resources", _format_settings(to_mapping(plan.get("resources")))),
        ("Machine", _format_settings(state.provenance.machine)),
        ("Versions", _format_settings(state.provenance.versions)),
    )
    return tuple(
        FactGroup(title=title, entries=tuple((label, value) for label, value in entries if value))
        for title, entries in found
        if any(value for _, value in entries)
    )


def format_overrides(plan: Mapping[str, object]) -> str:
    """What was typed for a plan beside its spec: `--set training.epochs=2`; "" where nothing was.

    As it is typed in a POSIX shell.
    """
    sets = to_words(plan.get("overrides"))
    return format_command(*(word for one in sets for word in ("--set", one))) if sets else ""


def collect_licences(plan: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """The licences of what a model is made from: (what, the licence or that nobody told it)."""
    weights = to_mapping(to_mapping(plan.get("model")).get("weights"))
    parts = (
        ("data", to_mapping(plan.get("dataset"))),
        *((("weights", weights),) if weights else ()),
        ("framework", to_mapping(plan.get("framework"))),
    )
    return tuple((what, to_text(part.get("licence")) or UNTOLD) for what, part in parts)


def build_commands(
    plan: Mapping[str, object],
    run: str,
    state: RunState,
    plan_file: str,
    where: str = "beside this report",
) -> tuple[str, ...]:
    """Commands to type for the same plan at the repository's root, quoted for a POSIX shell;
    `where` the file `plan_file` lies, in words."""
    git = state.provenance.git
    spec, sets = to_text(plan.get("specPath")), to_words(plan.get("overrides"))
    # Without the commit the spec may be another one by now.
    lines = [format_command("git", "checkout", git.commit)] if git and git.commit else []
    exact = format_command("vtspec", "run", "--plan", plan_file, "--again")
    weights = to_mapping(to_mapping(plan.get("model")).get("weights"))
    if weights.get("type") == "run":
        run_before = make_visible(str(weights.get("run")))
        lines.append(f"# it starts from the model of {run_before}, which has to be there first")
    if spec and git and git.dirty:
        why = "files differed from the commit, or were not in it"
        if git.commit is None:
            why = "nothing was committed before it ran, so that there is no commit to check out"
        lines.append(f"# {why}; the plan is the file {where}")
        lines.append(exact)
    elif spec:
        if git is None:
            lines.append("# it ran outside of git: the spec may be another one by now")
        typed = [word for one in sets for word in ("--set", one)]
        seeds = to_words(to_mapping(plan.get("report")).get("seeds"))
        if seeds:
            own = to_mapping(plan.get("training")).get("seed")
            lines.append(f"# for all of the seeds {', '.join(seeds)}; this is the run of {own}")
        lines.append(format_command("vtspec", "plan", spec, *typed))
        lines.append(format_command("vtspec", "run", spec, *typed, "--again"))
        lines.append(f"# or this very plan, from the file {where}: {exact}")
    # By the spec's name it is the last one of it as it stands that finished, as the run that just
    # ended is unless it is of another plan, and then the last of all; the plan's id would be the
    # first attempt's.
    is_other = bool(sets) or (git is not None and git.dirty)
    meant = [] if spec and is_other else [to_text(plan.get("name")) or run]
    lines.append(format_command("vtspec", "report", *meant, "--open"))
    return tuple(lines)


def _collect_run_facts(plan: Mapping[str, object], state: RunState) -> list[tuple[str, str]]:
    return [
        ("plan", str(plan.get("id") or "")),
        ("with", format_overrides(plan)),
        ("digest", str(plan.get("digest") or "")),
        ("completion", state.completion or ""),
        ("status", state.status if state.is_over else ""),
        ("started", state.clock.started or ""),
        ("backend", state.provenance.backend or ""),
        ("environment", state.provenance.environment or ""),
    ]


def _collect_code_facts(plan: Mapping[str, object], git: GitState | None) -> list[tuple[str, str]]:
    commit = (git.commit if git else None) or ""
    if git and git.dirty:
        told = f"{commit}, with changes that are not committed"
        commit = told if commit else "none: nothing was committed before it ran"
    return [("commit", commit), ("spec", str(plan.get("specPath") or ""))]


def _collect_data_facts(dataset: Mapping[str, object]) -> list[tuple[str, str]]:
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


def _collect_model_facts(plan: Mapping[str, object]) -> list[tuple[str, str]]:
    model, framework = to_mapping(plan.get("model")), to_mapping(plan.get("framework"))
    weights = to_mapping(model.get("weights"))
    # The licence stands among the others.
    start = " ".join(str(value) for key, value in weights.items() if key != "licence" and value)
    adapter = framework.get("adapter") or ""
    if framework.get("adapterVersion"):
        adapter = f"{adapter} {framework['adapterVersion']}"
    count = to_number(model.get("parameters"))
    return [
        ("model", str(model.get("name") or "")),
        ("parameters", "" if count is None else format_number(count)),
        ("start", start or ("random" if "weights" in model else "")),
        ("framework", str(framework.get("name") or "")),
        ("adapter", str(adapter)),
        ("environment", str(framework.get("requirementsHash") or "")),
        ("image", str(framework.get("imageDigest") or "")),
    ]


def _format_exports(exports: Mapping[str, ExportedModel]) -> list[tuple[str, str]]:
    return [(name, _format_export(model)) for name, model in exports.items()]


def _format_export(model: ExportedModel) -> str:
    if model.max_difference is None:
        return model.path
    return f"{model.path}, outputs differ by at most {format_number(model.max_difference)}"


def _select_training(plan: Mapping[str, object]) -> Mapping[str, object]:
    """The settings of training that had an effect, and those that somebody chose."""
    training, origins = to_mapping(plan.get("training")), to_mapping(plan.get("origins"))
    idle = find_idle_settings(training)
    return {
        name: value
        for name, value in training.items()
        if name not in idle or origins.get(f"training.{name}") != "default"
    }


def _format_settings(values: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(str(key), format_setting(key, value)) for key, value in values.items()]


def format_setting(path: str, value: object) -> str:
    """One setting on one line: None is `none`, lists and mappings as they would be typed.

    `path` names it; where that ends in `bytes`, the number is a size.
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    # Only a name tells a size from any other number.
    if path.lower().endswith("bytes") and isinstance(value, int | float):
        return format_size(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(format_setting("", item) for item in value) + "]"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{name}: {format_setting(name, item)}" for name, item in value.items())
        return "{" + inner + "}"
    return str(value)
