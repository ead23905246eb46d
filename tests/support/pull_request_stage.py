"""A pull request on the real cluster: a forge, two controllers, MLflow, a store, a repository.

All of it is on this machine, in the network of the cluster, and goes with the context. The test of
the whole way and `make cluster-demo` play the same on it.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from comment_digest import find_news, fold_comment
from dvc_repositories import command, dvc_repository
from git_repositories import commit, git
from helm_chart import ROOT
from local_cluster.addresses import REGISTRY
from local_cluster.cluster import Cluster
from mlflow_server import MlflowServer, free_port
from object_storage import ObjectStorage
from proposing_forges import (
    SECRET,
    ForgeKind,
    ProposingForge,
    serve_gitea_for,
    serve_github_for,
)
from served_controller import Served, serve_controller
from toy_runs import unmeasured
from vtspec.pipelines.data.sample_digits import write_digits
from vtspec.pipelines.forge.forge import Comment
from workflows import CLAIM, DATA_SECRET, NAMESPACE, RUNS_SECRET

APPROVER: Final = "ben"

_PROJECT = """\
apiVersion: vtspec.dev/v1alpha1
kind: Project
metadata: {{name: digits}}
spec:
  runs: s3://{kind}-runs/{team}
  registry: {registry}
  remotes: {{storage: {{url: "s3://{kind}-data/dvc", secret: {data_secret}}}}}
  tracking: {{uri: "{mlflow}"}}
  prices: {{currency: EUR, cpuPerHour: 0.04}}
  cluster:
    namespace: {namespace}
    volumeClaim: {claim}
    runsSecret: {runs_secret}
    ephemeralStorage: 1Gi
"""

_SOFTMAX = """\
apiVersion: vtspec.dev/v1alpha1
kind: Experiment
metadata: {name: digits-softmax}
spec:
  description: How far do straight lines get?
  task: image-classification
  framework: toy
  model: {name: softmax-regression}
  dataset: {ref: digits}
  training: {epochs: 5, batchSize: 16, imageSize: 8, learningRate: 0.1}
  resources: {gpus: 0, cpus: 1, memory: 2Gi, maxDuration: 30m}
  report: {gates: ["accuracy >= 0.8"]}
"""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """An experiment that a pull request adds, on a branch of its own."""

    branch: str
    title: str
    name: str
    framework: Literal["toy", "timm"]
    text: str

    @property
    def path(self) -> str:
        """Its file, in the repository."""
        return f"specs/experiments/{self.name}.yaml"


SOFTMAX: Final = Proposal(
    branch="straight-lines",
    title="How far do straight lines get?",
    name="digits-softmax",
    framework="toy",
    text=_SOFTMAX,
)


def propose_resnet() -> Proposal:
    """This repository's smallest ResNet, for one epoch."""
    text = (ROOT / "specs" / "experiments" / "digits-resnet10t.yaml").read_text()
    assert text.count("  epochs: 3\n") == 1
    return Proposal(
        branch="smallest-resnet",
        title="How far does the smallest ResNet get?",
        name="digits-resnet10t",
        framework="timm",
        text=text.replace("  epochs: 3\n", "  epochs: 1\n"),
    )


_KIND: Final = re.compile(r"<!-- vtspec:(\w+)")
_LINE: Final = re.compile(r"^/vtspec apply [0-9a-f ]+$", re.M)


@dataclass
class Stage:
    """What there is. `number` is the pull request's, 0 before it is opened; `heard` are the
    comments as they were told last, by their ids. `metrics` are the addresses at which the
    controllers' figures are read."""

    proposal: Proposal
    root: Path
    forge: ProposingForge
    mlflow: str
    logs: tuple[Path, ...]
    metrics: tuple[str, ...]
    tell: Callable[[str], None]
    number: int = 0
    heard: dict[int, str] = field(default_factory=dict)

    def open(self) -> None:
        """Propose the spec."""
        self.number = self.forge.propose(self.proposal.branch, self.proposal.title)
        self.tell(f"ana opens pull request {self.number}")

    def say(self, body: str) -> None:
        """Write a comment, as somebody who may write to the repository."""
        self.tell(f"{APPROVER} writes: {body}")
        self.forge.site.write_comment(self.number, body, APPROVER)

    def merge(self) -> None:
        """Merge it."""
        self.forge.merge(self.number)
        self.tell(f"pull request {self.number} is merged")

    def list_comments(self) -> list[Comment]:
        """Those of the bot; each that is new or says something else is told."""
        every = self.forge.site.forge.list_comments(self.number)
        found = [one for one in every if one.author == self.forge.site.bot]
        for one in found:
            before = self.heard.get(one.id)
            if before != one.body:
                self.heard[one.id] = one.body
                self._tell_of(one, before)
        return found

    def _tell_of(self, comment: Comment, before: str | None) -> None:
        kind = _KIND.match(comment.body)
        what = f"{comment.author}, {kind[1] if kind else 'comment'}"
        if before is None:
            self.tell(f"{what}:\n\n{fold_comment(comment.body)}")
        elif news := find_news(before, comment.body):
            self.tell("\n".join((f"{what}, now:\n", *(f"- {line}" for line in news))))

    def await_comment(self, kind: str, timeout_s: float, holds: str = "") -> str:
        """The text of the bot's comment of a kind, once it is there and holds some words."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for one in self.list_comments():
                if one.body.startswith(f"<!-- vtspec:{kind}") and holds in one.body:
                    return one.body
            time.sleep(1.0)
        said = "\n".join(log.read_text()[-4000:] for log in self.logs)
        raise AssertionError(f"no comment {kind} within {timeout_s:g} s\n{self.heard}\n{said}")

    def approve(self) -> None:
        """Paste the line that the plan comment has."""
        line = _LINE.search(self.await_comment("plan", 120.0, "/vtspec apply "))
        assert line is not None
        # A forge's times are of a second: what is approved was shown before.
        time.sleep(2.0)
        self.say(line[0])

    def await_tracked(self, run: str, timeout_s: float = 120.0) -> None:
        """Wait until MLflow has the end of a run, once."""
        import mlflow

        client = mlflow.MlflowClient(self.mlflow)
        deadline = time.monotonic() + timeout_s
        while True:
            ids = [one.experiment_id for one in client.search_experiments()]
            found = [one.info for one in client.search_runs(ids) if one.info.run_name == run]
            if [one.status for one in found] == ["FINISHED"]:
                self.tell(f"MLflow has {run}")
                return
            assert time.monotonic() < deadline, (found, [log.read_text() for log in self.logs])
            time.sleep(1.0)

    def await_rest(self, quiet_s: float = 25.0) -> None:
        """Wait until nobody has written anything for a while: two sweeps of each controller."""
        self.list_comments()
        before, since = dict(self.heard), time.monotonic()
        while time.monotonic() - since < quiet_s:
            time.sleep(1.0)
            self.list_comments()
            if self.heard != before:
                before, since = dict(self.heard), time.monotonic()


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A cluster with the namespace of runs, a storage that its pods reach, of which the
    environment has the variables, and an image that has the proposal's framework."""

    cluster: Cluster
    storage: ObjectStorage
    image: str
    proposal: Proposal = SOFTMAX


@contextmanager
def set_stage(
    kind: ForgeKind,
    folder: Path,
    ground: Ground,
    tell: Callable[[str], None],
    team: str = "team",
) -> Iterator[Stage]:
    """A repository with digits on a forge, and all that it takes to train them, while the context
    lasts. What one `team` has run is not run again."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        mlflow = MlflowServer(folder)
        stack.callback(mlflow.kill)
        mlflow.start()
        tell(f"MLflow is at {mlflow.uri}")
        project = _PROJECT.format(
            kind=kind,
            team=team,
            registry=REGISTRY,
            data_secret=DATA_SECRET,
            mlflow=mlflow.uri,
            namespace=NAMESPACE,
            claim=CLAIM,
            runs_secret=RUNS_SECRET,
        )
        root = _make_repository(folder / "repository", ground, kind, project)
        tell("a repository has scikit-learn's digits, by DVC")
        forge = stack.enter_context(_serve_forge(kind, root, folder))
        tell(f"{kind} is at {forge.url}")
        logs: list[Path] = []
        metrics: list[str] = []
        for name in ("one", "other"):
            log = folder / f"controller-{name}.log"
            served = _describe_controller(forge, folder / name, ground)
            environ = {
                **unmeasured(),
                **ground.storage.environment,
                "KUBECONFIG": str(ground.cluster.kubeconfig()),
                "VTSPEC_CACHE": str(folder / name / "cache"),
            }
            url = stack.enter_context(serve_controller(served, environ, log))
            # As behind a service: one of them hears of it, the other one sweeps.
            if not logs:
                forge.tell(url)
            logs.append(log)
            metrics.append(f"127.0.0.1:{served.metrics_port}")
        tell("two controllers look after it")
        yield Stage(
            proposal=ground.proposal,
            root=root,
            forge=forge,
            mlflow=mlflow.uri,
            logs=tuple(logs),
            metrics=tuple(metrics),
            tell=tell,
        )


@contextmanager
def _serve_forge(kind: ForgeKind, root: Path, folder: Path) -> Iterator[ProposingForge]:
    if kind == "github":
        with serve_github_for(root) as github:
            yield github
    else:
        with serve_gitea_for(root, folder / "gitea") as gitea:
            yield gitea


def _describe_controller(forge: ProposingForge, home: Path, ground: Ground) -> Served:
    home.mkdir()
    for name, text in (("token", forge.token), ("secret", SECRET)):
        (home / name).write_text(text)
        (home / name).chmod(0o600)
    return Served(
        forge=forge.kind,
        url=forge.url,
        repository=forge.site.forge.repository,
        token=str(home / "token"),
        secret=str(home / "secret"),
        folder=str(home / "mirror.git"),
        port=free_port(),
        metrics_port=free_port(),
        sweep_s=10.0,
        digests={ground.proposal.framework: ground.image.rpartition("@")[2]},
    )


def _make_repository(root: Path, ground: Ground, kind: str, project: str) -> Path:
    dvc_repository(root)
    for name in (f"{kind}-runs", f"{kind}-data"):
        ground.storage.make_bucket(name)
    (root / "vtspec.yaml").write_text(project)
    dataset = root / "specs" / "datasets" / "digits.yaml"
    dataset.parent.mkdir(parents=True)
    shutil.copyfile(ROOT / "specs" / "datasets" / "digits.yaml", dataset)
    write_digits(root / "data" / "digits")
    command(root, "dvc", "add", "-q", "data/digits")
    command(root, "dvc", "remote", "add", "-q", "-d", "storage", f"s3://{kind}-data/dvc")
    command(root, "dvc", "push", "-q")
    commit(root)
    proposal = ground.proposal
    git(root, "checkout", "-q", "-b", proposal.branch)
    (root / proposal.path).parent.mkdir(parents=True)
    (root / proposal.path).write_text(proposal.text)
    commit(root)
    return root
