"""What a controller has decided and another has done meanwhile is not done again."""

from collections.abc import Sequence

from served_pull_requests import PullRequests
from vtspec.pipelines.controller.actions import Action
from vtspec.pipelines.controller.effects import Effects
from vtspec.pipelines.controller.observation import Observation, observe_site
from vtspec.pipelines.controller.reconcile import reconcile
from vtspec.pipelines.controller.site import Site


def decide(site: Site) -> tuple[Observation, list[Action]]:
    observed = observe_site(site)
    site.repository = observed.repository
    return observed, reconcile(observed.view)


def act(pulls: PullRequests, site: Site, observed: Observation, actions: Sequence[Action]) -> None:
    effects = Effects(
        site=site,
        repository=observed.repository,
        report=pulls.said.append,
        reserved=observed.reservations,
    )
    effects.carry_out(actions)


def fail(pulls: PullRequests, run: str) -> None:
    pulls.world.server.play(run, {"phase": "Failed", "message": "no such image"})


def test_one_approval_is_one_attempt(pulls: PullRequests) -> None:
    pulls.settle()
    pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    slow = pulls.make_other_site()
    late = decide(slow)
    pulls.settle()
    (name,) = pulls.world.server.workflows()
    fail(pulls, name)
    pulls.serve()
    act(pulls, slow, *late)
    assert pulls.world.server.workflows() == [name]
    assert any(f"{name} was begun, and has ended, meanwhile" in line for line in pulls.said)


def test_one_rerun_is_one_attempt(pulls: PullRequests) -> None:
    name = pulls.begin_run()
    fail(pulls, name)
    pulls.settle()
    pulls.github.write_comment(pulls.number, "/vtspec rerun", author="ben")
    slow = pulls.make_other_site()
    late = decide(slow)
    act(pulls, pulls.site, *decide(pulls.site))
    fail(pulls, f"{name}-2")
    act(pulls, slow, *late)
    assert pulls.world.server.workflows() == [name, f"{name}-2"]


def test_a_stop_that_was_said_meanwhile_stands(pulls: PullRequests) -> None:
    other = pulls.propose_again()
    pulls.settle()
    line = pulls.find_line()
    pulls.github.write_comment(pulls.number, line, author="ben")
    slow = pulls.make_other_site()
    late = decide(slow)
    pulls.settle()
    pulls.github.write_comment(other, line, author="ben")
    pulls.settle()
    pulls.github.write_comment(pulls.number, "/vtspec stop", author="ben")
    pulls.settle()
    act(pulls, slow, *late)
    (name,) = pulls.world.server.workflows()
    workflow = pulls.world.server.workflow(name)
    assert workflow is not None
    labels = workflow["metadata"]["labels"]
    wanted = [labels[f"vtspec.dev/pull-request-{number}"] for number in (pulls.number, other)]
    assert wanted == ["stopped", "true"]


def test_what_was_begun_beside_what_the_cluster_refuses_is_told(pulls: PullRequests) -> None:
    pulls.add_experiments("wide")
    pulls.settle()
    pulls.refuse_runs("wide")
    pulls.github.write_comment(pulls.number, pulls.find_line(), author="ben")
    pulls.settle()
    (name,) = pulls.world.server.workflows()
    (answer,) = [one for one in pulls.read_comments() if one.startswith("<!-- vtspec:reply")]
    assert f"🚀 `{name}`" in answer and "quota is used up" in answer
    assert "127.0.0.1" not in answer and "Paste the line again" in answer
    # Who began it is noted, as of what went well.
    assert f"<!-- vtspec:run {name} " in answer
    assert name in next(one for one in pulls.read_comments() if "vtspec:progress" in one)
