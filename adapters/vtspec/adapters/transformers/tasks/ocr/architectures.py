"""The families of reading text, and their architectures that need no hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vtspec.adapters.transformers.families import Architecture, Family
from vtspec.adapters.transformers.text_writing import BYTE_MARKS
from vtspec.adapters.transformers.tokenizers import BYTE_START

FAMILIES: Final[Mapping[str, Family]] = {
    "vision-encoder-decoder": Family(
        auto_class="AutoModelForImageTextToText",
        normalization="inception",
        size_step=16,
        backbone="encoder",
    ),
}
"""The families that can be trained, by `model_type` of their configurations."""


def _describe_trocr(
    encoder: Mapping[str, Any], decoder: Mapping[str, Any], size: tuple[int, int], size_step: int
) -> Architecture:
    return Architecture(
        family="vision-encoder-decoder",
        settings={
            "encoder": {"model_type": "vit", "image_size": list(size), **encoder},
            "decoder": {
                "model_type": "trocr",
                **BYTE_MARKS,
                "decoder_start_token_id": BYTE_START,
                "is_decoder": True,
                "add_cross_attention": True,
                **decoder,
            },
        },
        size=size,
        size_step=size_step,
    )


ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    # TrOCR's sizes (https://arxiv.org/abs/2109.10282, section 4.2), with bytes for its tokens.
    "vtspec/trocr-small": _describe_trocr(
        {
            "hidden_size": 384,
            "num_hidden_layers": 12,
            "num_attention_heads": 6,
            "intermediate_size": 1536,
        },
        {
            "d_model": 256,
            "decoder_layers": 6,
            "decoder_attention_heads": 8,
            "decoder_ffn_dim": 1024,
            "cross_attention_hidden_size": 384,
        },
        (384, 384),
        16,
    ),
    "vtspec/trocr-base": _describe_trocr(
        {},
        {
            "d_model": 1024,
            "decoder_layers": 12,
            "decoder_attention_heads": 16,
            "decoder_ffn_dim": 4096,
            "cross_attention_hidden_size": 768,
        },
        (384, 384),
        16,
    ),
    # Of some 200,000 parameters, to try things with in seconds. It sees a line as columns, and its
    # first weights are larger than the library's, which so narrow a network learns nothing from.
    "vtspec/trocr-tiny": _describe_trocr(
        {
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 128,
            "patch_size": [24, 8],
            "initializer_range": 0.1,
        },
        {
            "d_model": 64,
            "decoder_layers": 1,
            "decoder_attention_heads": 4,
            "decoder_ffn_dim": 128,
            "max_position_embeddings": 128,
            "init_std": 0.1,
            "dropout": 0.1,
        },
        (24, 120),
        24,
    ),
}
"""Networks that read and write bytes."""
