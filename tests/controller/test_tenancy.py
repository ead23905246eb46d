"""What one repository uses, another one's `vtspec.yaml` does not reach."""

import itertools

import pytest

from vtspec.pipelines.controller.tenancy import Tenancy, Tenants
from vtspec.pipelines.errors import Refused
from vtspec.schema.kinds.project import ProjectSpec

OWN = Tenancy(namespace="vision", runs="s3://acme/vision")


def project(namespace: str | None, runs: str) -> ProjectSpec:
    cluster = {} if namespace is None else {"cluster": {"namespace": namespace}}
    return ProjectSpec.model_validate({"runs": runs, **cluster})


@pytest.mark.parametrize(
    ("namespace", "runs", "named"),
    [
        ("vision", "s3://acme/vision", None),
        ("vision", "s3://acme/vision/", None),
        ("vision", "s3://acme/vision/2026", None),
        # Nothing of it runs on a cluster.
        (None, "runs", None),
        ("speech", "s3://acme/vision", "spec.cluster.namespace is 'speech'"),
        ("vision", "s3://acme/speech", "spec.runs is 's3://acme/speech'"),
        ("vision", "s3://acme/vision2", "spec.runs is 's3://acme/vision2'"),
        ("vision", "s3://acme", "spec.runs is 's3://acme'"),
        ("vision", "s3://other/acme/vision", "spec.runs is 's3://other/acme/vision'"),
        ("vision", "runs", "spec.runs is 'runs'"),
    ],
)
def test_a_repository_names_what_it_was_given_alone(
    namespace: str | None, runs: str, named: str | None
) -> None:
    asked = project(namespace, runs)
    Tenancy().refuse_foreign(asked)
    if named is None:
        OWN.refuse_foreign(asked)
        return
    with pytest.raises(Refused, match=named) as refused:
        OWN.refuse_foreign(asked)
    assert refused.value.fix is not None
    assert "on the default branch" in refused.value.fix


TEAMS = {
    "vision": project("vision", "s3://acme/vision"),
    "speech": project("speech", "s3://acme/speech"),
    "same namespace": project("vision", "s3://acme/robots"),
    "same runs": project("robots", "s3://acme/vision"),
    "runs above": project("robots", "s3://acme"),
    "runs below": project("robots", "s3://acme/vision/robots"),
    "a name that begins so": project("vision-2", "s3://acme/vision-2"),
    "none": project(None, "runs"),
}
CLASHES = {
    frozenset(pair)
    for pair in (
        ("vision", "same namespace"),
        ("vision", "same runs"),
        ("vision", "runs below"),
        ("same runs", "runs below"),
        # Both are called robots.
        *((one, "runs above") for one in ("same runs", "runs below")),
        # All others lie below it.
        *((one, "runs above") for one in ("vision", "speech", "same namespace")),
        ("a name that begins so", "runs above"),
    )
}


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(TEAMS, 2)))
def test_two_repositories_share_neither_namespace_nor_runs(one: str, other: str) -> None:
    tenants = Tenants()
    tenants.admit("acme/one", TEAMS[one])
    # Again, as at each look.
    tenants.admit("acme/one", TEAMS[one])
    if frozenset((one, other)) not in CLASHES:
        tenants.admit("acme/two", TEAMS[other])
        return
    with pytest.raises(Refused, match="acme/two and acme/one both name"):
        tenants.admit("acme/two", TEAMS[other])


def test_what_a_repository_gave_up_another_one_may_use() -> None:
    tenants = Tenants()
    tenants.admit("acme/one", TEAMS["vision"])
    tenants.admit("acme/one", TEAMS["speech"])
    tenants.admit("acme/two", TEAMS["vision"])
    # And whoever comes later is refused, not whoever was there.
    with pytest.raises(Refused):
        tenants.admit("acme/one", TEAMS["vision"])
    tenants.admit("acme/two", TEAMS["vision"])
