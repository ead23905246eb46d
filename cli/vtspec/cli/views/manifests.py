"""Kubernetes objects as YAML documents."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml


def format_manifests(documents: Iterable[Mapping[str, Any]]) -> str:
    """The objects as `kubectl apply -f -` reads them, each a document, keys in their order."""
    return yaml.safe_dump_all(
        documents, sort_keys=False, allow_unicode=True, explicit_start=True, width=2**20
    )
