"""`vtspec plan`: what a person reads and what a program reads."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plan_repository import a_repository, change
from run_folders import ADAPTED, EVALUATED, IN_WORDS, STARTED, SUCCEEDED, a_run_folder, an_epoch
from vtspec.cli.views.plan import PlaceNotes, format_plan
from vtspec.cli.views.styled_text import (
    count_cells,
    get_terminal_width,
    pad_text,
    print_lines,
    wrap_text,
)
from vtspec.pipelines.operations.frameworks import describe_environment
from vtspec.pipelines.planning.plan import build_plan
from vtspec.pipelines.planning.plan_model import Plan, plan_from_json
from vtspec.pipelines.planning.plan_phrases import format_value
from vtspec.pipelines.planning.prior_runs import PriorRuns, find_prior_runs
from vtspec.pipelines.planning.resolve import ModelSources, resolve_spec
from vtspec.pipelines.project.overrides import parse_overrides
from vtspec.pipelines.project.repository import find_repository
from vtspec.pipelines.reporting import find_baseline
from vtspec.pipelines.runs import RunLock, Runs
from vtspec.pipelines.weights.hub import Hub
from vtspec.pipelines.weights.model import FileWeights, HubWeights, MlflowWeights
from vtspec.schema.problem import SpecError

GOLDEN = Path(__file__).parents[1] / "golden" / "plan.txt"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return a_repository(tmp_path)


def vtspec(root: Path, *words: str, **changed: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from vtspec.cli.main import main; main()", "plan", *words]
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_CACHE": str(root / "hub"),
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
        **changed,
    }
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )


def planned(root: Path, *sets: str, spec: str = "deep") -> tuple[Plan, PriorRuns]:
    workspace = find_repository(root)
    made = build_plan(*resolve_spec(workspace.find_spec(spec), workspace, parse_overrides(sets)))
    return made, find_prior_runs(made, workspace)


def text(root: Path, *sets: str, width: int = 80) -> list[str]:
    made, found = planned(root, *sets)
    return plain(format_plan(made, found, width, "vtspec apply deep"))


def plain(lines: Any) -> list[str]:
    return ["".join(words for words, _ in line).rstrip() for line in lines]


def finished(root: Path, made: Plan, *told: Any) -> Path:
    epochs = [an_epoch(epoch, epochs=5) for epoch in range(1, 6)]
    return a_run_folder(root / "runs", [STARTED, *epochs, *told], made.to_json())


def test_a_person_reads_values_origins_steps_estimate_and_differences(root: Path) -> None:
    # What is locked in images/ changes the ids; what a person reads is the same.
    made, found = planned(root)
    shown = "\n".join(text(root)).replace(made.id, "deep-<id>").replace(made.digest, "<digest>")
    if os.environ.get("VTSPEC_REGENERATE") == "1":
        GOLDEN.write_text(shown + "\n", encoding="utf-8")
    assert GOLDEN.read_text(encoding="utf-8") == shown + "\n"
    assert found.runs_as == "new"


def test_json_is_the_plan_and_nothing_else(root: Path) -> None:
    done = vtspec(root, "deep", "--output", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert plan_from_json(json.loads(done.stdout)) == planned(root)[0]


def test_text_is_plain_where_there_is_no_terminal(root: Path) -> None:
    done = vtspec(root, "deep")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "carry it out with: vtspec apply deep" in done.stdout


def test_the_command_to_type_next_keeps_the_options(root: Path) -> None:
    done = vtspec(root, "deep", "--set", "training.epochs=2", "--runs", "far away")
    assert done.stdout.splitlines()[-1] == (
        "carry it out with: vtspec apply deep --set training.epochs=2 --runs 'far away'"
    )


@pytest.mark.parametrize(
    ("option", "meant"),
    [
        ("hflip=0", "params.hflip"),
        ("training.drop_rate=0", "params.dropRate"),
        ("spec.hflip=0", "params.hflip"),
        ("epochs=3", "training.epochs"),
        ("params.epochs=3", "training.epochs"),
        ("ref=digits", "dataset.ref"),
    ],
)
def test_a_value_set_without_its_path_is_met_with_it(root: Path, option: str, meant: str) -> None:
    with pytest.raises(SpecError) as caught:
        planned(root, option)
    (problem,) = caught.value.problems
    assert (problem.file, problem.fix) == (f"--set {option}", f"did you mean '{meant}'?")


def test_problems_exit_with_2_and_are_all_told(root: Path) -> None:
    change(root, "specs/experiments/deep.yaml", "epochs: 5", "epochs: 0, bathSize: 3")
    done = vtspec(root, "deep", "--output", "json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("specs/experiments/deep.yaml:") == 2
    assert done.stderr.count("fix:") == 2


def test_an_unknown_spec_exits_with_2_and_a_suggestion(root: Path) -> None:
    done = vtspec(root, "deeep")
    assert done.returncode == 2
    assert "did you mean 'deep'?" in done.stderr


def test_a_wrong_option_exits_with_2_and_names_it(root: Path) -> None:
    done = vtspec(root, "deep", "--set", "training.epochs=word")
    assert done.returncode == 2
    assert done.stderr.startswith("--set training.epochs=word: spec.training.epochs:")


def test_what_the_world_refuses_exits_with_4(root: Path) -> None:
    (root / "data/digits.dvc").unlink()
    done = vtspec(root, "deep")
    assert (done.returncode, done.stdout) == (4, "")
    assert "fix: dvc add data/digits" in done.stderr


@pytest.mark.slow
def test_what_is_away_for_now_exits_with_75(root: Path) -> None:
    done = vtspec(root, "deep", "--set", "model.weights=models:/mine@best")
    assert (done.returncode, done.stdout) == (75, "")
    assert "127.0.0.1:9 did not answer" in done.stderr


@pytest.mark.parametrize(
    ("sets", "environment", "why"),
    [
        (["model.name=gcvit_tiny", "model.pretrained=true"], {}, "are a plain download"),
        (["model.pretrained=true"], {}, "does not say which commit of hf-hub:timm/resnet18"),
        ([], {"MLFLOW_TRACKING_URI": "carrier-pigeon://loft"}, "carrier-pigeon"),
    ],
)
def test_a_plan_that_apply_would_refuse_says_why_in_place_of_the_command(
    root: Path, sets: list[str], environment: dict[str, str], why: str
) -> None:
    options = [part for one in sets for part in ("--set", one)]
    done = vtspec(root, "deep", *options, **environment)
    assert done.returncode == 0
    assert "vtspec apply" not in done.stdout
    last = " ".join(done.stdout[done.stdout.index("it cannot be carried out here:") :].split())
    assert why in last
    assert "fix: " in last


def test_the_command_to_type_next_goes_on_where_a_run_was_cut_short(root: Path) -> None:
    made, _ = planned(root)
    a_run_folder(root / "runs", [STARTED, an_epoch(1, epochs=5)], made.to_json())
    assert vtspec(root, "deep").stdout.splitlines()[-1].endswith("vtspec apply deep --resume")


def test_weights_that_cannot_be_looked_up_are_warned_of_in_the_plan(root: Path) -> None:
    done = vtspec(root, "deep", "--set", "model.pretrained=true", "--output", "json")
    made = json.loads(done.stdout)
    assert made["model"]["weights"] == {
        "type": "unpinned",
        "source": "hf-hub:timm/resnet18.a1_in1k",
        "licence": "apache-2.0",
    }
    assert any("HF_HUB_OFFLINE is set" in warning for warning in made["warnings"])
    assert any("can be neither approved nor run" in warning for warning in made["warnings"])
    shown = vtspec(root, "deep", "--set", "model.pretrained=true").stdout
    assert "hf-hub:timm/resnet18.a1_in1k, not" in shown


def test_a_baseline_that_cannot_be_planned_is_said_and_nothing_fails(root: Path) -> None:
    change(root, "specs/experiments/small.yaml", "epochs: 3", "epochs: 0")
    made, found = planned(root)
    assert found.baseline is None
    (why,) = found.unknown
    assert why.startswith("the baseline small cannot be planned: specs/experiments/small.yaml:9")
    assert any(line.startswith("  ! the baseline small") for line in text(root))
    assert made.warnings == ()


def test_a_baseline_that_is_gone_is_said(root: Path) -> None:
    made, _ = planned(root)
    (root / "specs/experiments/small.yaml").unlink()
    found = find_prior_runs(made, find_repository(root))
    assert found.unknown == ("there is no baseline 'small' to compare with",)


def test_a_baseline_needs_no_network_of_its_own(root: Path) -> None:
    change(root, "specs/experiments/small.yaml", "resnet10t}", "resnet10t, pretrained: true}")
    made, _ = planned(root)
    nobody = Hub(endpoint="http://127.0.0.1:9", cache=root / "hub", offline=True)
    found = find_prior_runs(made, find_repository(root), ModelSources(hub=nobody))
    assert found.baseline is not None and found.unknown == ()
    assert "model.weights.source" in {change.path for change in found.baseline.changes}


def test_a_plan_whose_run_was_adapted_says_what_was(root: Path) -> None:
    made, _ = planned(root)
    finished(root, made, ADAPTED, EVALUATED, SUCCEEDED)
    _, found = planned(root)
    assert found.result == f"accuracy 0.9, {IN_WORDS}"
    assert any("gradientAccumulation 1 → 2" in line for line in text(root, width=120))


def test_a_plan_that_has_run_says_so_with_its_result(root: Path) -> None:
    made, _ = planned(root)
    finished(root, made, EVALUATED, SUCCEEDED)
    _, found = planned(root)
    assert (found.runs_as, found.run, found.result) == ("done", made.id, "accuracy 0.9")
    assert found.last is not None
    assert (found.last.name, found.last.note) == (made.id, "succeeded, accuracy 0.9")
    assert found.last.changes == ()
    shown = " ".join(" ".join(text(root)).split())
    assert f"= already run: {made.id}, accuracy 0.9;" in shown
    assert "nothing differs" in shown
    assert vtspec(root, "deep").stdout.splitlines()[-1].endswith("vtspec apply deep --again")


def test_a_plan_that_has_run_on_data_that_was_changed_since_warns_of_it(root: Path) -> None:
    made, _ = planned(root)
    (root / "data/digits").mkdir()
    (root / "data/digits/a.png").write_bytes(b"other")
    finished(root, made, ("data.verified", {"files": 1797, "bytes": 400000}), EVALUATED, SUCCEEDED)
    assert "vtspec datasets update digits" in " ".join(" ".join(text(root)).split())


def test_a_changed_spec_is_compared_with_the_last_run_of_its_name(root: Path) -> None:
    made, _ = planned(root)
    finished(root, made, EVALUATED, SUCCEEDED)
    _, found = planned(root, "training.epochs=9", "report.gates=[]")
    assert found.runs_as == "new"
    assert found.last is not None
    assert [(one.path, one.effect) for one in found.last.changes] == [
        ("training.epochs", "new run"),
        ("report.gates", "same run"),
    ]


def test_a_failed_attempt_is_named_and_a_new_one_begins(root: Path) -> None:
    made, _ = planned(root)
    finished(root, made, ("run.finished", {"ending": "failed", "exit_code": 3}))
    _, found = planned(root)
    assert (found.runs_as, found.run) == ("new", made.id)
    assert any("+ a new run: the last one" in line for line in text(root))


@pytest.mark.parametrize(
    ("ending", "told"),
    [("failed", "failed"), ("stopped", "was stopped"), (None, "was killed")],
)
def test_a_plan_that_has_run_stays_so_after_an_attempt_without_a_result(
    root: Path, ending: str | None, told: str
) -> None:
    made, _ = planned(root)
    done = finished(root, made, EVALUATED, SUCCEEDED)
    ended = [] if ending is None else [("run.finished", {"ending": ending, "exit_code": 3})]
    later = a_run_folder(root / "runs", [("run.started", {"order": 9}), *ended], made.to_json(), 2)
    _, found = planned(root)
    assert (found.runs_as, found.run, found.result) == ("done", done.name, "accuracy 0.9")
    shown = " ".join(" ".join(text(root)).split())
    words = f"{later.name} is later and {told} (go on with it: vtspec run {later.name} --resume)"
    assert f"= already run: {done.name}, accuracy 0.9; {words}" in shown
    assert vtspec(root, "deep").stdout.splitlines()[-1].endswith("vtspec apply deep --again")
    # Wherever else a result is needed, the finished attempt is taken too.
    runs = Runs(root / "runs")
    assert runs.find_finished("deep").name == done.name
    assert runs.find_last_finished(made.id) == runs.find(done.name)
    (root / "baseline").mkdir()
    report = {"baseline": "deep", "baselinePlan": made.id}
    other = {**made.to_json(), "id": "other-0123456789", "report": report}
    assert find_baseline(a_run_folder(root / "baseline", [], other), root / "runs") == done


def test_a_run_that_was_cut_short_waits_for_a_decision(root: Path) -> None:
    made, _ = planned(root)
    finished(root, made)
    _, found = planned(root)
    assert found.runs_as == "cut short"
    assert "go on with --resume" in " ".join(" ".join(text(root)).split())
    assert found.last is not None and found.last.note == "not finished"


def test_a_run_that_is_worked_on_is_shown_as_running(root: Path) -> None:
    made, _ = planned(root)
    run = finished(root, made)
    lock = RunLock.acquire(run)
    assert lock is not None
    try:
        _, found = planned(root)
        assert found.runs_as == "running"
        assert found.last is not None and found.last.note == "running"
        assert "running now" in " ".join(text(root))
    finally:
        lock.release()


def test_a_last_run_that_cannot_be_read_is_said(root: Path) -> None:
    made, _ = planned(root)
    (finished(root, made, SUCCEEDED) / "plan.json").write_text("{}")
    _, found = planned(root)
    assert found.last is None
    assert found.unknown[0].startswith(f"the last run {made.id} cannot be compared with")


LONG = {
    "dataset.ref": "digits",
    "training.classWeights": "{'0': 1, '1': 2, '2': 3.5}",
    "training.ema": "{}",
    "report.gates": "['accuracy >= 0.95', 'loss < 0.5', 'top5_accuracy >= 0.99', 'ece < 0.1']",
}


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_no_line_is_wider_than_asked(root: Path, width: int) -> None:
    change(root, "specs/datasets/digits.yaml", '"0", "1", "2"', '"고양이", "강아지", "개구리"')
    lines = text(root, width=width)
    assert "고양이" in " ".join(lines)
    assert [line for line in lines if count_cells(line) > width] == []


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_the_name_of_a_field_is_never_cut(root: Path, width: int) -> None:
    early = "training.earlyStopping={patience: 1, minDelta: 0.001}"
    lines = text(root, early, "training.checkpoint={monitor: accuracy}", width=width)
    names = {word for line in lines for word in line.split()}
    for name in ("earlyStopping.patience", "earlyStopping.minDelta", "checkpoint.monitor"):
        assert f"training.{name}" in names


def test_the_name_of_a_field_that_changed_is_never_cut(root: Path) -> None:
    finished(root, planned(root, "training.earlyStopping={patience: 1}")[0])
    lines = text(root, "training.earlyStopping={patience: 2}")
    assert any("training.earlyStopping.patience 1 → 2" in line for line in lines)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(("sets", "named"), [((), True), (("report.seeds=2",), False)])
def test_seeds_are_named_among_what_is_not_set(
    root: Path, sets: tuple[str, ...], named: bool
) -> None:
    (line,) = [line for line in text(root, *sets) if "report, not set" in line] or [""]
    assert ("seeds" in line) == named


def test_long_values_go_on_below(root: Path) -> None:
    lines = text(root, *[f"{path}={value}" for path, value in LONG.items()])
    assert [line for line in lines if count_cells(line) > 80] == []
    joined = " ".join(" ".join(lines).split())
    assert "0: 1, 1: 2, 2: 3.5" in joined
    assert "training.ema.decay 0.9998 --set" in joined


@pytest.mark.parametrize(
    ("sets", "name", "value", "why"),
    [
        (["training.optimizer=sgd"], "momentum", "0.9", None),
        (["training.optimizer=rmsprop"], "momentum", "0.9", None),
        (["training.optimizer=adamw"], "momentum", None, "momentum (adamw has none)"),
        (["training.optimizer=lion"], "momentum", None, "momentum (lion has none)"),
        # It was typed, and the plan warns that it does nothing.
        (["training.optimizer=lion", "training.momentum=0.8"], "momentum", "0.8", None),
        (["training.scheduler=cosine"], "minLearningRate", "0", None),
        (
            ["training.scheduler=constant"],
            "minLearningRate",
            None,
            "minLearningRate (scheduler constant does not fall)",
        ),
    ],
)
def test_a_default_that_has_no_effect_is_no_row_of_its_own(
    root: Path, sets: list[str], name: str, value: str | None, why: str | None
) -> None:
    lines = text(root, *sets)
    rows = [line.split()[1] for line in lines if line.startswith(f"  training.{name} ")]
    assert rows == ([] if value is None else [value])
    assert why is None or why in " ".join(" ".join(lines).split())


def test_warnings_stand_before_the_tables_and_are_counted_again_at_the_end(root: Path) -> None:
    lines = text(root, "training.momentum=0.8", "resources.maxDuration=5s")
    first = lines.index("2 warnings")
    assert first < lines.index("Values")
    assert lines[first + 1].startswith("  ! ")
    assert lines.index("2 warnings above") > lines.index("Estimate")
    assert "warning" not in "\n".join(text(root))


def test_a_plan_says_what_its_marks_mean_and_only_those_that_it_has(root: Path) -> None:
    shown = " ".join(" ".join(text(root)).split())
    for words in ("new run: it decides", "same run: the result stays", "cosmetic: words for"):
        assert words in shown
    change(root, "specs/experiments/deep.yaml", "    baseline: small\n", "")
    assert "same run:" not in " ".join(text(root))


def test_a_gpu_is_shown_with_its_memory(root: Path) -> None:
    joined = " ".join(" ".join(text(root, "resources={gpus: 2, gpuType: t4}")).split())
    assert "on 2 t4s and 2 cores" in joined
    assert "on each t4" in joined


def test_what_is_not_known_is_said(root: Path) -> None:
    joined = " ".join(" ".join(text(root, "resources={gpus: 1}")).split())
    assert "time not known" in joined
    assert "cost not known" in joined


def estimate(root: Path, *sets: str, environment: str | None = None) -> str:
    made, found = planned(root, *sets)
    lines = plain(format_plan(made, found, 80, place=PlaceNotes(environment=environment)))
    return " ".join(" ".join(lines[lines.index("Estimate") :]).split())


def test_time_and_cost_are_told_with_their_range(root: Path) -> None:
    shown = estimate(root, "training.epochs=9000", "resources.maxDuration=10d")
    assert "time about 4 h (1 h 59 min to 12 h 4 min), of at most 10d" in shown
    assert "cost 0.32 EUR (0.16 to 0.96 EUR)" in shown


def test_without_prices_the_hours_are_told_that_somebody_pays_for(root: Path) -> None:
    change(root, "vtspec.yaml", "cpuPerHour: 0.04", "")
    assert "cost not known: 0.02 core hours" in estimate(root, "training.epochs=1")
    on_gpus = ("resources={gpus: 2, gpuType: t4, cpus: 4}", "training.epochs=9000")
    assert re.search(r"cost not known: [\d.]+ GPU hours and [\d.]+ core", estimate(root, *on_gpus))


def test_in_what_a_run_would_be_stands_beside_the_estimate(root: Path) -> None:
    environment = "timm's own, to be made once: up to 2.9 GiB to download, 5.3 GiB on disk"
    assert f"runs in {environment}" in estimate(root, environment=environment)
    assert "runs in" not in estimate(root)


def test_in_what_a_run_would_be_is_of_a_framework_that_runs(
    tmp_path: Path,
) -> None:
    environ = {"VTSPEC_CACHE": str(tmp_path)}
    assert describe_environment("toy", environ) == "this Python (toy needs no package)"


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (HubWeights(id="a/b", revision="f" * 40), "a/b at ffffffffffff"),
        (FileWeights(path="w.safetensors", sha256="0"), "w.safetensors"),
        (MlflowWeights(name="cats", version="3"), "models:/cats/3"),
    ],
)
def test_the_start_of_the_model_is_shown(root: Path, weights: Any, words: str) -> None:
    from dataclasses import replace

    made, found = planned(root)
    pretrained = replace(made, model=replace(made.model, weights=weights))
    assert words in " ".join(plain(format_plan(pretrained, found, 80)))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"),
        (True, "true"),
        (False, "false"),
        (1e-3, "0.001"),
        (1 / 3, "0.3333333333333333"),
        ([32, 64], "[32, 64]"),
        ([], "none"),
        ({}, "none"),
        ({"a": 1.0}, "a: 1"),
        ("word", "word"),
    ],
)
def test_values_are_shown_as_they_would_be_written(value: Any, words: str) -> None:
    assert format_value(value) == words


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colours_and_markup_stays_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    print_lines([(("[bold]x[/bold]", "yellow"),), ()], out)
    assert "\x1b[33m[bold]x[/bold]\x1b[0m\n" in out.getvalue()


def test_no_color_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    print_lines([(("x", "yellow"),)], out)
    assert out.getvalue() == "x\n"


def test_width_is_the_terminals_within_reason_and_80_without_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert get_terminal_width(io.StringIO()) == 80
    for columns, width in (("20", 40), ("90", 90), ("300", 100)):
        monkeypatch.setenv("COLUMNS", columns)
        assert get_terminal_width(Terminal()) == width


def test_text_is_measured_and_broken_by_columns() -> None:
    assert count_cells("고양이 cat") == 10
    assert pad_text("고양이", 8) == "고양이  "
    assert wrap_text("고양이 강아지", 7) == ["고양이", "강아지"]
    assert wrap_text("abcdefgh ij", 3) == ["abc", "def", "gh", "ij"]
    assert wrap_text("", 5) == [""]
