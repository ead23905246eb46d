"""What earlier runs took, read from their folders, for the estimate of the next one."""

from typing import Final

from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.estimation.estimate import Timing, count_images
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.runs.json_values import to_mapping

from .plan_model import plan_from_json

NEWEST: Final = 50
"""How many runs are looked at, the newest; a folder of thousands costs no more."""


def find_timings(runs: Runs, model: str) -> tuple[Timing, ...]:
    """The timings of the newest finished runs of that model, the oldest first."""
    found = (find_timing(run, model) for run in runs.list_runs()[-NEWEST:])
    return tuple(timing for timing in found if timing is not None)


def find_timing(run: Run, model: str) -> Timing | None:
    """What a run of that model took; None where it is of another, not finished, or not readable.

    A run that was resumed counts with what its epochs took, whichever process trained them.
    """
    state = run.read_state()
    seconds = [epoch.seconds for epoch in state.training.history if epoch.seconds is not None]
    # A run that was cut short spent its time on something else than epochs.
    if state.status != "succeeded" or not seconds:
        return None
    try:
        raw = run.read_plan(state)
        # A folder of thousands: only plans of this model are worth the whole reading.
        if to_mapping(raw.get("model")).get("name") != model:
            return None
        plan = plan_from_json(raw)
    except Permanent:
        # A damaged folder tells nothing, and is no reason not to plan.
        return None
    data = plan.dataset
    counts = count_images(data.statistics, plan.task, data.classes, data.all_classes)
    return Timing(
        run=run.name,
        model=model,
        image_size=plan.training.image_size,
        images=counts.get("train", 0) + counts.get("val", 0),
        epochs=len(seconds),
        epoch_seconds=sum(seconds),
        other_seconds=max(0.0, state.clock.result_s - sum(seconds)),
        # Where it was made anew later, the clock has stood.
        report_seconds=max(0.0, state.clock.seconds - state.clock.result_s) or None,
        precision=plan.training.precision,
        gpus=plan.resources.gpus,
        gpu_type=plan.resources.gpu_type,
        cpus=plan.resources.cpus,
    )
