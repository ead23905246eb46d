"""What a team allows its runs, wherever a spec is checked: by its folder, else by who asks."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from builders import yaml_of
from plan_repository import a_repository, change
from vtspec.pipelines.operations.plan import plan_spec
from vtspec.pipelines.operations.validate import find_problems, load_specs
from vtspec.pipelines.project.repository import find_repository, open_spec
from vtspec.pipelines.validation import check_specs
from vtspec.schema.load import load
from vtspec.schema.problem import Problem, SpecError

TEAMS = """\
  teams:
    vision: {specs: [specs/experiments], limits: {gpus: 4, maxDuration: 12h}}
    faces: {specs: [specs/faces], people: [jin@example.org], limits: {gpus: 1}}
    open: {people: [kim@example.org]}
"""

GPUS = "{gpus: 8, gpuType: t4, cpus: 2, memory: 4Gi, maxDuration: 2d}"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = a_repository(tmp_path)
    with (found / "vtspec.yaml").open("a") as file:
        file.write(TEAMS)
    change(
        found,
        "specs/experiments/deep.yaml",
        "{gpus: 0, cpus: 2, memory: 4Gi, maxDuration: 30m}",
        GPUS,
    )
    monkeypatch.chdir(found)
    return found


def works_here(email: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("COUNT", "1"), ("KEY_0", "user.email"), ("VALUE_0", email)):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)


def validate(root: Path, *paths: str) -> list[Problem]:
    """What is wrong, without what is only doubtful: no adapter here takes so many GPUs."""
    return errors(find_problems(load_specs(paths, io.BytesIO()), root))


def errors(problems: Iterable[Problem]) -> list[Problem]:
    return [one for one in problems if one.severity == "error"]


BEYOND = [
    (
        "spec.resources.gpus",
        "a run of team vision may ask for 4 GPUs at most, not 8",
        "set gpus to 4 or less, or have teams.vision.limits.gpus in vtspec.yaml raised",
    ),
    (
        "spec.resources.maxDuration",
        "a run of team vision may take 12h at most, not 2d",
        "set maxDuration to 12h or less, or have teams.vision.limits.maxDuration in vtspec.yaml "
        "raised",
    ),
]


def test_what_goes_beyond_the_limits_of_its_folder_is_an_error_where_it_stands(
    root: Path,
) -> None:
    found = validate(root, "specs/experiments/deep.yaml")
    assert [(one.path, one.message, one.fix) for one in found] == BEYOND
    [line] = {one.line for one in found}
    assert "gpus: 8" in (root / "specs/experiments/deep.yaml").read_text().splitlines()[line - 1]


def told_of_teams(root: Path, *paths: str) -> list[tuple[str, str, str, str]]:
    found = find_problems(load_specs(paths, io.BytesIO()), root)
    return [(p.severity, p.path, p.message, p.fix) for p in found if "spec.teams" in p.path]


NO_SPEC = "there is no spec in 'specs/experimets', so that it gives no run to the team"


def test_a_folder_that_gives_a_team_no_run_is_told_wherever_its_limits_are_asked_for(
    root: Path,
) -> None:
    change(root, "vtspec.yaml", "specs/experiments]", "specs/experimets]")
    change(root, "vtspec.yaml", "specs: [specs/faces], ", "")
    for file in ("vtspec.yaml", "specs/experiments/deep.yaml"):
        [(severity, path, message, fix)] = told_of_teams(root, file)
        assert (severity, path) == ("warning", "spec.teams.vision.specs[0]")
        assert (message, fix) == (NO_SPEC, "did you mean 'specs/experiments'?")
    repository, spec = open_spec("deep", root)
    warnings = plan_spec(spec, repository).made.warnings
    assert f"teams.vision.specs[0] {NO_SPEC}; {fix}" in warnings
    change(root, "vtspec.yaml", "specs/experimets]", "specs/experiments]")
    assert told_of_teams(root, "vtspec.yaml") == []


def test_a_file_is_no_folder_of_a_team(root: Path) -> None:
    change(root, "vtspec.yaml", "specs/faces]", "specs/experiments/deep.yaml]")
    assert told_of_teams(root, "vtspec.yaml") == [
        (
            "error",
            "spec.teams.faces.specs[0]",
            "'specs/experiments/deep.yaml' is a file, and a team has folders",
            "did you mean 'specs/experiments'?",
        )
    ]


def test_who_has_no_address_is_told_since_git_never_names_them(root: Path) -> None:
    change(root, "vtspec.yaml", "people: [kim@example.org]", "people: [kim]")
    change(root, "vtspec.yaml", "specs: [specs/faces], ", "")
    [(severity, path, message, fix)] = told_of_teams(root, "vtspec.yaml")
    assert (severity, path) == ("warning", "spec.teams.open.people[0]")
    assert message.startswith("'kim' is no e-mail address, and who works here is known by git's")
    assert fix.endswith("git config user.email")


@pytest.mark.parametrize(
    ("open_team", "told"),
    [
        ("{people: [JIN@example.org]}", "'JIN@example.org' is in team faces already"),
        ("{specs: [specs/experiments/]}", "'specs/experiments/' is in team vision already"),
    ],
)
def test_a_person_or_a_folder_is_of_one_team(root: Path, open_team: str, told: str) -> None:
    change(root, "vtspec.yaml", "{people: [kim@example.org]}", open_team)
    assert told in [one.message for one in validate(root, "vtspec.yaml")]


def test_a_plan_is_refused_with_the_same_words(root: Path) -> None:
    repository, path = open_spec("deep", root)
    with pytest.raises(SpecError) as refused:
        plan_spec(path, repository)
    problems = errors(refused.value.problems)
    assert [(one.path, one.message, one.fix) for one in problems] == BEYOND
    within = ["resources.gpus=0", "resources.gpuType=null", "resources.maxDuration=12h"]
    assert plan_spec(path, repository, within).made.resources.max_duration == "12h"


def test_the_time_that_is_left_out_counts_as_its_default(root: Path) -> None:
    change(root, "specs/experiments/deep.yaml", GPUS, "{cpus: 2}")
    [found] = validate(root, "specs/experiments/deep.yaml")
    assert found.message == "a run of team vision may take 12h at most, not 1d"
    assert found.path == "spec.resources.maxDuration"


@pytest.mark.parametrize(
    ("email", "told"),
    [
        ("Jin@Example.org", ["a run of team faces may ask for 1 GPU at most, not 8"]),
        ("jin@example.org", ["a run of team faces may ask for 1 GPU at most, not 8"]),
        ("kim@example.org", []),
        ("nobody@example.org", []),
    ],
)
def test_the_author_decides_where_no_folder_does(
    root: Path, monkeypatch: pytest.MonkeyPatch, email: str, told: list[str]
) -> None:
    works_here(email, monkeypatch)
    (root / "specs/experiments/deep.yaml").rename(root / "specs/deep.yaml")
    found = validate(root, "specs/deep.yaml")
    assert [one.message for one in found] == told
    # Whoever asks for another says so.
    repository, path = open_spec("specs/deep.yaml", root)
    with pytest.raises(SpecError, match="team faces may ask for 1 GPU at most"):
        plan_spec(path, repository.with_author("jin@example.org"))


def test_a_spec_that_is_not_saved_is_judged_where_it_will_lie(root: Path) -> None:
    text = (root / "specs/experiments/deep.yaml").read_text()
    (root / "specs/experiments/deep.yaml").unlink()
    repository = find_repository(root)
    for folder, team in (("experiments", "vision"), ("faces", "faces")):
        loaded = load(text, "draft.yaml")
        paths = {"draft.yaml": str(root / f"specs/{folder}/deep.yaml")}
        found = check_specs([loaded], repository, paths)
        assert f"team {team} " in errors(found)[0].message


@pytest.mark.parametrize("value", [None, "2 d", [1], {"a": 1}, -1, 1.5, True, "9" * 99 + "d"])
def test_what_is_no_amount_is_no_other_error_too(root: Path, value: Any) -> None:
    import yaml

    spec = yaml.safe_load((root / "specs/experiments/deep.yaml").read_text())
    spec["spec"]["resources"] = {"gpus": value, "maxDuration": value}
    loaded = load(yaml_of(spec), "f.yaml")
    assert loaded.problems or value is None
    paths = {"f.yaml": str(root / "specs/experiments/deep.yaml")}
    found = check_specs([loaded], find_repository(root), paths)
    assert not [one for one in found if "team" in one.message and value is not None]
