"""The edge of the report: a run's folder is read, and `report.md`, `report.html`, `plots/` and the
model's card are written into it, each file whole or not at all."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Final

from vtspec.adapters.durable_files import write_file_atomic
from vtspec.adapters.system_errors import is_shortage
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.language import Sentence
from vtspec.pipelines.planning.digest import PlanJson, find_edit
from vtspec.pipelines.planning.seeds import name_seed_plans
from vtspec.pipelines.project.repository import find_root
from vtspec.pipelines.reporting.plots.canvas import choose_report_fonts
from vtspec.pipelines.reporting.plots.charts import NAMES, recall_plots
from vtspec.pipelines.reporting.render.html import render_html
from vtspec.pipelines.reporting.render.html_elements import parse_png_size
from vtspec.pipelines.reporting.render.markdown import render_markdown
from vtspec.pipelines.reporting.sections import build_report_document
from vtspec.pipelines.runs import Run, Runs, choose_baseline, keep_comparable
from vtspec.pipelines.runs.json_values import to_mapping, to_text
from vtspec.pipelines.runs.run import EVALUATION_FILE
from vtspec.pipelines.tracking import describe_registration

from .facts import Facts, RunData, build_facts
from .model_card import CARD_FILE, render_model_card
from .verdict import VerdictName

MOST_THUMBNAIL_BYTES: Final = 256 * 1024
"""A sample error's picture above this is left out: the page is to stay one that can be sent."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was written: the verdict, what it rests on, and the files, `report.md` first;
    `lacking_letters` says which letters no font here has, or is None."""

    verdict: VerdictName
    facts: Facts
    lacking_letters: str | None
    paths: tuple[Path, ...]

    @property
    def html(self) -> Path:
        """The page."""
        return next(path for path in self.paths if path.suffix == ".html")


def write_report(
    run_dir: Path,
    baseline_dir: Path | None = None,
    *,
    into: Path | None = None,
    link: str | None = None,
) -> Report:
    """Write the report of a run, held against the run in `baseline_dir` where there is one.

    It is written into the run's folder, and the model's card beside an exported model; or into
    the folder `into`, made where it is missing, and then no card.
    `link` is where the HTML report can be opened from elsewhere. Reads whatever the run has so
    far: one that failed or was interrupted has a report too.

    Raises `Permanent` where matplotlib is missing or the run's files are damaged.
    """
    # Everything is made before the first file is written, so that a failure leaves the old report.
    run, baseline = _read_both(run_dir, baseline_dir)
    facts = build_facts(run, baseline)
    # Of the model alone: what it is held against, and the fonts here, are of the report.
    card = render_model_card(run, build_facts(replace(run, seeds={}, registration=None)))
    lacking = choose_report_fonts(facts).describe_lacking()
    if lacking is not None:
        facts = replace(facts, warnings=(*facts.warnings, Sentence(en=lacking, ko=lacking)))
    drawn = recall_plots(facts)
    style = files(__package__ or "").joinpath("style.css").read_text(encoding="utf-8")
    document = build_report_document(facts)
    page = render_html(document, drawn, _read_thumbnails(run_dir, facts), style)
    folder = into or run_dir
    plots = folder / "plots"
    plots.mkdir(parents=into is not None, exist_ok=True)
    for name in NAMES:
        if name in drawn:
            write_file_atomic(plots / f"{name}.png", drawn[name].light)
        else:
            # From an earlier report of this run, and no longer true.
            (plots / f"{name}.png").unlink(missing_ok=True)
    write_file_atomic(folder / "report.html", page)
    write_file_atomic(folder / "report.md", render_markdown(document, link=link))
    model = run_dir / "model"
    # A report that is written elsewhere leaves the run as it is.
    if into is None and model.is_dir():
        write_file_atomic(model / CARD_FILE, card)
    paths = (folder / "report.md", folder / "report.html")
    return Report(
        verdict=facts.verdict.name,
        facts=facts,
        lacking_letters=lacking,
        paths=(*paths, *(plots / f"{name}.png" for name in drawn)),
    )


def read_facts(run_dir: Path, baseline_dir: Path | None = None) -> Facts:
    """What a report of the run would say, from its folder and the baseline's.

    Raises `Permanent` where a file of them is damaged.
    """
    return build_facts(*_read_both(run_dir, baseline_dir))


def _read_both(run_dir: Path, baseline_dir: Path | None) -> tuple[RunData, RunData | None]:
    data = _read_with_seeds(Run(run_dir))
    if baseline_dir is None:
        return data, None
    planned = to_text(to_mapping(data.plan.get("report")).get("baselinePlan"))
    # A person may have named another run than the one that the plan means.
    found = Runs(baseline_dir.parent).find_last_finished(planned) if planned else None
    data = replace(data, planned_baseline=None if found is None else found.name)
    return data, _read_with_seeds(Run(baseline_dir))


def find_baseline(run_dir: Path, runs: Path | None = None) -> Path | None:
    """The run that a run is held against, among those in the folder `runs` (where the run itself
    lies, if None): the last finished one of the plan that its baseline's spec had, else the last
    finished one of that spec, of which the facts then say so. An adapted one counts where the
    report allows it. None where the plan names no baseline or no run of it has succeeded."""
    run = Run(run_dir)
    report = to_mapping(run.read_plan().get("report"))
    name, planned = to_text(report.get("baseline")), to_text(report.get("baselinePlan"))
    if name is None:
        return None
    found = [
        other
        for other in Runs(runs or run_dir.parent).list_by_name(name)
        # A run is no baseline of itself, and one that broke down has no figures.
        if other.name != run.name and other.has_result
    ]
    chosen = choose_baseline(
        keep_comparable(found, allow_adapted=report.get("allowAdapted") is True), planned
    )
    return None if chosen is None else chosen.path


def _read_run(run: Run) -> RunData:
    plan = run.read_plan()
    return RunData(
        name=run.name,
        folder=_find_place(run.path),
        plan=plan,
        doubts=(*_find_doubts(run, plan), *_list_left_out(run, plan)),
        registration=describe_registration(run),
        events=run.read_events(),
        evaluation=_read_evaluation(run.path / EVALUATION_FILE),
    )


def _list_left_out(run: Run, plan: PlanJson) -> tuple[Sentence, ...]:
    """The finished runs of the baseline that are none, being adapted."""
    report = to_mapping(plan.get("report"))
    name = to_text(report.get("baseline"))
    if name is None or report.get("allowAdapted") is True:
        return ()
    others = Runs(run.path.parent).list_by_name(name)
    adapted = [one.name for one in others if one.name != run.name and _is_adapted_result(one)]
    if not adapted:
        return ()
    told = Sentence(
        en=f"{', '.join(adapted)}: adapted, and so no baseline without report.allowAdapted: true",
        ko=f"{', '.join(adapted)}: 계획과 다르게 진행되어 report.allowAdapted: true 없이는 "
        "베이스라인이 아닙니다",
    )
    return (told,)


def _is_adapted_result(run: Run) -> bool:
    state = run.read_state()
    return state.has_result and state.is_adapted


def _find_place(folder: Path) -> str:
    folder = folder.absolute()
    root, anchor = find_root(folder)
    return "" if anchor == "start" else folder.relative_to(root).as_posix()


def _read_with_seeds(run: Run) -> RunData:
    """A run, and the last finished ones of the plans that it is judged together with."""
    data = _read_run(run)
    ids, runs = name_seed_plans(data.plan), Runs(run.path.parent)
    seeds: dict[int, RunData | None] = {}
    for seed, name in ids.items():
        other = None if name == run.plan_id else runs.find_last_finished(name)
        seeds[seed] = data if name == run.plan_id else None if other is None else _read_run(other)
    return replace(data, seeds=seeds)


def _find_doubts(run: Run, plan: PlanJson) -> tuple[Sentence, ...]:
    lost = run.describe_lost_plan()
    told = [*_find_plan_doubts(run, plan), *_find_evaluation_doubts(run)]
    if lost is not None:
        events = Sentence(
            en=f"the {lost.en}: what the run's events say stands here",
            ko=f"{lost.ko}: 여기 있는 내용은 실행의 이벤트에 기록된 것입니다",
        )
        told.insert(0, events)
    return tuple(told)


def _find_plan_doubts(run: Run, plan: PlanJson) -> tuple[Sentence, ...]:
    """Whether the plan is what the run is called by; one of an older vtspec may not tell."""
    try:
        content = find_edit(plan, run.plan_id, run.read_state().provenance.plan_digest)
    except (KeyError, TypeError, AttributeError, ValueError):
        return ()
    if content is None:
        return ()
    told = Sentence(
        en=f"the {run.plan_file.name} of {run.name} was changed after it was planned: what stands "
        f"in it is {content}, and not what was run",
        ko=f"{run.name}의 {run.plan_file.name} 파일이 계획된 뒤에 바뀌었습니다: 지금 내용은 "
        f"{content}이며 실행된 계획이 아닙니다",
    )
    return (told,)


def _find_evaluation_doubts(run: Run) -> tuple[Sentence, ...]:
    """Whether what was measured was edited since; the figures of the events stand."""
    return tuple(
        Sentence(
            en=f"the {name} of {run.name} was changed after the run: its classes, errors and "
            "intervals may not be what was measured",
            ko=f"{run.name}의 {name} 파일이 실행이 끝난 뒤에 바뀌었습니다: 클래스, 오류, "
            "신뢰구간이 측정된 것과 다를 수 있습니다",
        )
        for name in run.list_changed(EVALUATION_FILE)
        if (run.path / name).exists()
    )


def _read_evaluation(path: Path) -> Mapping[str, object]:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        if is_shortage(error):
            raise
        raise Permanent(f"{path} cannot be read: {error}", fix="run the spec --again") from error
    if not isinstance(found, dict):
        raise Permanent(f"{path} is not an evaluation", fix="run the spec --again")
    return found


def _read_thumbnails(run_dir: Path, facts: Facts) -> Sequence[bytes | None]:
    return [
        None if error.thumbnail is None else _read_thumbnail(run_dir, error.thumbnail)
        for error in facts.results.errors
    ]


def _read_thumbnail(run_dir: Path, name: str) -> bytes | None:
    """A PNG of the run's own folder; None for anything else, which the page then says."""
    try:
        path = (run_dir / name).resolve()
        # An adapter's file names it; a link out of the folder would put any file into the page.
        if not path.is_relative_to(run_dir.resolve()):
            return None
        if path.stat().st_size > MOST_THUMBNAIL_BYTES:
            return None
        png = path.read_bytes()
    except (OSError, ValueError):
        return None
    return png if parse_png_size(png) is not None else None
