"""Names of drafts: what was said as a DNS label, or made of the dataset and the model. Pure."""

import re

from vtspec.pipelines.drafting.spec_names import free_name as free
from vtspec.pipelines.drafting.spec_names import name_of

__all__ = ["free", "label_of", "made_of"]


def label_of(text: str) -> str:
    """The text as a DNS label; empty where nothing of it can be one."""
    return name_of(text) if re.search(r"[a-z0-9]", text.lower()) else ""


def made_of(dataset: str, model: str) -> str:
    """`<dataset>-<model>`, the model without its organisation and its tag."""
    return name_of(dataset, model.rpartition("/")[2].partition(".")[0])
