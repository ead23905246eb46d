"""What of a comparison is more than chance, in words that outputs share; none holds another's text
unescaped."""

from typing import Literal

from vtspec.pipelines.formatting import MISSING, format_signed, pluralize

from .comparison import ClassRow, Judgement, MetricRow, get_known_metrics
from .facts import Facts


def format_difference(row: MetricRow) -> str:
    """Such as `▲ +0.0112 better`: the arrow says where the number went, the words whether that
    is good, or that chance makes such differences."""
    # The spread of seeds has judged it, or the images where there is none.
    shown_by = "these seeds" if row.seeds else _count_images(row.images)
    return _format_judged(row.difference, row.judgement, shown_by)


def format_change(row: ClassRow) -> str:
    """A class's change against the baseline, judged with the number of classes in view."""
    support = row.values.get("support")
    shown_by = _count_images(None if support is None else int(support))
    return _format_judged(row.change, row.judgement, shown_by)


def _count_images(images: int | None) -> str:
    return "these images" if images is None else pluralize(images, "image")


def _format_judged(difference: float | None, judgement: Judgement | None, shown_by: str) -> str:
    if difference is None:
        return MISSING
    if difference == 0:
        return "±0 same"
    moved = f"{'▲' if difference > 0 else '▼'} {format_signed(difference)}"
    match judgement:
        # Nobody should ship a model for a difference that the next split takes back.
        case "not shown":
            return f"{moved}, no difference that {shown_by} can show"
        case "not judged":
            return f"{moved}, not judged"
        case _:
            return f"{moved} {judgement}" if judgement else moved


def choose_kind(judgement: Judgement | None) -> Literal["better", "worse", "same"] | None:
    """The colour of a judgement: what chance makes is neither better nor worse, and green would
    say that it is."""
    return "same" if judgement == "not shown" or judgement == "not judged" else judgement


def describe_order(facts: Facts) -> str:
    """How the classes are ordered, and what that says."""
    # Two runs may have no class in common, and then nothing regressed.
    if facts.baseline is None or all(row.change is None for row in facts.classes):
        return "weakest first"
    judgements = [row.judgement for row in facts.classes]
    worse = judgements.count("worse")
    if worse:
        return f"{worse:,} worse, worst first"
    # What nobody could judge must not pass for what was judged and found good.
    if "not judged" in judgements:
        return "not judged, largest loss first"
    return "none shown to be worse"


def describe_class_judging(facts: Facts) -> str:
    """How classes were judged; "" where none was."""
    judged = any(row.judgement in ("better", "worse", "not shown") for row in facts.classes)
    many = pluralize(len(facts.classes), "class", "classes")
    return f"Judged with {many} in view (Holm): one alone would need less." if judged else ""


def describe_judging(facts: Facts) -> str:
    """What a reader should know of the judgements in a comparison; "" where there are none."""
    judgements = {row.judgement for row in facts.metrics}
    judgements |= {row.judgement for row in facts.classes}
    sentences = []
    # On other data the caveats say why.
    if "not judged" in judgements and not facts.is_unlike:
        sentences.append("Not judged: no record of single images tells it from chance.")
    over_seeds = facts.is_over_seeds or facts.is_baseline_over_seeds
    if judgements & {"better", "worse", "not shown"} and over_seeds:
        sentences.append("Judged over the seeds (Welch's test), classes by one run's images.")
    elif judgements & {"better", "worse", "not shown"}:
        sentences.append("Judged by these images alone: another seed moves the figures too.")
    judged = sum(row.judgement in ("better", "worse", "not shown") for row in facts.metrics)
    if facts.primary is not None and judged > 1:
        # A metric of an adapter's own has a name that is not ours to print.
        known = facts.primary in get_known_metrics(facts.task)
        name = facts.primary if known else "the first gate's metric"
        sentences.append(f"Judged alone: {name}; the others by their number too (Holm).")
    return " ".join(sentences)


def describe_seed_judging(facts: Facts) -> str:
    """What the figures and the gates are of, where the run is judged together with others."""
    done, missing = facts.seeds.finished, facts.seeds.missing
    left = f" Not finished yet: {pluralize(len(missing), 'seed')}." if missing else ""
    if not facts.seeds.is_judged or facts.verdict.name in ("failed", "interrupted", "unfinished"):
        return f"Judged by this run alone: one seed has no spread.{left}" if done else left.strip()
    return (
        f"Gates and figures are of the mean of {pluralize(len(done), 'seed')}; pictures, classes "
        f"and all else are of this run.{left}"
    )
