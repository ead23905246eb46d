"""What a pull request comes to: the plans of its specs, and of those that it changes besides."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.project.repository import PROJECT_FILE
from vtspec.pipelines.project.spec_index import FOLDERS
from vtspec.schema.files import SUFFIXES
from vtspec.schema.problem import Problem, SpecError

from .plan import PlannedRun, plan_spec
from .render import check_data, check_weights, find_run_settings, make_obstacle

if TYPE_CHECKING:
    from vtspec.pipelines.argo.settings import DataRemote
    from vtspec.pipelines.planning.diff import Change
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.planning.prior_runs import PriorRuns
    from vtspec.pipelines.planning.resolve import ModelSources
    from vtspec.pipelines.project.commit_tree import CommitTree
    from vtspec.pipelines.project.repository import Repository

_POINTERS = (".dvc", "dvc.lock")


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Commits of a git repository, which may be a bare one, at `folder`.

    `head` is what is proposed for the branch at `base`; the `vtspec.yaml` of `policy`, which is
    the default branch, decides. Models are looked up in `sources`, and `also` are experiments
    that are to be planned although their files stay.
    """

    folder: Path
    head: str
    base: str
    policy: str
    sources: "ModelSources | None" = None
    also: frozenset[str] = frozenset()
    check: "Callable[[Plan, DataRemote, Path], str | None]" = check_data
    check_weights: "Callable[[Plan], str | None]" = check_weights


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Whether a pod can fetch data or weights; None where nobody could tell, as `note` says."""

    what: Literal["data", "weights"]
    is_reached: bool | None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ProposedPlan:
    """A spec whose own file is new or another. `before` is the plan that it has in the base, None
    where it is new or had none; `obstacles` say why the cluster cannot carry it out, `reach` what
    a pod can fetch of what it needs."""

    path: str
    planned: PlannedRun
    before: "Plan | None"
    changes: "tuple[Change, ...]"
    prior: "PriorRuns"
    obstacles: tuple[Problem, ...] = ()
    reach: tuple[Reach, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AffectedPlan:
    """A spec whose file stays, and whose plan becomes another; it is not run unasked. `after` is
    None where it cannot be planned any more, as `problems` say."""

    path: str
    before: "Plan"
    after: "Plan | None"
    changes: "tuple[Change, ...]" = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PullRequestPlans:
    """All of it at one commit. `problems` are those of the specs that it changes, with files from
    the repository's root; `removed` are files of experiments that go, and
    `changes_project` says whether `vtspec.yaml` is another."""

    head: str
    merge_base: str
    problems: tuple[Problem, ...]
    proposed: tuple[ProposedPlan, ...]
    asked: tuple[ProposedPlan, ...]
    affected: tuple[AffectedPlan, ...]
    removed: tuple[str, ...]
    changes_project: bool

    @property
    def plans(self) -> "tuple[Plan, ...]":
        """All that would be carried out, each seed of it."""
        return tuple(plan for one in self.proposed for plan in one.planned.plans)

    @property
    def digest(self) -> str | None:
        """What approves all of them at once; None where there are none."""
        return combine_digests([plan.digest for plan in self.plans])


def combine_digests(digests: Sequence[str]) -> str | None:
    """One digest over those of several plans, in whatever order; None for none."""
    if not digests:
        return None
    return "sha256:" + hashlib.sha256("\n".join(sorted(set(digests))).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Validation:
    """The specs that a pull request changes, and `vtspec.yaml` where it does: the files that are
    there then, from the repository's root, and what is wrong in them."""

    files: tuple[str, ...]
    problems: tuple[Problem, ...]


def validate_pull_request(proposal: Proposal) -> Validation:
    """Look for what is wrong in what a pull request proposes: in its commits alone, no store, no
    hub and no cluster is asked. Raises as `plan_pull_request`."""
    comparison = _compare(proposal)
    return Validation(
        files=comparison.list_files(),
        problems=tuple(_order_problems(list(comparison.find_problems()))),
    )


def plan_pull_request(proposal: Proposal) -> PullRequestPlans:
    """Validate and plan what a pull request proposes; nothing of it is carried out, and no file of
    it is ever on disk.

    Raises `SpecError` where the policy's own `vtspec.yaml` is wrong, `Refused` and `Permanent`
    where there are no such commits, `Temporary` where the world cannot be asked just now.
    """
    from vtspec.pipelines.planning.resolve import ModelSources
    from vtspec.pipelines.tracking import choose_tracking_uri
    from vtspec.pipelines.weights.model_versions import make_version_lookup

    comparison = _compare(proposal)
    there = comparison.after
    uri = choose_tracking_uri(there.runs, there.project.spec.tracking.uri, os.environ)
    given = proposal.sources or ModelSources()
    version_of = given.version_of or make_version_lookup(uri)
    sources = replace(given, version_of=version_of, timings={})
    comparison = replace(comparison, proposal=replace(proposal, sources=sources))
    problems = list(comparison.find_problems())
    proposed = comparison.propose_all(comparison.list_proposed(), problems)
    asked = comparison.propose_all(comparison.list_changed(), problems)
    affected = tuple(comparison.find_affected())
    return PullRequestPlans(
        head=comparison.trees[1].commit,
        merge_base=comparison.trees[0].commit,
        problems=tuple(_order_problems(problems)),
        proposed=tuple(proposed),
        asked=tuple(asked),
        affected=affected,
        removed=comparison.list_removed(),
        changes_project=PROJECT_FILE in comparison.changed,
    )


def _compare(proposal: Proposal) -> "_Comparison":
    """What is proposed beside where it branched off."""
    from vtspec.pipelines.project.commit_tree import find_merge_base, read_commit
    from vtspec.pipelines.project.repository import find_repository

    folder = proposal.folder
    merge_base = find_merge_base(folder, proposal.base, proposal.head)
    before, after = (read_commit(folder, commit) for commit in (merge_base, proposal.head))
    policy = read_commit(folder, proposal.policy)
    there = find_repository(policy.top, policy)
    return _Comparison(
        trees=(before, after),
        before=there.with_tree(before),
        after=there.with_tree(after),
        changed=frozenset(before.list_changed(after)),
        proposal=proposal,
    )


@dataclass(frozen=True, kw_only=True)
class _Comparison:
    """The repository before and after, both under the policy's `vtspec.yaml`."""

    trees: "tuple[CommitTree, CommitTree]"
    before: "Repository"
    after: "Repository"
    changed: frozenset[str]
    proposal: Proposal

    def find_problems(self) -> Iterator[Problem]:
        """What is wrong in the specs that are changed, and in a `vtspec.yaml` that is."""
        from vtspec.pipelines.validation import Catalogs, check_specs, point_to_params

        loaded = [self.after.read(path) for path in self._list_changed_files()]
        catalogs = Catalogs()
        for spec in loaded:
            yield from (point_to_params(problem, catalogs) for problem in spec.problems)
        paths = {
            spec.file: self.after.tree.resolve(self.after.here / spec.file) for spec in loaded
        }
        yield from check_specs(loaded, self.after, paths)

    def list_files(self) -> tuple[str, ...]:
        """The specs that are changed and there, and `vtspec.yaml` where it is."""
        return tuple(self.after.make_relative(path) for path in self._list_changed_files())

    def _list_changed_files(self) -> list[Path]:
        root = self.after.root
        found = [root / path for path in sorted(self.changed) if self._is_spec(path)]
        return [path for path in found if self.after.tree.is_file(path)]

    def _is_spec(self, path: str) -> bool:
        if path == PROJECT_FILE:
            return True
        folders = (self.after.specs / folder for folder in FOLDERS.values())
        below = (self.after.make_relative(folder) + "/" for folder in folders)
        return path.endswith(SUFFIXES) and path.startswith(tuple(below))

    def list_proposed(self) -> list[str]:
        """The files of experiments that are new or other than before."""
        return [path for path in self._list_experiments(self.after) if path in self.changed]

    def list_changed(self) -> list[str]:
        """The files of those that are to be planned besides."""
        files = self.after.find_spec_files("Experiment")
        found = (files[name] for name in sorted(self.proposal.also) if name in files)
        return [path for path in map(self.after.make_relative, found) if path not in self.changed]

    def propose_all(self, paths: Sequence[str], problems: list[Problem]) -> Iterable[ProposedPlan]:
        """Those that can be planned; why others cannot goes to the `problems`."""
        found = []
        for path in paths:
            try:
                planned = self.plan(path)
            except (SpecError, Refused, Permanent) as error:
                problems += _place_problems(error, path)
            else:
                found.append(self.propose(path, planned))
        return found

    def list_removed(self) -> tuple[str, ...]:
        """The files of experiments that are there no more."""
        gone = {*self._list_experiments(self.before)} - {*self._list_experiments(self.after)}
        return tuple(sorted(gone))

    def _list_experiments(self, repository: "Repository") -> list[str]:
        found = repository.find_spec_files("Experiment").values()
        return sorted(repository.make_relative(path) for path in found)

    def plan(self, path: str) -> PlannedRun:
        """The plan of a spec as it is proposed; raises as planning does."""
        return plan_spec(self.after.root / path, self.after, sources=self.proposal.sources)

    def propose(self, path: str, planned: PlannedRun) -> ProposedPlan:
        """What stands beside the plan of a spec that is new or another."""
        from vtspec.pipelines.planning.diff import compare_plans
        from vtspec.pipelines.planning.prior_runs import find_prior_runs

        made = planned.made
        before = self._find_before(path, made.name)
        obstacles, reach = self._find_obstacles(made)
        return ProposedPlan(
            path=path,
            planned=planned,
            before=before,
            changes=() if before is None else compare_plans(before.to_json(), made.to_json()),
            prior=find_prior_runs(made, self.after, self.proposal.sources, planned.others),
            obstacles=obstacles,
            reach=reach,
        )

    def _find_before(self, path: str, name: str) -> "Plan | None":
        """The plan of the file in the base, else of the spec of that name, which was moved."""
        files = self.before.find_spec_files("Experiment")
        whole = self.before.root / path
        found = whole if whole in files.values() else files.get(name)
        if found is None:
            return None
        try:
            return plan_spec(found, self.before, sources=self.proposal.sources).made
        # What was wrong before is not this request's.
        except (SpecError, Refused, Permanent):
            return None

    def _find_obstacles(self, made: "Plan") -> tuple[tuple[Problem, ...], tuple[Reach, ...]]:
        try:
            settings = find_run_settings(made, self.after)
        except (SpecError, Refused) as error:
            return tuple(_place_problems(error, made.spec_path)), ()
        obstacles: list[Problem] = []

        def look(what: Literal["data", "weights"], ask: "Callable[[], str | None]") -> Reach:
            try:
                doubt = ask()
            except Refused as error:
                korean = _explain_absence(what, made, error)
                placed = _place_problems(error, made.spec_path)
                obstacles.extend(make_obstacle(one, korean) for one in placed)
                return Reach(what=what, is_reached=False)
            return Reach(what=what, is_reached=None if doubt else True, note=doubt or "")

        proposal, root = self.proposal, self.after.root
        reach = [look("data", lambda: proposal.check(made, settings.remote, root))]
        if made.model.weights is not None:
            reach.append(look("weights", lambda: proposal.check_weights(made)))
        return tuple(obstacles), tuple(reach)

    def find_affected(self) -> Iterator[AffectedPlan]:
        """The specs whose files stay and whose plans do not: by data, a configuration, or weights
        that are changed."""
        if not any(self._decides_others(path) for path in self.changed):
            return
        # What is proposed for `vtspec.yaml` counts here, and nowhere else before it is merged.
        before, after = self.trees
        first, second = self._find_own(self.before, before), self._find_own(self.after, after)
        if first is None or second is None:
            return
        for path in self._list_experiments(second):
            if path not in self.changed:
                yield from self._find_effect(path, first, second)

    def _find_effect(
        self, path: str, first: "Repository", second: "Repository"
    ) -> "Iterator[AffectedPlan]":
        from vtspec.pipelines.planning.diff import compare_plans

        sources = self.proposal.sources
        try:
            before = plan_spec(first.root / path, first, sources=sources).made
        except (SpecError, Refused, Permanent):
            return
        try:
            made = plan_spec(second.root / path, second, sources=sources).made
        except (SpecError, Refused, Permanent) as error:
            problems = tuple(_place_problems(error, path))
            yield AffectedPlan(path=path, before=before, after=None, problems=problems)
            return
        if made.digest != before.digest:
            changes = compare_plans(before.to_json(), made.to_json())
            yield AffectedPlan(path=path, before=before, after=made, changes=changes)

    def _find_own(self, repository: "Repository", tree: "CommitTree") -> "Repository | None":
        from vtspec.pipelines.project.repository import find_repository

        if PROJECT_FILE not in self.changed:
            return repository
        try:
            own = find_repository(tree.top, tree)
        # Told as a problem of that file.
        except SpecError:
            return None
        # With our credentials only the policy's own stores are asked.
        return replace(own, runs_folder=repository.runs)

    def _decides_others(self, path: str) -> bool:
        if path == PROJECT_FILE or path.endswith(_POINTERS):
            return True
        datasets = self.after.make_relative(self.after.specs / FOLDERS["Dataset"])
        return path.startswith(f"{datasets}/") or path in self._list_weights()

    def _list_weights(self) -> set[object]:
        experiments = self.after.sound_experiments.values()
        return {data["spec"].get("model", {}).get("weights") for data in experiments}


def _explain_absence(what: Literal["data", "weights"], made: "Plan", error: Refused) -> str:
    """In Korean what a pod could not fetch, and what to do."""
    fix = f". {error.fix}" if error.fix else ""
    if what == "data":
        # Its fix is the command that pushes them.
        return f"{made.dataset.name} 데이터가 원격 저장소에 모두 있지 않습니다{fix}"
    return (
        "허브의 가중치를 토큰 없이 읽을 수 없고 파드에는 토큰이 없습니다. 누구나 읽을 수 있는 "
        "가중치로 시작하거나 'vtspec run'으로 직접 실행하세요"
    )


def _order_problems(problems: Sequence[Problem]) -> list[Problem]:
    """Each once, by file and line."""
    found = {(one.file, one.line, one.column, one.path, one.message): one for one in problems}
    return [found[key] for key in sorted(found)]


def _place_problems(error: SpecError | Refused | Permanent, path: str) -> list[Problem]:
    """The problems that an error of planning tells; what has no place is at the top of `path`."""
    if isinstance(error, SpecError):
        return list(error.problems)
    return [
        Problem(
            file=path,
            line=1,
            column=1,
            path="",
            value=None,
            message=error.message,
            fix=error.fix or "see the message",
        )
    ]
