"""What of the store of runs the pods of one run may touch, as a policy of AWS' IAM. Pure.

A run's pods read and write its own folder. Its report holds it against the finished runs of its
baseline's spec, and with other seeds against those of its own: of these it reads what tells of
them, and no model. Runs are found by their names, which a listing of the store's folders has.
"""

from typing import Any, Final

from vtspec.pipelines.planning.plan_model import Plan

Json = dict[str, Any]

_OWN: Final = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")

_ANY_PLAN: Final = "-??????????*"
"""After a spec's name: the ten digits of a plan, and the number of an attempt."""


def build_session_policy(store: str, run: str, plan: Plan, arn: str) -> Json:
    """The policy that narrows a role to one run of a plan in a store (`s3://BUCKET/PREFIX`);
    `arn` is the role's, of whose partition of AWS the bucket is."""
    bucket, _, prefix = store.removeprefix("s3://").rstrip("/").partition("/")
    folder = f"{prefix}/" if prefix else ""
    place = f"arn:{_find_partition(arn)}:s3:::{bucket}"
    statements: list[Json] = [
        {"Effect": "Allow", "Action": [*_OWN], "Resource": f"{place}/{folder}{run}/*"},
        _allow_listing(place, {"StringLike": {"s3:prefix": f"{folder}{run}/*"}}),
    ]
    if others := [f"{folder}{spec}{_ANY_PLAN}/" for spec in _list_compared_specs(plan)]:
        told = [
            f"{place}/{other}{file}" for other in others for file in ("*.json", "events.jsonl")
        ]
        statements += [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": told},
            _allow_listing(place, {"StringLike": {"s3:prefix": others}}),
            # Names alone: with this delimiter a listing ends at each run's folder.
            _allow_listing(place, {"StringEquals": {"s3:prefix": folder, "s3:delimiter": "/"}}),
        ]
    return {"Version": "2012-10-17", "Statement": statements}


def _allow_listing(place: str, condition: Json) -> Json:
    return {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": place,
        "Condition": condition,
    }


def _list_compared_specs(plan: Plan) -> list[str]:
    named = [plan.report.baseline, plan.name if plan.report.seeds else None]
    return sorted({name for name in named if name is not None})


def _find_partition(arn: str) -> str:
    # Others than AWS have a word of their own in a role's, and AWS' in a bucket's.
    found = arn.split(":")[1]
    return found if found.startswith("aws") else "aws"
