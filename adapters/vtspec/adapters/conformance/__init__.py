"""The suite that any adapter must pass: `CHECKS`, each called with a `Subject`.

    @pytest.fixture(scope="module")
    def subject(tmp_path_factory):
        runs = tmp_path_factory.mktemp("runs")
        return Subject(module=my_adapter, plan=plan, data_root=data, folder=runs)

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_adapter_conforms(subject, check):
        check(subject)

A check raises `Nonconformance` with a sentence that says what the adapter does wrong. The plan's
run should be small (seconds), with at least three epochs of at least two steps, on data that can
be learnt in them. `docs/adapters.md` says what each check is for.
"""

from collections.abc import Callable

from .evaluation import (
    an_export_gives_the_same_outputs,
    details_are_what_a_report_needs,
    predict_agrees_with_evaluate,
    predict_goes_on_after_an_unreadable_image,
    validate_agrees_with_evaluate,
)
from .harness import Nonconformance, Subject
from .interface import it_declares_itself, it_imports_without_its_framework
from .resuming import (
    it_leaves_a_checkpoint_on_sigterm,
    it_resumes_after_an_epoch_as_if_unbroken,
    it_resumes_within_an_epoch_as_if_unbroken,
    it_survives_kill_9,
)
from .training import (
    another_seed_gives_other_weights,
    chosen_classes_are_the_ones_it_learns,
    every_param_changes_something,
    every_param_is_read,
    it_trains,
    its_loss_falls,
    metrics_have_the_standard_names,
    smoke_is_one_batch,
    the_same_seed_gives_the_same_weights,
)

Check = Callable[[Subject], None]

CHECKS: tuple[Check, ...] = (
    it_declares_itself,
    it_imports_without_its_framework,
    it_trains,
    its_loss_falls,
    metrics_have_the_standard_names,
    smoke_is_one_batch,
    the_same_seed_gives_the_same_weights,
    another_seed_gives_other_weights,
    chosen_classes_are_the_ones_it_learns,
    every_param_is_read,
    every_param_changes_something,
    it_resumes_after_an_epoch_as_if_unbroken,
    it_resumes_within_an_epoch_as_if_unbroken,
    it_leaves_a_checkpoint_on_sigterm,
    it_survives_kill_9,
    validate_agrees_with_evaluate,
    predict_agrees_with_evaluate,
    predict_goes_on_after_an_unreadable_image,
    an_export_gives_the_same_outputs,
    details_are_what_a_report_needs,
)
"""All of them, the cheap ones first."""

__all__ = ["CHECKS", "Check", "Nonconformance", "Subject"]
