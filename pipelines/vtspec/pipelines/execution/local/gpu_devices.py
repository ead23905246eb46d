"""The GPUs that a run on this machine may be given, by what CUDA_VISIBLE_DEVICES calls them."""

from collections.abc import Callable, Mapping
from typing import Final

from vtspec.pipelines.execution.steps.host_info import list_gpu_ids

VISIBLE: Final = "CUDA_VISIBLE_DEVICES"

CPU: Final = "cpu"
"""What a run without GPUs waits for: one of them works at a time."""


def list_devices(
    environ: Mapping[str, str],
    list_ids: Callable[[], Mapping[str, str]] = list_gpu_ids,
) -> dict[str, str]:
    """The GPUs: what tells each from the others for every process of this machine, and the word
    for it in CUDA_VISIBLE_DEVICES. Where that is set, only those in it.

    `list_ids` is the machine's own list: index to UUID.
    """
    ids = list_ids()
    named = environ.get(VISIBLE)
    if named is None:
        # An index would mean another one to CUDA, which has the fastest first.
        return {uuid: uuid for uuid in ids.values()}
    found: dict[str, str] = {}
    for word in (part.strip() for part in named.split(",")):
        # As CUDA reads it: what follows a word that is none does not count.
        if not word or word.startswith("-"):
            break
        found.setdefault(_find_uuid(word, ids), word)
    return found


def _find_uuid(word: str, ids: Mapping[str, str]) -> str:
    """The whole UUID of a GPU by its index or the beginning of its UUID; the word where there is
    none."""
    if word in ids:
        return ids[word]
    return next((uuid for uuid in ids.values() if uuid.startswith(word)), word)
