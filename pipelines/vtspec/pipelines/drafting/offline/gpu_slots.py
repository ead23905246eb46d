"""GPUs from mentions onto the sheet: how many, and of which type."""

from .draft_builder import Rank, Sheet
from .mentions import Mention, Reading
from .slot_filling import said, settle_number


def settle_gpus(sheet: Sheet, reading: Reading) -> None:
    """The GPUs, by number and by type."""
    settle_number(sheet, "resources.gpus", reading)
    types = [each for each in said(reading, "resources.gpuType")]
    bare = [each for each in reading.of("resources.gpus") if each.operation == "remove"]
    if reading.negated("resources.gpus") and not said(reading, "resources.gpus"):
        sheet.set("resources.gpus", 0)
    elif any(each.operation == "remove" and each.assumed for each in reading.of("resources.cpus")):
        sheet.set("resources.gpus", 0)
    elif bare and not sheet.get("resources.gpus") and not types:
        sheet.set("resources.gpus", 1)
        sheet.assume("spec.resources.gpus", 1, "one-gpu")
    if reading.negated("resources.gpuType") and sheet.get("resources.gpuType") in {
        each.value for each in reading.negated("resources.gpuType")
    }:
        sheet.drop("resources.gpuType")
    if any(each.value is None for each in types):
        _ask_type(sheet, next(each for each in types if each.value is None).said)
    elif len({each.value for each in types}) > 1:
        sheet.drop("resources.gpuType")
        sheet.ask(
            Rank.CONTRADICTION,
            "two",
            "spec.resources.gpuType",
            list(dict.fromkeys(str(each.value) for each in types)),
        )
    elif types:
        _set_type(sheet, types[-1])
    if (
        sheet.get("resources.gpus") == 0
        and sheet.get("resources.gpuType") is not None
        and (not types or bool(said(reading, "resources.gpus")))
    ):
        sheet.drop("resources.gpuType")


def _ask_type(sheet: Sheet, said: str) -> None:
    like = sheet.known.gpus_like(said) or list(sheet.known.gpu_types)
    sheet.drop("resources.gpuType")
    sheet.ask(Rank.REST, "gpu" if like else "gpu-none", "spec.resources.gpuType", like, said=said)
    if not sheet.get("resources.gpus"):
        sheet.set("resources.gpus", 1)


def _set_type(sheet: Sheet, mention: Mention) -> None:
    sheet.set("resources.gpuType", mention.value)
    if mention.said.lower().replace(" ", "") != mention.value:
        sheet.assume("spec.resources.gpuType", mention.value, "gpu-like", said=mention.said)
    if not sheet.get("resources.gpus"):
        sheet.set("resources.gpus", 1)
        sheet.assume("spec.resources.gpus", 1, "one-gpu")
