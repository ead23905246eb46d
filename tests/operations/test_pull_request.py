"""A pull request is planned from its commits, under the default branch's `vtspec.yaml`."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from git_repositories import commit, git
from object_storage import ObjectStorage
from plan_repository import FILES, HASH, a_repository, change
from run_folders import EVALUATED, STARTED, SUCCEEDED, a_run_folder
from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.operations.plan import plan_spec
from vtspec.pipelines.operations.pull_request import (
    AffectedPlan,
    Proposal,
    PullRequestPlans,
    combine_digests,
    plan_pull_request,
)
from vtspec.pipelines.operations.render import Obstacle
from vtspec.pipelines.planning.resolve import ModelSources
from vtspec.pipelines.project.repository import find_repository
from vtspec.schema.problem import SpecError

DEEP = "specs/experiments/deep.yaml"
SMALL = "specs/experiments/small.yaml"
DIGITS = "specs/datasets/digits.yaml"
OTHER_HASH = "f" * 32 + ".dir"
CLUSTER = """\
  runs: s3://runs/vtspec
  registry: ghcr.io/acme
  remotes: {storage: {url: s3://data/dvc}}
  cluster: {namespace: runs, volumeClaim: vtspec, runsSecret: runs}
"""


class Branches:
    """A repository with a branch `main`, and changes that are proposed to it."""

    def __init__(self, root: Path) -> None:
        self.root = a_repository(root)
        self.commit()

    def git(self, *words: str) -> str:
        return git(self.root, *words)

    def commit(self) -> str:
        return commit(self.root)

    def propose(self, *edits: tuple[str, str, str]) -> None:
        self.git("checkout", "-q", "-b", "proposed", "main")
        for path, old, new in edits:
            change(self.root, path, old, new)
        self.commit()

    def plan(self, **words: object) -> PullRequestPlans:
        proposal = Proposal(
            folder=self.root,
            head="proposed",
            base="main",
            policy="main",
            check=lambda plan, remote, root: None,
        )
        return plan_pull_request(replace(proposal, **words))  # type: ignore[arg-type]


@pytest.fixture
def branches(tmp_path: Path) -> Branches:
    return Branches(tmp_path.resolve() / "repo")


def paths(found: Sequence[AffectedPlan]) -> list[str]:
    return [one.path for one in found]


def test_a_changed_spec_is_planned_beside_what_it_was(branches: Branches) -> None:
    branches.propose((DEEP, "epochs: 5", "epochs: 50"))
    branches.git("checkout", "-q", "main")
    found = branches.plan()
    (deep,) = found.proposed
    assert deep.path == DEEP
    assert deep.planned.made.training.epochs == 50
    assert deep.before == plan_spec(branches.root / DEEP, find_repository(branches.root)).made
    assert [(one.path, one.before, one.after) for one in deep.changes] == [
        ("training.epochs", 5, 50)
    ]
    assert (found.problems, found.affected, found.removed) == ((), (), ())
    assert found.digest == combine_digests([deep.planned.made.digest])


def test_a_new_spec_has_nothing_to_differ_from(branches: Branches) -> None:
    branches.git("checkout", "-q", "-b", "proposed")
    text = FILES[DEEP].replace("name: deep", "name: deeper")
    (branches.root / "specs/experiments/deeper.yaml").write_text(text)
    branches.commit()
    (deeper,) = branches.plan().proposed
    assert (deeper.planned.made.name, deeper.before, deeper.changes) == ("deeper", None, ())


def test_a_moved_spec_is_held_against_itself(branches: Branches) -> None:
    branches.git("checkout", "-q", "-b", "proposed")
    (branches.root / "specs/experiments/more").mkdir()
    branches.git("mv", DEEP, "specs/experiments/more/deep.yaml")
    branches.commit()
    found = branches.plan()
    (deep,) = found.proposed
    assert deep.before is not None
    assert deep.before.id == deep.planned.made.id
    assert found.removed == (DEEP,)


def test_what_the_branch_did_not_change_is_no_part_of_it(branches: Branches) -> None:
    branches.propose((DEEP, "epochs: 5", "epochs: 50"))
    branches.git("checkout", "-q", "main")
    change(branches.root, SMALL, "epochs: 3", "epochs: 30")
    branches.commit()
    found = branches.plan()
    assert [one.path for one in found.proposed] == [DEEP]
    assert found.affected == ()


def test_every_problem_is_told_at_its_line(branches: Branches) -> None:
    branches.propose(
        (DEEP, "{name: resnet18}", "{name: resnet81}"), (SMALL, "epochs: 3", "epochs: 0")
    )
    found = branches.plan()
    assert found.proposed == ()
    told = [(one.file, one.line, one.path) for one in found.problems]
    assert told == [(DEEP, 7, "spec.model.name"), (SMALL, 9, "spec.training.epochs")]
    assert found.digest is None


def test_other_data_changes_the_plans_of_all_who_train_on_it(branches: Branches) -> None:
    branches.propose(("data/digits.dvc", HASH, OTHER_HASH))
    found = branches.plan()
    assert found.proposed == ()
    assert paths(found.affected) == [DEEP, SMALL]
    for one in found.affected:
        assert one.after is not None
        assert one.after.id != one.before.id
        assert one.after.estimate.seconds is not None
        assert "dataset.hash" in {change.path for change in one.changes}


def test_a_dataset_that_goes_takes_its_experiments_with_it(branches: Branches) -> None:
    branches.git("checkout", "-q", "-b", "proposed")
    branches.git("rm", "-q", DIGITS)
    branches.commit()
    found = branches.plan()
    assert paths(found.affected) == [DEEP, SMALL]
    assert all(one.after is None and one.problems for one in found.affected)


def test_text_that_decides_nothing_affects_nobody(branches: Branches) -> None:
    old = "tasks: [image-classification]"
    branches.propose((DIGITS, old, f"description: Digits.\n  {old}"))
    (branches.root / "README.md").write_text("read me")
    branches.commit()
    found = branches.plan()
    assert (found.proposed, found.affected) == ((), ())


def test_weights_in_the_repository_affect_who_starts_from_them(branches: Branches) -> None:
    (branches.root / "w.safetensors").write_bytes(b"weights")
    change(branches.root, DEEP, "{name: resnet18}", "{name: resnet18, weights: w.safetensors}")
    branches.commit()
    branches.git("checkout", "-q", "-b", "proposed")
    (branches.root / "w.safetensors").write_bytes(b"others")
    branches.commit()
    assert paths(branches.plan().affected) == [DEEP]


def test_only_the_default_branch_says_what_may_be_asked_for(branches: Branches) -> None:
    limits = "  teams: {all: {specs: [specs], limits: {maxDuration: 10m}}}\n"
    (branches.root / "vtspec.yaml").write_text(FILES["vtspec.yaml"] + limits)
    branches.commit()
    branches.propose((DEEP, "epochs: 5", "epochs: 6"), ("vtspec.yaml", "10m", "10h"))
    found = branches.plan()
    assert found.proposed == ()
    assert "team all may take 10m at most" in " ".join(one.message for one in found.problems)


def test_a_proposed_configuration_lists_whose_plans_it_changes(branches: Branches) -> None:
    (branches.root / "vtspec.yaml").write_text(FILES["vtspec.yaml"] + CLUSTER)
    change(branches.root, DEEP, "gpus: 0,", "gpus: 1, gpuType: t4,")
    branches.commit()
    branches.propose(("vtspec.yaml", "pricePerHour: 0.35", "pricePerHour: 3.5"))
    # What it costs is no part of what is approved.
    assert branches.plan().affected == ()
    change(branches.root, "vtspec.yaml", "{memory: 15360Mi,", "{memory: [15360Mi],")
    branches.commit()
    found = branches.plan()
    assert found.affected == ()
    assert {one.file for one in found.problems} == {"vtspec.yaml"}


def test_no_store_that_is_only_proposed_is_asked(branches: Branches) -> None:
    model = branches.root / "runs/cats-0123456789/model/model.safetensors"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"weights")
    weights = "{name: resnet18, weights: 'run:cats-0123456789'}"
    change(branches.root, DEEP, "{name: resnet18}", weights)
    branches.commit()
    project = FILES["vtspec.yaml"]
    branches.propose(("vtspec.yaml", project, f"{project}  runs: s3://elsewhere/runs\n"))
    found = branches.plan()
    assert (found.problems, found.affected) == ((), ())


def test_what_keeps_the_cluster_from_it_is_told_beside_the_plan(
    branches: Branches, storage: ObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in storage.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("VTSPEC_CACHE", str(branches.root / "cache"))
    storage.make_bucket("runs")
    branches.propose((DEEP, "epochs: 5", "epochs: 50"))
    (deep,) = branches.plan().proposed
    assert deep.obstacles[0].message.startswith("says of no cluster")
    assert all(isinstance(one, Obstacle) for one in deep.obstacles)
    branches.git("checkout", "-q", "main")
    (branches.root / "vtspec.yaml").write_text(FILES["vtspec.yaml"] + CLUSTER)
    branches.commit()

    def refuse(plan: object, remote: object, root: Path) -> str | None:
        raise Refused("digits: 3 objects are not in s3://data/dvc", fix="dvc push -r storage")

    timm = replace(load_frameworks()["timm"], digest="sha256:" + "c" * 64)
    sources = ModelSources(frameworks={"timm": timm})
    (deep,) = branches.plan(check=refuse, sources=sources).proposed
    assert [one.message for one in deep.obstacles] == [
        "digits: 3 objects are not in s3://data/dvc"
    ]
    (lacking,) = deep.obstacles
    assert isinstance(lacking, Obstacle)
    korean = "digits 데이터가 원격 저장소에 모두 있지 않습니다. dvc push -r storage"
    assert lacking.korean == korean


def test_a_plan_that_was_run_says_so(branches: Branches) -> None:
    branches.propose((DEEP, "epochs: 5", "epochs: 50"))
    (deep,) = branches.plan().proposed
    made = deep.planned.made
    a_run_folder(branches.root / "runs", [STARTED, EVALUATED, SUCCEEDED], made.to_json())
    (again,) = branches.plan().proposed
    assert (deep.prior.runs_as, again.prior.runs_as) == ("new", "done")
    assert again.prior.run == made.id


def test_a_bare_mirror_is_read_as_a_clone_is(branches: Branches, tmp_path: Path) -> None:
    branches.propose((DEEP, "epochs: 5", "epochs: 50"))
    mirror = tmp_path / "mirror.git"
    subprocess.run(["git", "clone", "-q", "--mirror", branches.root, mirror], check=True)
    there, here = branches.plan(folder=mirror), branches.plan()
    assert there.digest == here.digest
    assert there.proposed[0].planned.made == here.proposed[0].planned.made


def test_commits_without_a_common_history_are_refused(branches: Branches) -> None:
    branches.git("checkout", "-q", "--orphan", "proposed")
    (branches.root / "README.md").write_text("another beginning")
    branches.commit()
    with pytest.raises(Refused, match="have no history in common"):
        branches.plan()


def test_a_wrong_configuration_of_the_default_branch_is_told(branches: Branches) -> None:
    branches.propose((DEEP, "epochs: 5", "epochs: 50"))
    branches.git("checkout", "-q", "main")
    (branches.root / "vtspec.yaml").write_text("nonsense: true\n")
    branches.commit()
    with pytest.raises(SpecError):
        branches.plan()
