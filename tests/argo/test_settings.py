"""What a cluster needs of `vtspec.yaml`, and what is told where it lacks."""

import re
from dataclasses import replace
from typing import Any

import pytest

from cluster_plans import GPU, PROJECT, RUNS, a_cluster_project, a_published_plan, publish
from plan_inputs import a_dataset
from vtspec.pipelines.argo import RenderSettings, find_settings
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.validation.teams import find_team
from vtspec.pipelines.weights.model import FileWeights
from vtspec.schema.kinds.cluster import Team


def told(plan: Plan, author: str | None = None, **project: Any) -> list[tuple[str, str, str]]:
    """File, path and message of every problem; none where there are settings."""
    found = find_settings(plan, a_cluster_project(**project), RUNS, author)
    if isinstance(found, RenderSettings):
        return []
    assert all(one.broken.fix and re.search("[가-힣]", one.korean) for one in found)
    return [(one.file, ".".join(map(str, one.broken.path)), one.broken.message) for one in found]


def test_a_plan_and_a_whole_configuration_give_settings() -> None:
    found = find_settings(a_published_plan(resources=GPU), a_cluster_project(), RUNS)
    assert isinstance(found, RenderSettings)
    assert found.gpu is not None
    assert (found.namespace, found.gpu.queue, found.uses_kueue) == ("vision", "t4", True)


def test_everything_that_lacks_is_told_at_once() -> None:
    plan = publish(a_published_plan(resources=GPU), None)
    found = told(plan, registry=None, remotes=None, cluster=None, gpuTypes=None)
    assert [(file, path) for file, path, _ in found] == [
        ("vtspec.yaml", "spec.cluster"),
        ("vtspec.yaml", "spec.registry"),
        ("image", "digest"),
        ("vtspec.yaml", "spec.remotes"),
        ("spec", "spec.resources.gpuType"),
    ]


LOCAL = {"dataset": a_dataset(source={"path": "data/digits"}, contentHash=f"md5:{'a' * 32}.dir")}
ELSEWHERE = {"dataset": a_dataset(source={"dvc": {"path": "data/digits", "remote": "archive"}})}
TWO = {**PROJECT["remotes"], "archive": {"url": "s3://archive"}}


@pytest.mark.parametrize(
    ("inputs", "project", "where", "says"),
    [
        ({}, {"cluster": {"namespace": "a"}}, "spec.cluster.volumeClaim", "keeps fetched data"),
        (LOCAL, {}, "spec.dataset.ref", "no pod has"),
        (ELSEWHERE, {}, "spec.remotes.archive", "no remote 'archive'"),
        ({}, {"remotes": TWO}, "spec.dataset.ref", "which of the remotes"),
        (
            {"weights": FileWeights(path="a.safetensors", sha256="sha256:" + "0" * 64)},
            {},
            "spec.model.weights",
            "no pod can reach",
        ),
    ],
)
def test_what_a_plan_needs_of_a_cluster_is_told_where_it_lacks(
    inputs: dict[str, Any], project: dict[str, Any], where: str, says: str
) -> None:
    [(_, path, message)] = told(a_published_plan(inputs=inputs), **project)
    assert path == where
    assert says in message


def test_runs_in_a_folder_of_one_machine_are_no_place_for_pods() -> None:
    found = find_settings(a_published_plan(), a_cluster_project(), None)
    assert isinstance(found, tuple)
    [problem] = found
    assert (problem.file, problem.broken.path) == ("vtspec.yaml", ("spec", "runs"))
    assert problem.broken.fix == "add 'runs: s3://BUCKET/PREFIX' under 'spec'"


NO_ROOM = {"cluster": {"namespace": "a", "volumeClaim": None}}


@pytest.mark.parametrize(
    ("inputs", "project", "runs", "fix"),
    [
        ({}, {"runs": "out"}, None, "replace 'runs' by 'runs: s3://BUCKET/PREFIX' under 'spec'"),
        ({}, NO_ROOM, RUNS, "replace 'volumeClaim' by 'volumeClaim: CLAIM' under 'spec.cluster'"),
        (
            {},
            {"cluster": {"namespace": "a"}},
            RUNS,
            "add 'volumeClaim: CLAIM' under 'spec.cluster'",
        ),
        (
            {},
            {"remotes": {}},
            RUNS,
            "replace 'remotes' by 'remotes: {storage: {url: s3://BUCKET/PREFIX}}' under 'spec'",
        ),
        (ELSEWHERE, {}, RUNS, "add 'archive: {url: s3://BUCKET/PREFIX}' under 'spec.remotes'"),
        (
            ELSEWHERE,
            {"remotes": None},
            RUNS,
            "add 'remotes: {archive: {url: s3://BUCKET/PREFIX}}' under 'spec'",
        ),
    ],
)
def test_a_key_that_is_there_is_to_be_replaced_and_not_to_be_there_twice(
    inputs: dict[str, Any], project: dict[str, Any], runs: str | None, fix: str
) -> None:
    found = find_settings(a_published_plan(inputs=inputs), a_cluster_project(**project), runs)
    assert isinstance(found, tuple)
    assert [one.broken.fix for one in found] == [fix]


def test_a_plan_that_is_older_than_the_longest_time_is_not_rendered_beyond_it() -> None:
    plan = a_published_plan()
    for asked, refused in (("3650d", False), ("30000d", True), ("999999h", True)):
        old = replace(plan, resources=replace(plan.resources, max_duration=asked))
        assert told(old) == (
            [
                (
                    "spec",
                    "spec.resources.maxDuration",
                    f"is {asked} in this plan, and a cluster counts 3650d at most",
                )
            ]
            if refused
            else []
        )


def test_the_remote_that_a_dataset_names_is_the_one() -> None:
    found = find_settings(a_published_plan(inputs=ELSEWHERE), a_cluster_project(remotes=TWO), RUNS)
    assert isinstance(found, RenderSettings)
    assert (found.remote.url, found.remote.secret) == ("s3://archive", None)


@pytest.mark.parametrize("digest", [None, "latest", "sha256:ABC", f"sha256:{'C' * 64}"])
def test_an_image_without_a_digest_is_refused(digest: str | None) -> None:
    [(file, path, message)] = told(publish(a_published_plan(), digest))
    assert (file, path) == ("image", "digest")
    assert "by digest alone" in message


def test_a_gpu_has_to_be_a_known_one() -> None:
    untyped = {key: value for key, value in GPU.items() if key != "gpuType"}
    [(_, path, message)] = told(a_published_plan(resources=untyped))
    assert (path, "left out" in message) == ("spec.resources.gpuType", True)
    [(_, _, message)] = told(a_published_plan(resources={**GPU, "gpuType": "h200"}))
    assert message == "vtspec.yaml describes no GPU type 'h200'"


TEAMS = {
    "all": Team(specs=(".",), queue="shared"),
    "vision": Team(specs=("specs/vision",), people=("jin",)),
    "faces": Team(specs=("specs/vision/faces/",)),
}


@pytest.mark.parametrize(
    ("path", "author", "team"),
    [
        ("specs/vision/a.yaml", None, "vision"),
        ("specs/vision/deep/a.yaml", "kim", "vision"),
        ("specs/vision/faces/a.yaml", "jin", "faces"),
        ("specs/visionary/a.yaml", "jin", "all"),
        ("a.yaml", None, "all"),
    ],
)
def test_the_innermost_folder_decides_the_team(path: str, author: str, team: str) -> None:
    assert find_team(TEAMS, path, author) == team


def test_the_author_decides_where_no_folder_does() -> None:
    teams = {name: team for name, team in TEAMS.items() if name != "all"}
    assert find_team(teams, "specs/a.yaml", "jin") == "vision"
    assert find_team(teams, "specs/a.yaml", "kim") is None
    assert find_team(teams, "specs/a.yaml", None) is None


def test_a_team_has_its_own_queue_and_name_and_limits() -> None:
    teams = {
        "vision": {
            "people": ["jin"],
            "queue": "vision",
            "limits": {"gpus": 1, "maxDuration": "1h"},
        }
    }
    plan = a_published_plan(resources={**GPU, "gpus": 1, "maxDuration": "60m"})
    found = find_settings(plan, a_cluster_project(teams=teams), RUNS, "jin")
    assert isinstance(found, RenderSettings)
    assert found.gpu is not None
    assert (found.team, found.gpu.queue) == ("vision", "vision")
    beyond = told(a_published_plan(resources=GPU), "jin", teams=teams)
    assert [path for _, path, _ in beyond] == ["spec.resources.gpus", "spec.resources.maxDuration"]
    assert "may ask for 1 GPU at most, not 2" in beyond[0][2]
    assert told(a_published_plan(resources=GPU), "kim", teams=teams) == []
