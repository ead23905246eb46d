"""Fills in what the result is held against: gates, the monitored metric, the baseline."""

import re
from typing import Final

from vtspec.adapters.metrics import METRICS
from vtspec.adapters.task_types import TaskType

from .draft_builder import DraftBuilder, QuestionPriority
from .mentions import Mention, ParsedText
from .slot_filling import format_number, is_refused

_KIN: Final = (
    ("accuracy", "pixel_accuracy", "vqa_accuracy", "subset_accuracy"),
    ("mAP50-95", "mAP", "mask_mAP50-95", "pose_mAP50-95"),
    ("mAP50", "mask_mAP50", "pose_mAP50"),
    ("macro_f1", "micro_f1"),
    ("precision", "macro_precision"),
    ("recall", "macro_recall"),
)
"""Names that people use for each other, across tasks."""

_WITHOUT_BOUND: Final = frozenset({"loss", "psnr", "cider", "rmse", "perplexity", "abs_rel"})


def find_metric(metric: str, task: str) -> str | None:
    """The task's metric that a word for a metric means, or None."""
    names = [each.name for each in METRICS[TaskType(task)]]
    if metric in names:
        return metric
    kin = next((group for group in _KIN if metric in group), ())
    return next((name for name in names if name in kin), None)


def resolve_evaluation(sheet: DraftBuilder, reading: ParsedText) -> None:
    """Sets gates, monitored metric and baseline, or asks about them; the task is known by now."""
    _resolve_gates(sheet, reading)
    _resolve_monitor(sheet)
    _resolve_baseline(sheet, reading)


def _resolve_gates(sheet: DraftBuilder, reading: ParsedText) -> None:
    said = [each for each in reading.get_mentions("report.gates") if each.operation == "set"]
    if reading.get_negated("report.gates") and not said:  # `minus the accuracy gate`
        sheet.drop("report.gates")
        return
    if _ask_whether_gated(sheet, reading, said):
        return
    task = sheet.get("task")
    for each in reading.get_negated("report.gates"):
        if isinstance(each.value, tuple) and isinstance(task, str):
            _drop_gate(sheet, find_metric(str(each.value[0]), task))
    found: dict[str, list[str]] = {}
    for each in said:
        if isinstance(each.value, str):  # a choice of a question
            name = re.split(r"[\s<>=]", each.value)[0]
            _set_gate(sheet, name, each.value)
            continue
        metric, compare, value, percent = each.value
        if metric is None:
            _update_gate_bound(sheet, value, each.said, percent=percent)
            continue
        name = find_metric(metric, task) if isinstance(task, str) else metric
        if name is None:
            assert isinstance(task, str)
            gates = _list_gates(task, compare, value, percent=percent)
            sheet.ask(
                QuestionPriority.REST, "metric", "spec.report.gates", gates, said=metric, task=task
            )
            continue
        holds = _orient_comparison(name, compare)
        gate = _format_gate(name, holds, value, percent=percent)
        if compare not in (None, holds):
            sheet.assume("spec.report.gates", [gate], "gate-turned", said=each.said)
        found.setdefault(name, []).append(gate)
        _set_gate(sheet, name, gate)
    _ask_which_gate(sheet, found)


def _set_gate(sheet: DraftBuilder, metric: str, gate: str) -> None:
    if gate == _NO_GATE:
        sheet.drop("report.gates")
    else:
        sheet.set("report.gates", [*_list_other_gates(sheet, metric), gate])


_NO_GATE: Final = "none"
"""The choice of no gate at all."""


def _ask_whether_gated(sheet: DraftBuilder, reading: ParsedText, said: list[Mention]) -> bool:
    """Asks where no gate is wanted and one is: `no gate and accuracy at least 99%`."""
    wanted = [each.value for each in said if isinstance(each.value, tuple) and each.value[0]]
    # of what is there already, one gate may go and another one come
    if not wanted or not is_refused(reading, "report.gates") or sheet.get("report.gates"):
        return False
    task = sheet.get("task")
    gates = [
        _format_gate(name, _orient_comparison(name, compare), value, percent=percent)
        for metric, compare, value, percent in wanted
        for name in [(find_metric(metric, task) if isinstance(task, str) else None) or metric]
    ]
    path = "spec.report.gates"
    sheet.ask(QuestionPriority.CONTRADICTION, "two", path, [_NO_GATE, *dict.fromkeys(gates)])
    return True


def _ask_which_gate(sheet: DraftBuilder, found: dict[str, list[str]]) -> None:
    """Asks where one metric was given two bounds: `accuracy at least 0.9, accuracy over 0.8`."""
    for name, gates in found.items():
        choices = list(dict.fromkeys(gates))
        if len(choices) > 1:
            _drop_gate(sheet, name)
            sheet.ask(QuestionPriority.CONTRADICTION, "two", "spec.report.gates", choices)


def _list_gates(task: str, compare: str | None, value: float, *, percent: bool) -> list[str]:
    """The bound as a gate on each metric of a task, for a question that a metric answers."""
    names = [metric.name for metric in METRICS[TaskType(task)]]
    return [
        _format_gate(name, _orient_comparison(name, compare), value, percent=percent)
        for name in names
    ]


_TURNED: Final = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
_LOWER_IS_BETTER: Final = frozenset(
    metric.name for metrics in METRICS.values() for metric in metrics
    if not metric.higher_is_better
)  # fmt: skip


def _orient_comparison(metric: str, compare: str | None) -> str:
    """The comparison that has to hold: nobody asks for an accuracy of less than 0.9."""
    usual = "<=" if metric in _LOWER_IS_BETTER else ">="
    if compare is None:
        return usual
    return compare if compare[0] == usual[0] else _TURNED[compare]


def _drop_gate(sheet: DraftBuilder, metric: str | None) -> None:
    held = _list_other_gates(sheet, metric)
    if held:
        sheet.set("report.gates", held)
    else:
        sheet.drop("report.gates")


def _update_gate_bound(sheet: DraftBuilder, value: float, said: str, *, percent: bool) -> None:
    """Gives the one gate that there is another bound; asks where there is none, or several."""
    held = sheet.get("report.gates") or []
    parts = re.fullmatch(r"([\w@.:-]+) ?([<>]=?) ?\S+", held[0]) if len(held) == 1 else None
    if parts is None:
        task = sheet.get("task")
        gates = _list_gates(task, None, value, percent=percent) if isinstance(task, str) else []
        sheet.ask(QuestionPriority.REST, "which-metric", "spec.report.gates", gates, said=said)
        return
    name, compare = parts.groups()
    sheet.set("report.gates", [_format_gate(name, compare, value, percent=percent)])


def _list_other_gates(sheet: DraftBuilder, metric: str | None) -> list[str]:
    """The gates that there are on other metrics."""
    gates = sheet.get("report.gates") or []
    return [each for each in gates if re.split(r"[\s<>=]", each)[0] != metric]


def _format_gate(metric: str, compare: str, value: float, *, percent: bool) -> str:
    """A gate as a spec writes it; of a share that was said in percent, the share."""
    # `정확도 95` is 0.95, `PSNR 28` is 28
    share = value / 100 if percent or (value > 1 and metric not in _WITHOUT_BOUND) else value
    return f"{metric} {compare} {format_number(float(f'{share:.10g}'))}"


def _resolve_monitor(sheet: DraftBuilder) -> None:
    metric, task = sheet.get("training.checkpoint.monitor"), sheet.get("task")
    if isinstance(metric, str) and isinstance(task, str):
        sheet.set("training.checkpoint.monitor", find_metric(metric, task) or metric)


def _resolve_baseline(sheet: DraftBuilder, reading: ParsedText) -> None:
    said = [each for each in reading.get_mentions("report.baseline") if each.operation == "set"]
    if reading.get_negated("report.baseline"):
        sheet.drop("report.baseline")
    if not said:
        return
    if said[-1].value is None:
        names = list(sheet.known.repository.sound_experiments)
        sheet.ask(
            QuestionPriority.REST, "no-baseline", "spec.report.baseline", names, said=said[-1].said
        )
        return
    sheet.set("report.baseline", said[-1].value)
    if said[-1].assumed == "bound" and not sheet.get("report.gates"):
        sheet.assume("spec.report.baseline", said[-1].value, "no-gate")
