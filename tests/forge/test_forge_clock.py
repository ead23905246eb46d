"""What else an answer tells: the forge's own time, and how much it still takes."""

import time

import pytest

from forge_sites import serve_github_site
from vtspec.pipelines.forge.rate_limits import read_date


def test_the_time_is_the_forges_whatever_the_clock_here() -> None:
    with serve_github_site() as site:
        # Of nobody anything was heard, the clock here is all there is.
        assert site.forge.find_time().timestamp() == pytest.approx(site.clock())
        site.clock.time -= 5000
        site.server.reset -= 5000
        site.forge.find_repository()
        assert abs(site.forge.find_time().timestamp() - time.time()) < 60
        site.clock.time += 900
        assert abs(site.forge.find_time().timestamp() - time.time() - 900) < 60


@pytest.mark.parametrize("told", ["", "soon", "Sun, 99 Nov 2026 09:00:00 GMT"])
def test_a_date_that_is_none_changes_nothing(told: str) -> None:
    assert read_date({"date": told}) is None


def test_what_a_forge_still_takes_is_what_it_said_last() -> None:
    with serve_github_site() as site:
        assert site.forge.find_requests_left() is None
        site.forge.find_repository()
        assert site.forge.find_requests_left() == site.server.remaining == 4999
