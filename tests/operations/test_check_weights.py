"""Whether a pod, which has no token, is given the weights that a plan starts from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster_plans import a_published_plan
from loopback import json_of, running
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.operations.render import check_weights
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.weights.hub import Hub
from vtspec.pipelines.weights.model import HubWeights

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def a_plan_with_weights(part: str = "weights") -> Plan:
    plan = a_published_plan()
    at: Any = {part: HubWeights(id="acme/net", revision=COMMIT)}
    return replace(plan, model=replace(plan.model, **at))


@pytest.mark.parametrize("part", ["weights", "configuration"])
def test_what_the_hub_shows_to_everybody_is_reached(tmp_path: Path, part: str) -> None:
    with running() as server:
        server.answer = json_of({"sha": COMMIT})
        hub = Hub(endpoint=server.endpoint, cache=tmp_path)
        assert check_weights(a_plan_with_weights(part), hub) is None
        assert server.asked == [f"/api/models/acme/net/revision/{COMMIT}"]
        assert server.tokens == [None]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_it_shows_to_some_is_refused(tmp_path: Path, status: int) -> None:
    with running() as server:
        server.answer = json_of({}, status)
        hub = Hub(endpoint=server.endpoint, cache=tmp_path)
        with pytest.raises(Refused, match="a pod asks without a token"):
            check_weights(a_plan_with_weights(), hub)


def test_of_a_hub_that_is_away_nothing_is_known(tmp_path: Path) -> None:
    with running() as server:
        server.answer = json_of({}, 503)
        hub = Hub(endpoint=server.endpoint, cache=tmp_path)
        assert (
            check_weights(a_plan_with_weights(), hub)
            == f"{server.endpoint} answered with HTTP 503"
        )


def test_a_plan_that_starts_from_nothing_asks_nobody() -> None:
    assert check_weights(a_published_plan()) is None
