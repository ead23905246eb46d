"""A plan on a schedule: Argo makes its Workflow at the time.

That it makes none once one has succeeded is seen a good minute later, in
`test_succeeded_schedules.py`: other tests run meanwhile.
"""

from workflows import Object


def test_a_plan_runs_at_its_time(succeeded_schedule: Object) -> None:
    workflow = succeeded_schedule
    assert workflow["status"]["phase"] == "Succeeded"
    # Found by the plan as any run of it is.
    labels = workflow["metadata"]["labels"]
    assert labels["vtspec.dev/plan"] == labels["vtspec.dev/run"]
    assert workflow["metadata"]["annotations"]["vtspec.dev/digest"].startswith("sha256:")
