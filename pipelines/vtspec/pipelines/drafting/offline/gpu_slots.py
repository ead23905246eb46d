"""Takes GPUs from mentions into the draft: how many, and of which type."""

from .draft_builder import DraftBuilder, QuestionPriority
from .mentions import Mention, ParsedText
from .slot_filling import get_value_mentions, resolve_number


def resolve_gpus(sheet: DraftBuilder, reading: ParsedText) -> None:
    """Sets number and type of the GPUs; a type without a number is one GPU, `no gpu` is 0."""
    resolve_number(sheet, "resources.gpus", reading)
    types = get_value_mentions(reading, "resources.gpuType")
    bare = [each for each in reading.get_mentions("resources.gpus") if each.operation == "remove"]
    if reading.get_negated("resources.gpus") and not get_value_mentions(reading, "resources.gpus"):
        sheet.set("resources.gpus", 0)
    elif any(
        each.operation == "remove" and each.assumed
        for each in reading.get_mentions("resources.cpus")  # `CPU로만`
    ):
        sheet.set("resources.gpus", 0)
    elif bare and not sheet.get("resources.gpus") and not types:
        sheet.set("resources.gpus", 1)
        sheet.assume("spec.resources.gpus", 1, "one-gpu")
    if reading.get_negated("resources.gpuType") and sheet.get("resources.gpuType") in {
        each.value for each in reading.get_negated("resources.gpuType")
    }:
        sheet.drop("resources.gpuType")
    # `V100` is asked about where vtspec.yaml has none
    unsure = [each for each in types if isinstance(each.value, tuple)]
    if unsure:
        _ask_type(sheet, unsure[0])
    elif len({each.value for each in types}) > 1:
        sheet.drop("resources.gpuType")
        sheet.ask(
            QuestionPriority.CONTRADICTION,
            "two",
            "spec.resources.gpuType",
            list(dict.fromkeys(str(each.value) for each in types)),
        )
    elif types:
        _set_type(sheet, types[-1])
    if (
        sheet.get("resources.gpus") == 0
        and sheet.get("resources.gpuType") is not None
        and (not types or bool(get_value_mentions(reading, "resources.gpus")))
    ):
        sheet.drop("resources.gpuType")


def _ask_type(sheet: DraftBuilder, mention: Mention) -> None:
    like = mention.value or sheet.known.gpu_types
    sheet.drop("resources.gpuType")
    sheet.ask(
        QuestionPriority.REST,
        "gpu" if like else "gpu-none",
        "spec.resources.gpuType",
        like,
        said=mention.said,
    )
    if not sheet.get("resources.gpus"):
        sheet.set("resources.gpus", 1)


def _set_type(sheet: DraftBuilder, mention: Mention) -> None:
    sheet.set("resources.gpuType", mention.value)
    if mention.said.lower().replace(" ", "") != mention.value:
        sheet.assume("spec.resources.gpuType", mention.value, "gpu-like", said=mention.said)
    if not sheet.get("resources.gpus"):
        sheet.set("resources.gpus", 1)
        sheet.assume("spec.resources.gpus", 1, "one-gpu")
