"""A repository that is looked after: where its parts are asked, and what is remembered of them."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from vtspec.pipelines.cluster.run_credential import RunCredentials
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.operations.cluster_workflows import open_cluster
from vtspec.pipelines.operations.pull_request import PullRequestPlans
from vtspec.pipelines.operations.render import check_data, check_weights
from vtspec.pipelines.project.git_mirror import GitMirror
from vtspec.pipelines.project.repository import Repository
from vtspec.pipelines.redaction import make_redactor

from .markers import VisiblePlans
from .observed_attempts import ObservedAttempts
from .observed_runs import Ended, ObservedRuns
from .observed_workflows import ObservedWorkflows
from .tenancy import Tenancy, Tenants

if TYPE_CHECKING:
    from vtspec.pipelines.argo.settings import DataRemote
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
    from vtspec.pipelines.forge.forge import (
        CheckReport,
        Forge,
        PullRequest,
        Reaction,
        RepositoryInfo,
        Status,
    )
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.planning.resolve import ModelSources

    from .metrics import SiteMetrics

CLUSTER_S: Final = 60.0
"""How long a kubeconfig is taken for what it was: the tokens of pods and plug-ins are good for
minutes after another one is given out."""


FAULT_S: Final = 60.0
"""How soon it is tried again what came upon an error that nobody foresaw."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The plans of a pull request, the experiments whose runs they were told with, and those; when
    they were made, by a clock that only goes on."""

    found: PullRequestPlans
    names: frozenset[str] | None
    ended: tuple[Ended, ...]
    made: float


@dataclass(kw_only=True)
class Site:
    """A repository that is looked after, and where its parts are asked.

    `folder` holds its mirror; `tenants` are those of all repositories of the process. `statuses`
    and `checks` are what this process has told the forge of commits: another one tells it once
    more, which changes nothing. `concluded` are reactions to commands that are answered for good,
    `visible` is since when plan comments have shown what they show, by their ids, `opened` the
    pull requests that were open at the last survey, `heads` those of all that are open, `heard`
    until when comments were listed, `surveyed` those whose commits and runs that has read and
    which were neither looked at nor told of since, `told` those that were told of since it began.
    """

    forge: "Forge"
    folder: Path
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    get_time: Callable[[], datetime] | None = None
    tenancy: Tenancy = field(default_factory=Tenancy)
    tenants: Tenants = field(default_factory=Tenants)
    statuses: "dict[str, dict[str, Status]]" = field(default_factory=dict)
    checks: "dict[str, dict[str, CheckReport]]" = field(default_factory=dict)
    sources: "ModelSources | None" = None
    check: "Callable[[Plan, DataRemote, Path], str | None]" = check_data
    check_weights: "Callable[[Plan], str | None]" = check_weights
    repository: Repository | None = None
    planned: "dict[tuple[object, ...], Planned]" = field(default_factory=dict)
    concluded: "dict[int, Sequence[Reaction]]" = field(default_factory=dict)
    runs: ObservedRuns = field(default_factory=ObservedRuns)
    workflows: ObservedWorkflows = field(default_factory=ObservedWorkflows)
    attempts: ObservedAttempts = field(default_factory=ObservedAttempts)
    visible: dict[int, VisiblePlans] = field(default_factory=dict)
    opened: set[int] = field(default_factory=set)
    heads: dict[int, str] = field(default_factory=dict)
    heard: datetime | None = None
    surveyed: set[int] = field(default_factory=set)
    told: set[int] = field(default_factory=set)
    metrics: "SiteMetrics | None" = None
    _cluster: "tuple[float, KubernetesClient] | None" = None
    _info: "RepositoryInfo | None" = None

    @cached_property
    def credentials(self) -> RunCredentials:
        """Those of its runs, which remember when they were renewed."""
        return RunCredentials(environ=self.environ)

    def open_cluster(self) -> "KubernetesClient":
        """The cluster, as the environment leads to it now or did a moment ago."""
        now = time.monotonic()
        if self._cluster is None or now - self._cluster[0] > CLUSTER_S:
            self._cluster = now, open_cluster(self.environ)
        return self._cluster[1]

    def open_mirror(self) -> tuple[GitMirror, str]:
        """The mirror of its git, and its default branch as git calls it."""
        self._info = self.forge.find_repository()
        return self.reopen_mirror()

    def reopen_mirror(self) -> tuple[GitMirror, str]:
        """The same as the forge told of the repository last, which is asked nothing."""
        info, header = self._info or self.forge.find_repository(), self.forge.make_git_header()
        mirror = GitMirror(folder=self.folder, url=info.clone_url, header=header)
        return mirror, f"refs/heads/{info.default_branch}"

    def note_fault(self, error: Exception) -> Temporary:
        """Count an error of ours; what is told of it, without what is secret, and after which time
        what came upon it is tried again."""
        if self.metrics is not None:
            self.metrics.count_fault()
        return Temporary(make_redactor(self.environ).redact_traceback(error), delay_s=FAULT_S)

    def note_faults(self, faults: Mapping[int, Exception]) -> "dict[int, Reason]":
        """The same of several pull requests."""
        return {number: self.note_fault(error) for number, error in faults.items()}

    def note_heads(self, pulls: "Iterable[PullRequest]") -> None:
        """Remember the heads of those that are open."""
        for one in pulls:
            self.heads.pop(one.number, None)
            if one.state == "open":
                self.heads[one.number] = one.head_sha

    def list_beside(self, numbers: Iterable[int]) -> set[int]:
        """These pull requests, and those that are known to be open with the same heads: what is
        told of a commit is told of all of them."""
        asked = {*numbers}
        heads = {self.heads[number] for number in asked & self.heads.keys()}
        return asked | {number for number, head in self.heads.items() if head in heads}

    @property
    def now(self) -> datetime:
        """The time by the clock that comments are dated by, unless another one is given."""
        return self.forge.find_time() if self.get_time is None else self.get_time()


Reason: TypeAlias = Permanent | Refused | Temporary
"""Why a pull request could not be looked at."""
