"""What a run's own credential opens of the store: judged as an evaluator of IAM policies does."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

import guarded_storage
from cluster_plans import a_published_plan
from vtspec.pipelines.argo.run_access import build_session_policy
from vtspec.pipelines.planning.plan_model import Plan

ARN = "arn:aws:iam::123456789012:role/vtspec-run"
STORE = "s3://acme/team"
ME = "deep-0123456789"


def allows(
    policy: Mapping[str, Any],
    action: str,
    key: str = "",
    listing: Mapping[str, str] | None = None,
) -> bool:
    place = f"arn:aws:s3:::acme/{key}" if key else "arn:aws:s3:::acme"
    return guarded_storage.allows(policy, action, place, **(listing or {}))


def a_policy(plan: Plan | None = None, **changes: str) -> Mapping[str, Any]:
    asked = {"store": STORE, "run": ME, "arn": ARN, **changes}
    return build_session_policy(plan=plan or a_published_plan(), **asked)


def compared(**report: Any) -> Plan:
    plan = a_published_plan()
    return replace(plan, report=replace(plan.report, **report))


OWN = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]


@pytest.mark.parametrize("action", OWN)
def test_a_run_reads_and_writes_its_own_folder_and_no_other(action: str) -> None:
    policy = a_policy()
    assert allows(policy, action, f"team/{ME}/events.jsonl")
    assert allows(policy, action, f"team/{ME}/checkpoints/last.json")
    for other in (f"{ME}-2", "deep-9876543210", "deep"):
        assert not allows(policy, action, f"team/{other}/plan.json")
    assert not allows(policy, action, f"{ME}/plan.json")
    assert not allows(policy, action, f"others/{ME}/plan.json")


def test_a_run_lists_its_own_folder_and_no_other() -> None:
    policy = a_policy()
    for prefix in (f"team/{ME}/", f"team/{ME}/model/"):
        assert allows(policy, "s3:ListBucket", listing={"prefix": prefix})
    for prefix in ("", "team/", f"team/{ME}", f"team/{ME}-2/", "team/deep-9876543210/"):
        assert not allows(policy, "s3:ListBucket", listing={"prefix": prefix})
        assert not allows(policy, "s3:ListBucket", listing={"prefix": prefix, "delimiter": "/"})
    assert not allows(policy, "s3:ListBucket")


@pytest.mark.parametrize(
    ("plan", "other"),
    [
        (compared(baseline="small"), "small-0123456789"),
        (compared(baseline="small"), "small-0123456789-2"),
        (compared(seeds=(1, 2)), f"{a_published_plan().name}-9876543210"),
    ],
)
def test_a_run_reads_what_tells_of_the_runs_that_its_report_names(plan: Plan, other: str) -> None:
    policy = a_policy(plan)
    for file in ("plan.json", "events.jsonl", "evaluation.json"):
        assert allows(policy, "s3:GetObject", f"team/{other}/{file}")
    assert allows(policy, "s3:ListBucket", listing={"prefix": f"team/{other}/"})
    # Of all others the names, which a listing with this delimiter has.
    assert allows(policy, "s3:ListBucket", listing={"prefix": "team/", "delimiter": "/"})
    assert not allows(policy, "s3:ListBucket", listing={"prefix": "team/"})
    assert not allows(policy, "s3:GetObject", f"team/{other}/model/model.safetensors")
    assert not allows(policy, "s3:GetObject", "team/foreign-0123456789/plan.json")
    for action in ("s3:PutObject", "s3:DeleteObject"):
        assert not allows(policy, action, f"team/{other}/plan.json")


def test_a_store_that_is_a_whole_bucket_has_no_folder_before_its_runs() -> None:
    policy = a_policy(store="s3://acme")
    assert allows(policy, "s3:GetObject", f"{ME}/plan.json")
    assert not allows(policy, "s3:GetObject", f"team/{ME}/plan.json")
    assert allows(policy, "s3:ListBucket", listing={"prefix": f"{ME}/"})


def test_a_bucket_is_of_the_roles_partition() -> None:
    (own, *_) = a_policy(arn=ARN.replace("aws", "aws-cn"))["Statement"]
    assert own["Resource"] == f"arn:aws-cn:s3:::acme/team/{ME}/*"
    (own, *_) = a_policy(arn=ARN.replace("aws", "minio"))["Statement"]
    assert own["Resource"].startswith("arn:aws:s3:::")
