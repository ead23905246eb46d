"""A watch has what the server has, whatever cuts it off meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kubernetes_server import KubernetesServer, await_true, running_kubernetes
from vtspec.pipelines.cluster.kubernetes_client import (
    WORKFLOWS,
    KubernetesClient,
    Object,
)
from vtspec.pipelines.cluster.object_watch import ObjectWatch
from vtspec.pipelines.errors import Permanent, Temporary

LABELS = {"app.kubernetes.io/managed-by": "vtspec"}


class Followed:
    """A watch on a stand-in's Workflows, and what it has told."""

    def __init__(self, server: KubernetesServer, kubeconfig: Path) -> None:
        self.server = server
        self.told: list[tuple[str | None, str | None]] = []
        self.opened = 0
        self.kubeconfig = kubeconfig
        self.watch = ObjectWatch(
            open_client=self.open,
            resource=WORKFLOWS,
            namespace="vision",
            labels=LABELS,
            on_change=lambda before, after: self.told.append((_read(before), _read(after))),
            soonest_s=0.01,
        )

    def open(self) -> KubernetesClient:
        self.opened += 1
        return KubernetesClient({"KUBECONFIG": str(self.kubeconfig)})

    def put(self, name: str, phase: str = "", **labels: str) -> None:
        body = {"metadata": {"name": name, "labels": LABELS | labels}, "status": {"phase": phase}}
        self.server.put(self.server.workflow_path(name), body)

    def await_phases(self, **phases: str) -> None:
        await_true(lambda: self.read() == phases, f"{phases}, not {self.told}")

    def read(self) -> dict[str, str] | str:
        """The phases of all, or why they are not known."""
        try:
            found = self.watch.find()
        except (Permanent, Temporary) as error:
            return str(error)
        return {one["metadata"]["name"]: one["status"]["phase"] for one in found}

    def await_refusal(self, kind: type[Exception]) -> str:
        def is_refused() -> bool:
            try:
                self.watch.find()
            except kind:
                return True
            return False

        await_true(is_refused, "it says what keeps it from following")
        return str(self.read())


def _read(one: Object | None) -> str | None:
    return None if one is None else one["status"]["phase"]


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Followed]:
    with running_kubernetes() as server:
        made = Followed(server, server.write_kubeconfig(tmp_path / "kubeconfig"))
        made.put("cats", "Running")
        made.watch.start()
        made.await_phases(cats="Running")
        yield made
        made.watch.stop()


def test_what_changes_is_told_and_nothing_else_is(followed: Followed) -> None:
    followed.put("dogs", "Pending")
    followed.put("others", "Running", **{"app.kubernetes.io/managed-by": "argo"})
    followed.server.play("cats", {"phase": "Succeeded"})
    followed.server.play_gone("dogs")
    followed.await_phases(cats="Succeeded")
    assert followed.told == [(None, "Pending"), ("Running", "Succeeded"), ("Pending", None)]
    assert followed.server.count("GET", "/workflows") == 1


def test_a_watch_that_ends_goes_on_from_what_was_told_last(followed: Followed) -> None:
    for turn in range(3):
        followed.server.cut_watches()
        followed.put("cats", f"turn {turn}")
        followed.await_phases(cats=f"turn {turn}")
    assert len(followed.told) == 3
    assert followed.server.count("GET", "/workflows") == 1
    assert followed.server.count("WATCH", "/workflows") > 1


def test_what_the_server_has_forgotten_is_listed_anew(followed: Followed) -> None:
    with followed.server.changed:
        followed.put("dogs", "Running")
        followed.server.play_gone("cats")
        followed.server.forget_changes()
    followed.await_phases(dogs="Running")
    await_true(lambda: len(followed.told) == 2, "both changes are told")
    assert sorted(followed.told, key=str) == [("Running", None), (None, "Running")]


def test_a_server_that_is_away_is_said_and_found_again(followed: Followed) -> None:
    followed.server.is_down = True
    followed.server.cut_watches()
    followed.await_refusal(Temporary)
    followed.put("cats", "Failed")
    followed.server.is_down = False
    followed.await_phases(cats="Failed")
    assert followed.told == [("Running", "Failed")]


def test_who_may_not_watch_is_told_what_to_ask(followed: Followed) -> None:
    followed.server.denied.add(("watch", "workflows"))
    followed.server.cut_watches()
    said = followed.await_refusal(Permanent)
    assert "kubectl auth can-i watch workflows.argoproj.io -n vision" in said
    # A listing that succeeds is no watch.
    asked = followed.opened
    await_true(lambda: followed.opened > asked + 3, "it is tried again")
    assert followed.await_refusal(Permanent) == said
    followed.server.denied.clear()
    followed.await_phases(cats="Running")


def test_what_was_read_since_stands_until_something_later_is_told(followed: Followed) -> None:
    with followed.server.changed:
        followed.server.play("cats", {"phase": "Failed"})
        found = followed.server.workflow("cats")
    assert found is not None
    found["metadata"]["resourceVersion"] = "1"
    followed.await_phases(cats="Failed")
    followed.watch.note("cats", found | {"status": {"phase": "Running"}})
    assert followed.read() == {"cats": "Failed"}
    followed.watch.note("cats", None)
    assert followed.read() == {}
    followed.put("cats", "Succeeded")
    followed.await_phases(cats="Succeeded")


def test_objects_that_lack_everything_end_nothing(followed: Followed) -> None:
    path = followed.server.workflow_path("strange")
    body = {"metadata": {"name": "strange", "labels": LABELS}, "status": {"phase": "odd"}}
    followed.server.put(path, {**body, "spec": None})
    await_true(lambda: "strange" in followed.read(), "it is there like the others")
