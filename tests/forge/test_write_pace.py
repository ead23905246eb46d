"""Between two changes a forge has its pause, whoever asks."""

import time
from contextlib import closing
from itertools import pairwise

from forge_sites import TOKEN, serve_github_site
from vtspec.pipelines.forge.connection import connect_github
from vtspec.pipelines.forge.credentials import SecretVariable, TokenCredential
from vtspec.pipelines.forge.forge import Status
from vtspec.pipelines.forge.write_pace import WritePace


def test_each_waits_for_its_turn() -> None:
    now = [100.0]
    slept: list[float] = []
    pace = WritePace(1.0, lambda: now[0], slept.append)
    for _ in range(3):
        pace.wait()
    now[0] += 10
    pace.wait()
    assert slept == [1.0, 2.0]


def test_github_is_asked_freely_and_changed_slowly() -> None:
    token = TokenCredential(token=SecretVariable(name="TOKEN", environ={"TOKEN": TOKEN}))
    with serve_github_site() as site:
        site.server.clock = time.monotonic
        number = site.open_pull_request()
        with closing(connect_github(token, site.server.url, write_pause_s=0.3)) as connection:
            # Two repositories of one credential have one pace.
            first, second = connection.open("acme/vision"), connection.open("acme/vision")
            first.create_comment(number, "one")
            second.create_comment(number, "two")
            first.set_status("a" * 40, Status(context="x", state="success", description=""))
        times = [one.time for one in site.server.asked if one.method == "POST"]
    assert len(times) == 3
    assert all(later - earlier > 0.25 for earlier, later in pairwise(times))
