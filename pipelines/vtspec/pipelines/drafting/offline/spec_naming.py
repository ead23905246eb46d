"""Names of drafts: what was said as a DNS label, or made of the dataset and the model. Pure."""

import re

from vtspec.pipelines.project.spec_names import make_name


def make_dns_label(text: str) -> str:
    """The text as a DNS label; empty where nothing of it can be one."""
    return make_name(text) if re.search(r"[a-z0-9]", text.lower()) else ""


def make_draft_name(dataset: str, model: str) -> str:
    """`<dataset>-<model>`, the model without its organisation and its tag."""
    return make_name(dataset, model.rpartition("/")[2].partition(".")[0])
