"""The nodes of a Workflow's status, read without trusting any of it. Pure."""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from vtspec.schema.visible_text import make_visible

_MAX_NODES_BYTES: Final = 32 * 2**20
"""More than any Workflow that Kubernetes keeps unpacks to, and less than a bomb."""

_NUMBER: Final = re.compile(r"-?[0-9]{1,9}")
_RETRY: Final = re.compile(r"(.*)\(([0-9]{1,6})\)")


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node. `index` numbers the pods of one step; what was not told is None or empty."""

    id: str
    type: str
    template: str
    index: int
    phase: str
    message: str
    exit_code: int | None
    host: str | None
    started: datetime | None
    finished: datetime | None
    waits_for_lock: bool


@dataclass(frozen=True, kw_only=True)
class NodeTree:
    """All nodes that could be read; `is_partial` where Argo keeps them elsewhere."""

    nodes: tuple[Node, ...]
    is_partial: bool

    def by_step(self, order: Sequence[str]) -> dict[str, list[Node]]:
        """The nodes of each template that has pods, these in the order of their retries.

        Templates come in `order`, others behind them. A step that Argo leaves out, since one
        before it did not succeed, has not begun.
        """
        found: dict[str, list[Node]] = {name: [] for name in order}
        for node in sorted(self.nodes, key=lambda node: (node.index, node.id)):
            if node.type in ("Pod", "Retry") and node.phase not in ("Skipped", "Omitted"):
                found.setdefault(node.template, []).append(node)
        return {name: nodes for name, nodes in found.items() if nodes}


def find_nodes(status: Mapping[Any, Any]) -> NodeTree:
    """The nodes of a status: plain, packed, or kept in a database where nobody reads them."""
    raw = status.get("nodes")
    packed = read_text(status, "compressedNodes")
    if not isinstance(raw, Mapping) or not raw:
        raw = _unpack(packed) if packed else {}
    elsewhere = bool(read_text(status, "offloadNodeStatusVersion")) or bool(packed)
    nodes = tuple(_read_node(key, one) for key, one in raw.items() if isinstance(one, Mapping))
    return NodeTree(nodes=nodes, is_partial=elsewhere and not nodes)


def read_mapping(thing: object, *path: str) -> Mapping[Any, Any]:
    """The mapping at a path, or an empty one."""
    for key in path:
        thing = thing.get(key) if isinstance(thing, Mapping) else None
    return thing if isinstance(thing, Mapping) else {}


def read_text(thing: object, *path: str) -> str | None:
    """The text at a path, or None."""
    value = read_mapping(thing, *path[:-1]).get(path[-1])
    return value if isinstance(value, str) else None


def read_int(text: str | None) -> int | None:
    """A whole number of at most nine digits; None for anything else."""
    return int(text) if text is not None and _NUMBER.fullmatch(text) else None


def read_time(thing: object, *path: str) -> datetime | None:
    """A time as Kubernetes writes it, or None; one without a zone is UTC."""
    text = read_text(thing, *path)
    try:
        found = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def _unpack(packed: str) -> Mapping[Any, Any]:
    """Argo's `compressedNodes`: JSON, gzipped, in base64."""
    try:
        inflate = zlib.decompressobj(wbits=31)
        text = inflate.decompress(base64.b64decode(packed), _MAX_NODES_BYTES)
        raw = json.loads(text)
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        return {}
    return raw if isinstance(raw, Mapping) else {}


def _read_node(key: object, raw: Mapping[Any, Any]) -> Node:
    shown = read_text(raw, "displayName") or ""
    retry = _RETRY.fullmatch(shown)
    exit_code = read_text(raw, "outputs", "exitCode")
    return Node(
        id=read_text(raw, "id") or str(key),
        type=read_text(raw, "type") or "",
        template=make_visible(read_text(raw, "templateName") or (retry[1] if retry else shown)),
        index=int(retry[2]) if retry else -1,
        phase=read_text(raw, "phase") or "",
        message=read_text(raw, "message") or "",
        exit_code=read_int(exit_code),
        host=read_text(raw, "hostNodeName"),
        started=read_time(raw, "startedAt"),
        finished=read_time(raw, "finishedAt"),
        waits_for_lock=bool(read_text(raw, "synchronizationStatus", "waiting")),
    )
