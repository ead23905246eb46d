"""Whatever befalls what controllers ask of the forge, they come to what they come to otherwise,
and ask no more often than it allows."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from attended_pull_requests import LONG_S, Attended, expect_the_same
from server_faults import Fault

WRITE, REACT, READ = "POST .*/comments$", "POST .*/reactions$", "GET .*/comments$"
PERMISSION = "GET .*/collaborators/ben/permission$"
SECONDARY = "You have exceeded a secondary rate limit."
CUT = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 900\r\n\r\n[{"

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("controllers", "faults"),
    [
        pytest.param(
            1,
            [
                Fault(match=what, drop=when)
                for what in (WRITE, REACT)
                for when in ("after", "before")
            ],
            id="lost",
        ),
        pytest.param(
            2,
            [Fault(match=WRITE, drop="after", times=2), Fault(match="PATCH", drop="after")],
            id="lost-to-two",
        ),
        pytest.param(
            2, [Fault(match="", status=status, times=2) for status in (500, 502, 503)], id="burst"
        ),
        pytest.param(
            1,
            [Fault(match="GET", drop="before"), Fault(match="GET", raw=CUT, times=2)],
            id="cut",
            marks=pytest.mark.exhaustive,
        ),
        pytest.param(
            1,
            [
                Fault(match=WRITE, status=403, headers={"Retry-After": "20"}),
                Fault(match="", status=429, headers={"Retry-After": "5"}),
            ],
            id="limits",
        ),
        pytest.param(
            2,
            [Fault(match=WRITE, status=403, message=SECONDARY)],
            id="limit-of-two",
            marks=pytest.mark.exhaustive,
        ),
    ],
)
def test_an_approval_comes_to_the_same(
    controllers: int, faults: list[Fault], scene: Attended, faultless: Mapping[str, Any]
) -> None:
    scene.reset(controllers)
    scene.github.server.faults = [replace(one) for one in faults]
    scene.approve()
    scene.time.live(2 * LONG_S)
    assert all(one.times == 0 for one in scene.github.server.faults), "it befell nobody"
    expect_the_same(scene, faultless)


def test_a_limit_that_is_used_up_is_waited_for(
    scene: Attended, faultless: Mapping[str, Any]
) -> None:
    scene.reset()
    server = scene.github.server
    server.remaining, server.reset = 0, int(server.clock()) + 300.0
    scene.approve()
    scene.time.live(0.0)
    asked = len(server.asked)
    scene.time.live(298.0)
    assert len(server.asked) == asked
    scene.time.live(LONG_S)
    expect_the_same(scene, faultless)


def test_a_forge_that_is_away_is_asked_now_and_then(
    scene: Attended, faultless: Mapping[str, Any]
) -> None:
    scene.reset()
    server = scene.github.server
    server.faults = [Fault(match="", status=502, times=10_000)]
    asked = len(server.asked)
    scene.approve()
    scene.time.live(300.0)
    assert 10 < len(server.asked) - asked < 100
    server.faults = []
    scene.time.live(11.0)
    assert len(scene.server.workflows()) == 1
    scene.time.live(LONG_S)
    expect_the_same(scene, faultless)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(match=PERMISSION, status=500, times=10_000), id="failed"),
        pytest.param(
            Fault(match=PERMISSION, drop="before", times=10_000),
            id="lost",
            marks=pytest.mark.exhaustive,
        ),
        pytest.param(
            Fault(match=PERMISSION, raw=CUT, times=10_000),
            id="cut",
            marks=pytest.mark.exhaustive,
        ),
    ],
)
def test_nothing_is_approved_by_whom_nobody_knows(
    fault: Fault, scene: Attended, faultless: Mapping[str, Any]
) -> None:
    scene.reset()
    scene.github.server.faults = [replace(fault)]
    before = scene.github.server.count(PERMISSION)
    asked = scene.approve()
    scene.time.live(200.0)
    assert scene.server.workflows() == []
    assert scene.read_answer(asked) == ""
    assert scene.github.server.count(PERMISSION) - before < 60
    scene.github.server.faults = []
    scene.time.live(2 * LONG_S)
    expect_the_same(scene, faultless)


def test_who_may_not_ask_for_permissions_is_told_so_where_they_are_needed(
    scene: Attended, faultless: Mapping[str, Any]
) -> None:
    scene.reset()
    refused = Fault(match=PERMISSION, status=403, message="Must have admin rights", times=10_000)
    scene.github.server.faults = [refused]
    asked = scene.approve()
    scene.time.live(200.0)
    assert scene.server.workflows() == []
    assert scene.read_answer(asked) == ""
    statuses = scene.github.repository.statuses
    assert len([one for one in statuses if "Must have admin" in (one.description or "")]) == 1
    assert 10_000 - refused.times < 10
    scene.github.server.faults = []
    scene.time.live(2 * LONG_S)
    expect_the_same(scene, faultless)


def test_nothing_is_decided_on_a_part_of_a_list(
    scene: Attended, faultless: Mapping[str, Any]
) -> None:
    """The second page has what was written last, of us and of who approves."""
    scene.reset()
    repository, number = scene.github.repository, scene.pulls.number
    ours = dict(repository.comments)
    repository.comments.clear()
    talk = [repository.write_comment(number, "I see.", "ana").id for _ in range(100)]
    repository.comments |= ours
    scene.github.server.faults = [
        fault for _ in range(3) for fault in (Fault(match=READ), Fault(match=READ, status=502))
    ]
    scene.approve()
    scene.time.live(2 * LONG_S)
    assert all(one.times == 0 for one in scene.github.server.faults)
    for comment in talk:
        del repository.comments[comment]
    expect_the_same(scene, faultless)


def test_others_are_served_beside_one_that_cannot_be_read(scene: Attended) -> None:
    scene.reset()
    other = scene.pulls.propose_again()
    scene.time.live(LONG_S)
    first = rf"/(pulls|issues)/{scene.pulls.number}/"
    scene.github.server.faults = [Fault(match=first, status=500, times=10_000)]
    before = scene.github.server.count(first)
    mine = scene.approve()
    theirs = scene.say(scene.line, other)
    scene.time.live(200.0)
    assert len(scene.server.workflows()) == 1
    assert scene.read_answer(theirs).count("🚀") == 1
    assert scene.read_answer(mine) == ""
    assert scene.github.server.count(first) - before < 150
    scene.github.server.faults = []
    scene.time.live(LONG_S)
    assert scene.read_answer(mine).count("🚀") == 1
    labels = scene.find_workflow()["metadata"]["labels"]
    assert {f"vtspec.dev/pull-request-{n}" for n in (scene.pulls.number, other)} <= {*labels}


def test_what_nobody_tells_of_comes_to_the_same_and_nothing_of_what_is_told_again(
    scene: Attended, faultless: Mapping[str, Any]
) -> None:
    """The webhook of an approval is lost; days later it comes a hundred times."""
    scene.reset(2)
    asked = scene.github.write_comment(scene.pulls.number, scene.line, author="ben")
    scene.time.live(130.0)
    expect_the_same(scene, faultless)
    assert scene.read_answer(asked).count("🚀") == 1
    before = scene.github.server.count("POST|PATCH|DELETE")
    scene.pass_days(3)
    for _ in range(100):
        for one in scene.time.workers:
            one.worker.tell(scene.pulls.number, is_urgent=True)
    scene.time.live(LONG_S)
    expect_the_same(scene, faultless)
    assert scene.github.server.count("POST|PATCH|DELETE") == before
