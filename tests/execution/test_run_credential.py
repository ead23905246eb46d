"""The steps of a run with a credential of its own, at a store that holds them to it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cluster_plans import a_published_plan
from guarded_storage import GuardedStorage
from kubernetes_server import KubernetesServer, running_kubernetes
from vtspec.pipelines.argo.settings import RunStore, StoreRole
from vtspec.pipelines.cache_folder import get_mirror_folder
from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
from vtspec.pipelines.cluster.run_credential import RunCredential
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.operations.step import load_plan
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.project.scaffold import scaffold
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.events import STEPS
from vtspec.pipelines.runs.object_store import CREDENTIAL_FOLDER, EXPIRATION, ObjectStore

pytestmark = pytest.mark.slow

MAIN = (sys.executable, "-c", "from vtspec.cli.main import main; main()")
ROLE = StoreRole(arn="arn:aws:iam::123456789012:role/vtspec-run", endpoint=None, duration_s=3600)


@pytest.fixture(scope="module")
def storage() -> Iterator[GuardedStorage]:
    found = GuardedStorage()
    yield found
    found.stop()


@pytest.fixture
def server() -> Iterator[KubernetesServer]:
    with running_kubernetes() as found:
        yield found


@dataclass
class World:
    """Who submits runs into a store, and the cluster that they are given to."""

    storage: GuardedStorage
    server: KubernetesServer
    folder: Path
    url: str
    environment: Mapping[str, str]

    def credential(self, plan: Plan, run: str | None = None) -> RunCredential:
        name = run or plan.id
        return RunCredential(
            client=KubernetesClient(self.environment),
            namespace="vision",
            workflow=name,
            run=name,
            plan=plan,
            store=RunStore(url=self.url, secret=None, role=ROLE),
            environ=self.environment,
        )

    def secret(self, run: str) -> Mapping[str, str] | None:
        found = self.server.objects.get(f"/api/v1/namespaces/vision/secrets/run-{run}")
        return None if found is None else dict(found["stringData"])

    def mount(self, variables: Mapping[str, str]) -> Mapping[str, str]:
        """What a pod has of it: a file for each variable, and none in its environment."""
        folder = self.folder / "credential"
        folder.mkdir(exist_ok=True)
        for name, value in variables.items():
            (folder / name).write_text(value)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**kept, CREDENTIAL_FOLDER: str(folder)}


@pytest.fixture
def world(storage: GuardedStorage, server: KubernetesServer, tmp_path: Path) -> World:
    storage.denied.clear()
    storage.given.clear()
    storage.refuses = None
    bucket = "".join(letter for letter in tmp_path.name.lower() if letter.isalnum())[-40:]
    url = f"{storage.open.make_bucket(bucket)}/team"
    config = server.write_kubeconfig(tmp_path / "kubeconfig")
    environment = {**os.environ, **storage.open.environment, "KUBECONFIG": str(config)}
    return World(storage, server, tmp_path, url, environment)


def make_plan(world: World, *sets: str) -> Plan:
    root = world.folder / "mine"
    if not root.exists():
        scaffold(root, "mine", lambda line: None, lambda name: None)
    words = [word for one in sets for word in ("--set", one)]
    done = subprocess.run(
        [*MAIN, "plan", "shapes", "--output", "json", *words],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    file = world.folder / "plan.json"
    file.write_text(done.stdout)
    return load_plan(file)


def give(world: World, plan: Plan) -> Mapping[str, str]:
    """The credential of the plan's run, as its Workflow's pods get it."""
    world.server.put(world.server.workflow_path(plan.id), {"metadata": {"name": plan.id}})
    credential = world.credential(plan)
    credential.put(credential.obtain())
    found = world.secret(plan.id)
    assert found is not None
    return found


def do_steps(world: World, plan: Plan, environment: Mapping[str, str], *names: str) -> None:
    for number, name in enumerate(names):
        cache = world.folder / f"node-{plan.id}-{number}"
        at = ("--plan", "../plan.json", "--runs", world.url, "--attempt", "1", "--resume")
        done = subprocess.run(
            [*MAIN, "step", name, *at],
            cwd=world.folder / "mine",
            env={**environment, "VTSPEC_CACHE": str(cache)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr


def see(world: World, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name, value in world.storage.open.environment.items():
        monkeypatch.setenv(name, value)
    runs = Runs(get_mirror_folder(world.url, {"VTSPEC_CACHE": str(world.folder / "laptop")}))
    run = Run(runs.folder / plan.id)
    runs.refresh(run)
    runs.fetch(run)
    return run


def test_the_steps_of_a_run_need_no_more_than_its_own_credential(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its report is held against runs with other seeds, which it lists."""
    plan = make_plan(world, "report.seeds=2", "training.epochs=2")
    do_steps(world, plan, world.mount(give(world, plan)), *STEPS)
    assert see(world, plan, monkeypatch).read_state().status == "succeeded"
    assert _only_looked(world)


def _only_looked(world: World) -> bool:
    """Whether what was refused is the listing of the whole store, after which names are listed."""
    return all(command == "GET" and "list-type" in path for command, path in world.storage.denied)


def test_a_run_reaches_no_other_run(world: World) -> None:
    plan = a_published_plan()
    own = ObjectStore(world.url, world.mount(give(world, plan)))
    everyone = ObjectStore(world.url, world.storage.open.environment)
    other = "digits-resnet18-9876543210/plan.json"
    everyone.put(other, b"{}")
    own.put(f"{plan.id}/plan.json", b"{}")
    assert own.read(f"{plan.id}/plan.json") is not None
    assert own.find_tag(f"{plan.id}/plan.json") is not None
    # Not there, and not to be taken for refused.
    assert own.find_tag(f"{plan.id}/.writer") is None
    assert [one.key for one in own.list_objects(f"{plan.id}/")] == [f"{plan.id}/plan.json"]
    for forbidden in (
        lambda: own.read(other),
        lambda: own.find_tag(other),
        lambda: own.put(other, b"mine"),
        lambda: own.create("digits-resnet18-9876543211/plan.json", b"mine"),
        lambda: own.delete([other]),
        lambda: own.put(f"{plan.id}-2/plan.json", b"mine"),
        lambda: list(own.list_objects()),
        lambda: list(own.list_objects("digits-resnet18-9876543210/")),
        lambda: own.list_folders(),
    ):
        with pytest.raises(Refused, match="refuses these credentials"):
            forbidden()
    found = everyone.read(other)
    assert found is not None and found[0] == b"{}"
    assert {one.key for one in everyone.list_objects()} == {f"{plan.id}/plan.json", other}


def test_a_credential_is_the_workflows_and_is_renewed_at_half_of_its_time(world: World) -> None:
    plan = a_published_plan()
    # Without a Workflow there is nobody to give it to.
    credential = world.credential(plan)
    credential.put(credential.obtain())
    assert world.secret(plan.id) is None
    first = give(world, plan)
    stored = world.server.objects[f"/api/v1/namespaces/vision/secrets/run-{plan.id}"]
    (owner,) = stored["metadata"]["ownerReferences"]
    workflow = world.server.workflow(plan.id)
    assert workflow is not None
    assert (owner["kind"], owner["uid"]) == ("Workflow", workflow["metadata"]["uid"])
    assert stored["type"] == "Opaque"
    assert first["AWS_ENDPOINT_URL"] == world.storage.open.endpoint
    until = datetime.fromisoformat(first[EXPIRATION])
    assert timedelta(minutes=50) < until - datetime.now(UTC) < timedelta(minutes=70)
    asked = world.storage.given[-1]
    assert asked["DurationSeconds"] == "3600"
    assert asked["RoleSessionName"] == f"vtspec-{plan.id}"
    followed = world.credential(plan)
    count = len(world.storage.given)
    for _ in range(3):
        followed.renew()
    assert len(world.storage.given) == count + 1
    again = world.secret(plan.id)
    assert again is not None and again["AWS_ACCESS_KEY_ID"] != first["AWS_ACCESS_KEY_ID"]
    brief = replace(ROLE, duration_s=0)
    followed.store = replace(followed.store, role=brief)
    with pytest.raises((Permanent, Temporary)):
        followed.renew()


def test_a_step_takes_up_a_credential_that_was_renewed(world: World) -> None:
    plan = a_published_plan()
    old = give(world, plan)
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat(timespec="seconds")
    environment = world.mount({**old, EXPIRATION: past})
    own = ObjectStore(world.url, environment)
    own.put(f"{plan.id}/a", b"1")
    # As AWS does with one that has run out.
    world.storage.policies[old["AWS_ACCESS_KEY_ID"]] = {"Statement": []}
    with pytest.raises(Temporary, match=r"the run's own credential ran out at .* UTC") as caught:
        own.put(f"{plan.id}/a", b"2")
    assert caught.value.fix == (
        "look on at the run, which renews it: vtspec run RUN --backend argo"
    )
    world.mount(give(world, plan))
    own.put(f"{plan.id}/a", b"3")
    found = own.read(f"{plan.id}/a")
    assert found is not None and found[0] == b"3"


@pytest.mark.parametrize(
    ("answer", "kind", "fix"),
    [
        ((403, "AccessDenied", "User: a is not authorized"), Permanent, "get-caller-identity"),
        (
            (
                400,
                "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration",
            ),
            Permanent,
            "--max-session-duration 3600 --role-name vtspec-run",
        ),
        ((503, "ServiceUnavailable", "later"), Temporary, "try again later"),
    ],
)
def test_a_role_that_is_not_given_is_told_with_what_to_type(
    world: World, answer: tuple[int, str, str], kind: type[Exception], fix: str
) -> None:
    plan = a_published_plan()
    world.storage.refuses = answer
    with pytest.raises(kind) as caught:
        world.credential(plan).obtain()
    assert ROLE.arn in caught.value.message  # type: ignore[attr-defined]
    assert fix in caught.value.fix  # type: ignore[attr-defined]
    assert "of-the-tests" not in str(caught.value)


def test_a_machine_without_any_credential_is_told_so_within_seconds(tmp_path: Path) -> None:
    """Where the address at which a cloud hands out a machine's role is silent."""
    import socket
    import time

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        told = {"AWS_METADATA_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        begin = time.monotonic()
        done = subprocess.run(
            [*MAIN, "status", "--runs", "s3://acme-runs/vtspec"],
            cwd=tmp_path,
            env={**kept, **told, "NO_PROXY": "127.0.0.1", "VTSPEC_CACHE": str(tmp_path / "c")},
            capture_output=True,
            text=True,
            timeout=120,
        )
        spent = time.monotonic() - begin
    assert done.returncode == 2, done.stderr
    assert "s3://acme-runs/vtspec: there are no credentials here" in done.stderr
    assert "fix: export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in done.stderr
    assert spent < 55
