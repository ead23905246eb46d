"""A GitHub, a cluster and a store on loopback, and the controllers that a test lets die there."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import mlflow
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from cluster_world import Pods, World, a_world, recorded_status
from forge_sites import REPOSITORY
from git_repositories import commit, git
from github_server import GitHubServer, serve_github
from github_world import APP_ID, APP_SLUG, Repository
from kubernetes_server import KubernetesServer, running_kubernetes
from mortal_controller import Looked, MortalController, Place
from object_storage import ObjectStorage
from plan_repository import change
from run_folders import EVALUATED, STARTED, SUCCEEDED
from vtspec.pipelines.controller.markers import DUPLICATE

BOT: Final = f"{APP_SLUG}[bot]"
_DEEP: Final = "specs/experiments/deep.yaml"
_ROLE: Final = 'runsRole: {{arn: "arn:aws:iam::123456789012:role/vtspec-run", endpoint: "{}"}}'
_TEAMS: Final = "teams: {vision: {logins: [ben], limits: {costPerMonth: 50}}}"
_MOST_TURNS: Final = 40
_MET: Final = re.compile(r"failpoint ([a-z.-]+)$", re.M)


@dataclass(frozen=True)
class Land:
    """What does not change from one scenario to the next: a repository with the commits that are
    pushed one after the other, which hold the same plan, a bucket, a key of an App, and an MLflow
    that has been told nothing yet."""

    world: World
    folder: Path
    heads: Sequence[str]
    public_key: str
    key_file: Path
    mlflow: Path

    def show_head(self, head: str) -> None:
        """Let git find the pull request at that commit."""
        git(self.world.root, "update-ref", "refs/pull/1/head", head)


def make_land(folder: Path, storage: ObjectStorage, bucket: str) -> Land:
    """A fresh one; `os.environ` has to have the store's variables."""
    # Each scenario has another cluster.
    with running_kubernetes() as server:
        world = a_world(folder, storage, server, bucket)
    config = world.root / "vtspec.yaml"
    role = _ROLE.format(storage.endpoint)
    text = config.read_text().replace("cluster: {", f"cluster: {{{role}, ")
    config.write_text(f"{text}  runs: {world.url}\n  {_TEAMS}\n")
    commit(world.root)
    git(world.root, "checkout", "-q", "-b", "proposed")
    change(world.root, _DEEP, "epochs: 5", "epochs: 50")
    heads = [commit(world.root) for _ in range(4)]
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = folder / "app.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    database = folder / "mlflow.db"
    # It takes seconds to be made, and a moment to be copied.
    mlflow.MlflowClient(f"sqlite:///{database}").search_experiments()
    return Land(world, folder, heads, public.decode(), file, database)


@dataclass
class Scene:
    """One scenario: fresh servers, and one controller or two that look side by side. `failpoints`
    are those that are left to be met, armed in all of them.
    """

    land: Land
    github: GitHubServer
    cluster: KubernetesServer
    controllers: Sequence[MortalController]
    places: Sequence[Place]
    tracking: str
    failpoints: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def repository(self) -> Repository:
        found = self.github.world.find(REPOSITORY)
        assert found is not None
        return found

    def comment(self, body: str) -> None:
        """Somebody writes a comment, and the controllers look."""
        self.repository.write_comment(1, body, "ben")
        self.settle()

    def find_line(self) -> str:
        """The line that the first plan comment gives to be pasted."""
        for body in self.repository.texts(1, BOT):
            for line in body.splitlines():
                if line.strip("` ").startswith("/vtspec apply "):
                    return line.strip("` ")
        raise AssertionError(self.said)

    def arm(self, failpoints: Sequence[str]) -> None:
        """Let the controllers meet these from now on, each once."""
        self.failpoints = list(failpoints)
        for turn in range(len(self.controllers)):
            self.begin(turn, is_alive=True)

    def settle(self) -> None:
        """Have all controllers look until none has anything to do, whatever befalls them."""
        for _ in range(_MOST_TURNS):
            # What was just written is not written anew so soon.
            self.github.world.now += timedelta(seconds=20)
            for one in self.controllers:
                one.ask(self.github.world.now)
            looks = [one.hear() for one in self.controllers]
            hurt = [self._mend(turn, look) for turn, look in enumerate(looks)]
            # One alone has looked until nothing was left; of two each may have left something.
            if not any(hurt) and (len(looks) == 1 or not any(look.actions for look in looks)):
                return
        raise AssertionError(f"they do not come to rest: {self.said}")

    def _mend(self, turn: int, look: Looked) -> bool:
        """Begin a controller anew that has met failpoints, with those that are left; whether it
        has."""
        self.said += look.said
        met = {found[1] for line in look.said for found in re.finditer(_MET, line)}
        assert met or not look.is_killed, look.said
        self.failpoints = [one for one in self.failpoints if one.partition("=")[0] not in met]
        if met:
            self.begin(turn, is_alive=not look.is_killed)
        return bool(met)

    def begin(self, turn: int, *, is_alive: bool = False) -> None:
        """Begin a controller, with the failpoints armed, in place of one that is alive."""
        if is_alive:
            self.controllers[turn].end()
        self.controllers[turn].begin(self.places[turn], ",".join(self.failpoints) or None)

    def list_workflows(self) -> list[Mapping[str, Any]]:
        found = (self.cluster.workflow(name) for name in self.cluster.workflows())
        return [one for one in found if one is not None]

    def push(self, head: str) -> None:
        """Push another commit, and let the controllers look."""
        self.repository.push(1, head)
        self.land.show_head(head)
        self.settle()

    def succeed(self) -> None:
        """The pods of the run at work train, store what they made and end; and so does its
        Workflow."""
        name = self._find_at_work()
        pods = Pods(world=self.land.world, run=name, name=f"pod-of-{name}")
        pods.read_stored()
        pods.tell(STARTED, EVALUATED, SUCCEEDED, attempt=_get_attempt(name), is_printed=False)
        pods.store()
        self.cluster.play(name, recorded_status("succeeded"))
        self.settle()

    def stop(self) -> None:
        """Argo stops what it was told to stop."""
        name = self._find_at_work()
        workflow = self.cluster.workflow(name)
        assert workflow is not None and workflow["spec"].get("shutdown") == "Stop", self.said
        self.cluster.play(name, recorded_status("stopped"))
        self.settle()

    def _find_at_work(self) -> str:
        (found,) = [one for one in self.list_workflows() if "status" not in one]
        return str(found["metadata"]["name"])

    def describe(self) -> Mapping[str, Any]:
        """All that is there in the end, without times, ids and addresses of this scenario."""
        repository, mask = self.repository, _make_mask(self)
        people = [one for one in repository.comments.values() if one.author != BOT]
        checks = {(one.sha, one.name): one for one in repository.check_runs.values()}
        statuses = {(one.sha, one.context): one for one in repository.statuses}
        runs = mlflow.MlflowClient(self.tracking).search_runs(
            [one.experiment_id for one in mlflow.MlflowClient(self.tracking).search_experiments()]
        )
        return {
            "comments": sorted(
                (one.number, mask(one.body))
                for one in repository.comments.values()
                if one.author == BOT and one.body.strip() != DUPLICATE.strip()
            ),
            # That a command was seen is told while its answer is to come, or not at all.
            "reactions": [
                sorted(
                    each.content
                    for each in repository.reactions.values()
                    if each.comment == n and each.content != "eyes"
                )
                for n in sorted(one.id for one in people)
            ],
            "checks": sorted(
                (sha, name, one.conclusion, mask(one.summary or ""))
                for (sha, name), one in checks.items()
            ),
            "statuses": sorted(
                (sha, context, one.state, mask(one.description or ""))
                for (sha, context), one in statuses.items()
            ),
            "workflows": [
                (one["metadata"]["name"], one["spec"].get("shutdown"), mask(_read_marks(one)))
                for one in self.list_workflows()
            ],
            "objects": sorted(
                path.rpartition("/namespaces/")[2]
                for path in self.cluster.objects
                if "/pods/" not in path
            ),
            "stored": self._describe_store(),
            "tracked": sorted((one.info.run_name, one.info.status) for one in runs),
        }

    def _describe_store(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        store = self.land.world.store
        for one in store.list_objects():
            run, _, path = one.key.partition("/")
            told = found.setdefault(run, [])
            if path == "events.jsonl":
                read = store.read(one.key)
                assert read is not None
                told += [json.loads(line)["kind"] for line in read[0].splitlines()]
            told.append(path)
        return {run: sorted(told) for run, told in found.items()}


def _get_attempt(name: str) -> int:
    number = name.rpartition("-")[2]
    return int(number) if len(number) == 1 else 1


def _read_marks(workflow: Mapping[str, Any]) -> str:
    kept = {
        kind: {
            key: value
            for key, value in workflow["metadata"].get(kind, {}).items()
            if "created-at" not in key
        }
        for kind in ("labels", "annotations")
    }
    return json.dumps(kept, sort_keys=True)


def _make_mask(scene: Scene) -> Callable[[str], str]:
    people = sorted(one.id for one in scene.repository.comments.values() if one.author != BOT)
    ids = {str(number): f"said-{turn}" for turn, number in enumerate(people)}

    def mask(text: str) -> str:
        text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?Z?", "TIME", text)
        text = re.sub(r"\b17\d{8}\b", "TIME", text)
        text = re.sub(r"127\.0\.0\.1:\d+", "HERE", text)
        text = re.sub(r"(?<!\w)1\d{3}(?!\w)", lambda found: ids.get(found[0], "ID"), text)
        # Whoever died before it answered says that the run was begun, and not that it begins.
        return re.sub(r"(🚀) .*?(`[a-z0-9-]+`).*", r"\1 \2", text)

    return mask


@contextmanager
def play_scene(
    land: Land,
    folder: Path,
    controllers: Sequence[MortalController],
) -> Iterator[Scene]:
    """Fresh servers and controllers on the land, while the context lasts."""
    world = land.world
    kept = [one.key for one in world.store.list_objects()]
    if kept:
        world.store.delete(kept)
    land.show_head(land.heads[0])
    shutil.copyfile(land.mlflow, folder / "mlflow.db")
    with ExitStack() as stack:
        cluster = stack.enter_context(running_kubernetes())
        github = stack.enter_context(serve_github(land.public_key))
        world.server = cluster
        repository = github.world.add_repository(REPOSITORY)
        repository.permissions = {BOT: "write", "ana": "write", "ben": "write"}
        repository.clone_url = str(world.root)
        github.installations = {11: [REPOSITORY]}
        tracking = f"sqlite:///{folder}/mlflow.db"
        places = []
        for turn in range(len(controllers)):
            home = folder / f"controller-{turn}"
            home.mkdir()
            environ = {
                "KUBECONFIG": str(cluster.write_kubeconfig(folder / f"kubeconfig-{turn}")),
                "VTSPEC_CACHE": str(home / "cache"),
                "MLFLOW_TRACKING_URI": tracking,
            }
            places.append(
                Place(
                    github=github.url,
                    repository=REPOSITORY,
                    app_id=str(APP_ID),
                    key_file=str(land.key_file),
                    folder=str(home / "mirror.git"),
                    environ=environ,
                )
            )
        scene = Scene(
            land=land,
            github=github,
            cluster=cluster,
            controllers=controllers,
            places=places,
            tracking=tracking,
        )
        for turn in range(len(controllers)):
            scene.begin(turn)
        try:
            yield scene
        finally:
            for one in controllers:
                one.end()
