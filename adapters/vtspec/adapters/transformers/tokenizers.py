"""Texts as numbers that a network reads and writes: bytes, or a hub model's own tokens."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final, Protocol

from vtspec.adapters.contract import AdapterError, Job

BYTE_PAD: Final = 0
BYTE_END: Final = 1
BYTE_START: Final = 2
_FIRST_BYTE: Final = 3

BYTE_TOKENS: Final = _FIRST_BYTE + 256
"""The tokens of `ByteTokenizer`, and so the `vocab_size` of an architecture that reads bytes."""


class Tokenizer(Protocol):
    """Texts into tokens, and back. Neither starts a text: what does is the network's."""

    name: str
    """What it is called beside exported weights."""

    size: int
    """How many tokens there are."""

    def encode(self, text: str) -> list[int]:
        """The tokens of a text to write, the one that ends it among them."""
        ...

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without any that are no part of it."""
        ...


class ByteTokenizer:
    """The bytes of UTF-8, three above their own numbers, as ByT5 has them
    (https://arxiv.org/abs/2105.13626). No vocabulary follows from data, so that there is none to
    keep, and any text of any language can be read and written."""

    name = "utf-8 bytes + 3; 0 pads, 1 ends, 2 starts"
    size = BYTE_TOKENS

    def encode(self, text: str) -> list[int]:
        """The bytes, and the end."""
        return [*(byte + _FIRST_BYTE for byte in text.encode()), BYTE_END]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text; bytes that are none of UTF-8 become U+FFFD."""
        told = bytes(one - _FIRST_BYTE for one in tokens if one >= _FIRST_BYTE)
        return told.decode(errors="replace")


class HubTokenizer:
    """The tokenizer of a model of a hub, with its marks: of texts that a network of the family
    writes, those that its start stands for are left out with `skip_first`."""

    def __init__(self, inner: Any, name: str, *, skip_first: bool) -> None:
        self._inner, self.name, self._skipped = inner, name, int(skip_first)
        self.size = len(inner)

    def encode(self, text: str) -> list[int]:
        """The tokens, with the model's own marks."""
        return list(self._inner(text).input_ids)[self._skipped :]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text without marks."""
        told: str = self._inner.decode(list(tokens), skip_special_tokens=True)
        return told.strip()


def load_tokenizer(job: Job, *, skip_first: bool) -> Tokenizer:
    """The tokenizer of the job's model: that of the hub's repository, at the commit that the plan
    pins, or bytes of a model that needs no hub.

    Raises:
        AdapterError: the repository has none that can be read.
    """
    if job.model.configuration is None:
        return ByteTokenizer()
    hub_id, revision = job.model.configuration
    return HubTokenizer(
        _load_from_hub(hub_id, revision), f"{hub_id}@{revision}", skip_first=skip_first
    )


@functools.lru_cache(maxsize=4)
def _load_from_hub(hub_id: str, revision: str) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(hub_id, revision=revision, trust_remote_code=False)
    except (OSError, ValueError, ImportError, KeyError) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise AdapterError(
            f"the tokenizer of {hub_id} cannot be had: {first}",
            "check the network, or take a model whose repository has a tokenizer.json",
        ) from error
