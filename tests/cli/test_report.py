"""`vtspec report` and `vtspec compare` as they are typed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plan_repository import a_repository
from report_data import a_baseline, a_plan, a_run, a_run_that_says, told, write_run
from run_folders import append
from vtspec.cli.commands.compare import command as compare
from vtspec.cli.commands.report import command as report
from vtspec.cli.commands.status import command as status
from vtspec.cli.main import cli
from vtspec.cli.views.report import format_comparison, format_report
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.operations.plan import plan_spec
from vtspec.pipelines.project.repository import open_spec
from vtspec.pipelines.reporting.facts import build_facts

AGAINST = {"baseline": "digits-resnet10t", "gates": ["accuracy >= 0.95", "loss <= 0.1"]}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with a run of the baseline and one that is held against it."""
    plan = a_plan(report=AGAINST, warnings=["the licence is unclear"])
    write_run(a_baseline(), tmp_path)
    write_run(a_run(plan), tmp_path)
    return tmp_path


def _report(runs: Path, *words: str) -> Result:
    return CliRunner().invoke(report, [*words, "--runs", str(runs)], catch_exceptions=False)


def _compare(runs: Path, *words: str) -> Result:
    return CliRunner().invoke(compare, [*words, "--runs", str(runs)], catch_exceptions=False)


def test_status_report_and_result_tell_the_same_time_of_a_run_that_was_interrupted(
    tmp_path: Path,
) -> None:
    resumed = ("run.resumed", {"from_epoch": 3})
    begun = [*told(ending=None), resumed, ("step.started", {"step": "report"})]
    written = ("step.finished", {"step": "report", "ending": "succeeded", "seconds": 4.0})
    run = a_run(events=[*begun, written, ("run.finished", {"ending": "succeeded"})])
    write_run(run, tmp_path)
    said = "1 min 30 s without the report, interrupted once"
    shown = CliRunner().invoke(status, [run.name, "--runs", str(tmp_path)]).output
    assert f"worked {said}\n" in shown
    assert f"Time: {said}, estimated" in " ".join(shown.split())
    raw = CliRunner().invoke(status, [run.name, "--runs", str(tmp_path), "--output", "json"])
    assert (json.loads(raw.output)["seconds"], json.loads(raw.output)["pauses"]) == (90.0, 1)
    assert f"Time: {said}, estimated" in _text(format_report(build_facts(run), 100))
    # As the report step writes it, before anybody knows how long that takes.
    while_written = build_facts(a_run(events=begun))
    assert f"Time: {said}, estimated" in _text(format_report(while_written, 100))


def _text(lines: object) -> str:
    assert isinstance(lines, list)
    return "\n".join("".join(text for text, _ in line) for line in lines)


@pytest.mark.slow
def test_the_report_shows_the_verdict_first_and_ends_with_the_page(runs: Path) -> None:
    lines = _report(runs, "digits-resnet18").output.splitlines()
    assert lines[0] == "1 of 2 gates missed  digits-resnet18-0123456789"
    assert lines[-1] == str(runs / "digits-resnet18-0123456789" / "report.html")
    assert Path(lines[-1]).is_file()


@pytest.mark.slow
def test_the_report_of_a_run_that_may_not_be_written_goes_elsewhere(
    runs: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    into = tmp_path_factory.mktemp("elsewhere") / "deeper"
    run = runs / "digits-resnet18-0123456789"
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    shown = _report(runs, "digits-resnet18", "-o", str(into), "--output", "md").output
    assert shown == (into / "report.md").read_text()
    assert (into / "report.html").is_file() and (into / "plots" / "loss.png").is_file()
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


@pytest.mark.slow
def test_the_report_shows_gates_figures_classes_and_warnings(runs: Path) -> None:
    text = _report(runs, "digits-resnet18").output
    for line in (
        "  accuracy >= 0.95  0.9667  passed, not certain: the 95 % interval is 0.9174 to 0.9870",
        "  loss <= 0.1       0.1200  missed by 0.0200",
        "  accuracy  0.9667    0.9000    ▲ +0.0667 better",
        "classes, none shown to be worse",
        "! warning: the licence is unclear",
        "  Baseline: digits-resnet10t-0123456789.",
    ):
        assert line in text.splitlines()


@pytest.mark.slow
def test_the_markdown_can_be_had_as_it_is(runs: Path) -> None:
    result = _report(runs, "digits-resnet18", "--output", "md")
    written = (runs / "digits-resnet18-0123456789" / "report.md").read_text(encoding="utf-8")
    assert result.output == written


@pytest.mark.slow
def test_a_program_gets_the_path_of_the_page_alone(runs: Path) -> None:
    result = _report(runs, "digits-resnet18", "--output", "html-path")
    assert result.output == f"{runs / 'digits-resnet18-0123456789' / 'report.html'}\n"


@pytest.mark.slow
def test_another_run_may_be_the_baseline(runs: Path) -> None:
    result = _report(runs, "digits-resnet10t", "--baseline", "digits-resnet18")
    assert "Baseline: digits-resnet18-0123456789." in result.output


@pytest.mark.slow
def test_without_a_name_the_last_run_is_meant(runs: Path) -> None:
    last = _report(runs, "--output", "html-path").output
    assert Path(last.strip()).parent.parent == runs


@pytest.mark.slow
def test_where_there_is_no_run_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no run") as caught:
        _report(tmp_path)
    assert caught.value.fix == "vtspec run SPEC"


@pytest.mark.slow
def test_the_page_is_opened_in_the_browser_that_there_is(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = runs / "seen"
    monkeypatch.setenv("BROWSER", f"sh -c 'echo \"$0\" > {seen}' %s")
    monkeypatch.delenv("DISPLAY", raising=False)
    _report(runs, "digits-resnet18", "--output", "html-path", "--open")
    page = runs / "digits-resnet18-0123456789" / "report.html"
    assert seen.read_text(encoding="utf-8").strip() == page.as_uri()


@pytest.mark.slow
def test_without_a_browser_the_path_is_told(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "false %s")
    monkeypatch.setenv("PATH", "/usr/bin/none")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(Permanent, match="no browser") as caught:
        _report(runs, "digits-resnet18", "--open")
    assert "report.html" in str(caught.value.fix)


def test_a_failed_run_says_why_and_what_to_do() -> None:
    end = {"ending": "failed", "message": "no room left", "fix": "free 3 GiB"}
    events = [*told(epochs=1, final={}, ending=None), ("run.finished", end)]
    text = _text(format_report(build_facts(a_run(evaluation={}, events=events)), 80))
    assert text.splitlines()[:3] == [
        "Run failed  digits-resnet18-0123456789",
        "  no room left",
        "  fix: free 3 GiB",
    ]


def test_a_run_without_a_baseline_is_told_how_to_make_one() -> None:
    facts = build_facts(a_run(a_plan(report=AGAINST)))
    assert "\n  vtspec run digits-resnet10t" in _text(format_report(facts, 80))


def test_nothing_that_others_wrote_reaches_the_terminal_raw() -> None:
    facts = build_facts(a_run_that_says("\x1b[2J\u202e"), a_run_that_says("\x1b]0;\x07"))
    for lines in (format_report(facts, 80), format_comparison(facts, 80)):
        assert not {"\x1b", "\x07", "\u202e"} & set(_text(lines))


def test_two_runs_stand_side_by_side(runs: Path) -> None:
    text = _compare(runs, "digits-resnet10t", "digits-resnet18").output
    for line in (
        "digits-resnet18-0123456789 against digits-resnet10t-0123456789",
        "  accuracy  0.9000  0.9667  ▲ +0.0667 better",
        "what differs in the plans",
        "classes, none shown to be worse",
        "  train  1 min 44 s  1 min 44 s",
    ):
        assert line in text.splitlines()
    assert "  model.name " in text


def test_a_program_gets_the_comparison_as_data(runs: Path) -> None:
    result = _compare(runs, "digits-resnet10t", "digits-resnet18", "--output", "json")
    data = json.loads(result.output)
    assert (data["before"], data["after"]) == (
        "digits-resnet10t-0123456789",
        "digits-resnet18-0123456789",
    )
    assert data["metrics"][0] == {
        "name": "accuracy",
        "before": 0.9,
        "after": pytest.approx(116 / 120),
        "difference": pytest.approx(8 / 120),
        "judgement": "better",
        "withinNoise": False,
    }
    assert data["classes"][0]["class"] == "1"
    assert data["classes"][0]["difference"] == pytest.approx(-0.015)
    assert [one["judgement"] for one in data["classes"]] == ["not shown", "same", "better"]
    assert (
        data["metrics"][2] | {"judgement": "not shown", "withinNoise": True}
        == (data["metrics"][2])
    )
    assert data["deciding"] == ["model"]
    assert {"path": "model.name", "before": "resnet10t", "after": "resnet18"}.items() <= next(
        one for one in data["plan"] if one["path"] == "model.name"
    ).items()
    assert data["seconds"] == [{"step": "train", "before": 104.0, "after": 104.0}]


def test_the_comparison_can_be_had_as_markdown(runs: Path) -> None:
    text = _compare(runs, "digits-resnet10t", "digits-resnet18", "--output", "md").output
    titles = [line for line in text.splitlines() if line.startswith("#")]
    assert titles == [
        "# `digits-resnet18-0123456789` against `digits-resnet10t-0123456789`",
        "## Metrics",
        "## What differs from the baseline",
        "## Classes",
        "## Time",
    ]


def test_a_run_is_the_same_as_itself(runs: Path) -> None:
    text = _compare(runs, "digits-resnet18", "digits-resnet18").output
    assert "the plans are the same" in text
    assert "±0 same" in text


def test_many_differences_are_counted_rather_than_shown() -> None:
    many = a_plan(params={f"p{n}": n for n in range(40)})
    text = _text(format_comparison(build_facts(a_run(many), a_run()), 100))
    assert "  … and 11 more: --output json has them all" in text


def test_a_specs_name_means_its_last_finished_run_and_a_later_one_is_told_of(runs: Path) -> None:
    write_run(a_run(a_plan(id="digits-resnet18-ffffffffff"), events=told(ending="crashed")), runs)
    shown = _report(runs, "digits-resnet18", "--output", "md")
    assert "digits-resnet18-0123456789" in shown.stdout
    assert "digits-resnet18-ffffffffff is later and has not succeeded" in shown.stderr
    compared = _compare(runs, "digits-resnet10t", "digits-resnet18", "--output", "json")
    assert json.loads(compared.stdout)["after"] == "digits-resnet18-0123456789"
    # By its own name it is the one that is meant.
    assert "Run crashed" in _report(runs, "digits-resnet18-ffffffffff", "--output", "md").stdout


def test_what_is_shown_of_another_completion_is_said(tmp_path: Path) -> None:
    run = write_run(a_run(), tmp_path)
    seq = len((run / "events.jsonl").read_text().splitlines())
    asked = [f"{run.name}-c{number}" for number in ("aaaaaa", "bbbbbb")]
    for number, name in enumerate(asked):
        plan = {"sections": {}, "plan_digest": "new", "completion": name}
        (run / f"{name}.json").write_text(json.dumps({**a_plan(), "digest": "new"}))
        ended = ("run.finished", {"ending": "succeeded"})
        append(run, [("run.updated", plan), ended], seq + 2 * number)
    earlier, now = asked
    words = f"warning: {earlier} is not what {run.name} is asked for now, which is {now}"
    typed = f"vtspec run --plan {run}/{earlier}.json applies it again"
    commands = (report, [earlier]), (compare, [run.name, earlier]), (status, [earlier])
    for command, names in commands:
        shown = CliRunner().invoke(command, [*names, "--runs", str(tmp_path)])
        assert words in shown.stderr and typed in shown.stderr
        last = [now if name == earlier else name for name in names]
        told = CliRunner().invoke(command, [*last, "--runs", str(tmp_path)])
        assert (told.exit_code, told.stderr) == (0, "")


# Which run a spec's name means, where it is one of several plans.


@pytest.fixture
def two_plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A repository in which the spec `small` has a finished run as it stands, and a later one
    with other values: the names of both."""
    monkeypatch.chdir(a_repository(tmp_path / "mine"))
    names = []
    for order, sets in enumerate(((), ("training.epochs=4",)), start=1):
        repository, path = open_spec("small", Path.cwd())
        made = plan_spec(path, repository, sets).made.to_json()
        events = told()
        events[0][1].update(order=order)
        run = a_run({**a_plan("small"), "id": made["id"], "overrides": list(sets)}, events=events)
        names.append(write_run(run, Path("runs")).name)
    return names[0], names[1]


def test_a_specs_name_means_the_last_finished_run_of_it_as_it_stands(
    two_plans: tuple[str, str],
) -> None:
    asked, other = two_plans
    told_of = f"{asked} is of small as it stands; {other} is later, with --set training.epochs=4"
    shown = CliRunner().invoke(cli, ["report", "small", "--output", "html-path"])
    assert asked in shown.stdout and other not in shown.stdout
    assert told_of in shown.stderr
    compared = CliRunner().invoke(cli, ["compare", other, "small", "--output", "json"])
    assert json.loads(compared.stdout)["after"] == asked
    assert told_of in compared.stderr
    Path("picture.png").touch()
    predicted = CliRunner().invoke(cli, ["predict", "small", "picture.png"])
    assert told_of in predicted.stderr and f"{asked} answers" in predicted.stderr
    # A run's own name is asked nothing.
    named = CliRunner().invoke(cli, ["report", other, "--output", "html-path"])
    assert other in named.stdout and named.stderr == ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda spec: spec.write_text(f"{spec.read_text()}  nonsense: 1\n"),
            "cannot be planned now",
        ),
        (lambda spec: spec.unlink(), "cannot be planned now"),
        (
            lambda spec: spec.write_text(spec.read_text().replace("epochs: 3", "epochs: 7")),
            "as it stands has none",
        ),
    ],
)
def test_without_a_run_of_the_spec_as_it_stands_the_last_finished_one_is_meant_and_told(
    two_plans: tuple[str, str], change: Callable[[Path], object], why: str
) -> None:
    change(Path("specs/experiments/small.yaml"))
    shown = CliRunner().invoke(cli, ["report", "small", "--output", "html-path"])
    assert two_plans[1] in shown.stdout
    assert f"{two_plans[1]} is the last finished run; small {why}" in shown.stderr
