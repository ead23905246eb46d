"""The sections of a report and of a comparison, made once for every output."""

from vtspec.pipelines.language import Tongue
from vtspec.pipelines.reporting import document as doc
from vtspec.pipelines.reporting.facts import Facts

from . import classification, curves, detection, run


def build_report_document(facts: Facts) -> doc.Document:
    """Everything that the report of a run says, in the order of the page; an output that is
    shorter picks and orders its own sections."""
    sections = (
        run.describe_verdict(facts),
        run.summarize_figures(facts),
        run.list_warnings(facts),
        run.compare_metrics(facts),
        run.describe_seeds(facts),
        curves.draw_curves(facts),
        detection.list_error_types(facts),
        classification.show_confusion(facts),
        classification.rank_classes(facts),
        classification.draw_confidence(facts),
        classification.show_errors(facts),
        run.list_changes(facts),
        run.describe_provenance(facts),
        run.list_commands(facts),
    )
    title = f"{facts.verdict.headline.en}: {facts.title}"
    return doc.Document(facts.run, title, _drop_empty(sections))


def build_comment_document(facts: Facts, tongue: Tongue) -> doc.Document:
    """What a comment says of a run, in the language of its pull request: some sections of the
    report, for markdown alone, since their words for pages and terminals are English."""
    sections = (
        run.describe_verdict(facts, tongue),
        run.list_warnings(facts, tongue),
        run.compare_metrics(facts, tongue),
        run.describe_seeds(facts, tongue),
        curves.draw_curves(facts, tongue),
        classification.rank_classes(facts, tongue),
    )
    title = f"{facts.verdict.headline.say(tongue)}: {facts.title}"
    return doc.Document(facts.run, title, _drop_empty(sections))


def build_comparison_document(facts: Facts) -> doc.Document:
    """A run held against its baseline: figures, plan, classes, times; every output shows all."""
    sections = (
        run.name_both_runs(facts),
        run.compare_metrics_alone(facts),
        run.describe_seeds(facts) if facts.is_over_seeds else doc.Section("seeds", "", ()),
        run.list_changes(facts),
        classification.rank_classes(facts),
        run.compare_times(facts),
    )
    title = f"{facts.run} against {facts.baseline}"
    return doc.Document(facts.run, title, _drop_empty(sections))


def _drop_empty(sections: tuple[doc.Section, ...]) -> tuple[doc.Section, ...]:
    return tuple(section for section in sections if any(section.blocks))
