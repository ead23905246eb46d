"""How networks of each family write a text about an image, token by token."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from .tokenizers import BYTE_END, BYTE_PAD, BYTE_START, BYTE_TOKENS

if TYPE_CHECKING:
    import torch


_SHORT: Final = 32


@dataclass(frozen=True)
class Marks:
    """The tokens that start and end a text, and fill the rest of a batch's rows."""

    start: int
    end: int
    pad: int


BYTE_MARKS: Final[Mapping[str, int]] = {
    "vocab_size": BYTE_TOKENS,
    "bos_token_id": BYTE_START,
    "eos_token_id": BYTE_END,
    "pad_token_id": BYTE_PAD,
}
"""The settings of a configuration whose texts are bytes."""


class WritingFamily(ABC):
    """What the classes of a family have by names of their own.

    Pictures are `(n, 3, h, w)`, tokens `(n, t)` from the start on, logits `(n, t, vocabulary)`:
    those at a place are of the token after it.
    """

    skips_first: ClassVar[bool] = True
    """Whether the start stands for the first mark of the family's tokenizers."""

    @abstractmethod
    def get_marks(self, config: Any) -> Marks:
        """The tokens that a configuration names."""

    @abstractmethod
    def get_text_part(self, config: Any) -> Any:
        """The configuration of the part that writes: its tokens, and places for them."""

    @abstractmethod
    def get_image_part(self, config: Any) -> Any:
        """The configuration of the part that sees images; None where there is none."""

    @abstractmethod
    def see(self, network: Any, pixels: torch.Tensor) -> torch.Tensor:
        """What of images does not depend on a text: `(n, places, width)`."""

    @abstractmethod
    def write(self, network: Any, seen: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """The logits after each token of texts that begin so."""

    @abstractmethod
    def generate(
        self, network: Any, pixels: torch.Tensor, start: torch.Tensor, settings: Any
    ) -> torch.Tensor:
        """Texts from their `start` `(n, 1)` on, by the library's own search."""

    def run_once(self, network: Any, pixels: torch.Tensor) -> object:
        """What a network says of pixels with a short text."""
        import torch

        return network(pixel_values=pixels, input_ids=torch.ones(len(pixels), _SHORT).long())

    def fit_size(self, config: Any, size: tuple[int, int]) -> None:
        """Have a configuration take images of this height and width.

        Raises:
            ValueError: its networks take no such images.
        """
        part = self.get_image_part(config)
        if part is None:
            return
        patch = _make_pair(part.patch_size)
        if any(side % of for side, of in zip(size, patch, strict=True)):
            raise ValueError(
                f"it is seen in pieces of {patch[0]} by {patch[1]} pixels, which do not fill them"
            )
        if _make_pair(part.image_size) != size:
            part.image_size = self._choose_size(size)

    def _choose_size(self, size: tuple[int, int]) -> Any:
        if size[0] != size[1]:
            raise ValueError("it takes squares alone")
        return size[0]


class EncoderDecoder(WritingFamily):
    """`vision-encoder-decoder`: TrOCR (https://arxiv.org/abs/2109.10282) and its like."""

    # Its published weights write their tokenizer's first mark, too.
    skips_first = False

    def get_marks(self, config: Any) -> Marks:
        """Those of the whole, else of the decoder."""

        def find(*names: str) -> int:
            parts = (config, config.decoder)
            known = [getattr(part, name, None) for name in names for part in parts]
            mark = next(mark for mark in known if mark is not None)
            # There may be several that end a text; any is learnt as well as another.
            return int(mark[0] if isinstance(mark, list | tuple) else mark)

        return Marks(
            find("decoder_start_token_id", "bos_token_id"),
            find("eos_token_id"),
            find("pad_token_id", "eos_token_id"),
        )

    def get_text_part(self, config: Any) -> Any:
        """The decoder."""
        return config.decoder

    def get_image_part(self, config: Any) -> Any:
        """The encoder."""
        return getattr(config, "encoder", None)

    def see(self, network: Any, pixels: torch.Tensor) -> torch.Tensor:
        """The encoder's last states."""
        seen: torch.Tensor = network.encoder(pixel_values=pixels)[0]
        return seen

    def write(self, network: Any, seen: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """The decoder's logits."""
        told = network(encoder_outputs=(seen,), decoder_input_ids=tokens, use_cache=False)
        logits: torch.Tensor = told.logits
        return logits

    def generate(
        self, network: Any, pixels: torch.Tensor, start: torch.Tensor, settings: Any
    ) -> torch.Tensor:
        """The whole's own search."""
        network.generation_config = settings
        written: torch.Tensor = network.generate(pixel_values=pixels, decoder_input_ids=start)
        return written

    def run_once(self, network: Any, pixels: torch.Tensor) -> object:
        """What a network says of pixels with a short text."""
        import torch

        text = torch.ones(len(pixels), _SHORT).long()
        return network(pixel_values=pixels, decoder_input_ids=text)

    def _choose_size(self, size: tuple[int, int]) -> Any:
        return list(size)


class Blip(WritingFamily):
    """BLIP (https://arxiv.org/abs/2201.12086): a decoder of texts that looks at an encoder's
    states of the image."""

    def get_marks(self, config: Any) -> Marks:
        """Those of the text part, whose texts end with what BERT's do."""
        text = config.text_config
        return Marks(int(text.bos_token_id), int(text.sep_token_id), int(text.pad_token_id))

    def get_text_part(self, config: Any) -> Any:
        """The text part."""
        return config.text_config

    def get_image_part(self, config: Any) -> Any:
        """The vision part."""
        return getattr(config, "vision_config", None)

    def see(self, network: Any, pixels: torch.Tensor) -> torch.Tensor:
        """The vision part's last states."""
        seen: torch.Tensor = network.vision_model(pixel_values=pixels).last_hidden_state
        return seen

    def write(self, network: Any, seen: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """The decoder's logits."""
        told = network.text_decoder(input_ids=tokens, encoder_hidden_states=seen, use_cache=False)
        logits: torch.Tensor = told.logits
        return logits

    def generate(
        self, network: Any, pixels: torch.Tensor, start: torch.Tensor, settings: Any
    ) -> torch.Tensor:
        """The decoder's search, which the network's own method calls with settings besides."""
        import torch

        seen = self.see(network, pixels)
        decoder = network.text_decoder
        decoder.generation_config = settings
        written: torch.Tensor = decoder.generate(
            input_ids=start,
            encoder_hidden_states=seen,
            encoder_attention_mask=torch.ones(seen.shape[:2], device=seen.device).long(),
        )
        return written


class Git(WritingFamily):
    """GIT (https://arxiv.org/abs/2205.14100): one decoder, in which an image stands before its
    text: an image's places look at each other, and a text's at all before them."""

    def get_marks(self, config: Any) -> Marks:
        """Those of the whole."""
        return Marks(int(config.bos_token_id), int(config.eos_token_id), int(config.pad_token_id))

    def get_text_part(self, config: Any) -> Any:
        """The whole, whose places are counted without the image's."""
        return config

    def get_image_part(self, config: Any) -> Any:
        """The vision part."""
        return getattr(config, "vision_config", None)

    def see(self, network: Any, pixels: torch.Tensor) -> torch.Tensor:
        """The image's places in the decoder."""
        git = network.git
        seen: torch.Tensor = git.visual_projection(git.image_encoder(pixels).last_hidden_state)
        return seen

    def write(self, network: Any, seen: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """The logits of the text's places."""
        import torch

        git, count = network.git, seen.shape[1]
        states = torch.cat([seen, git.embeddings(input_ids=tokens)], dim=1)
        places = torch.arange(states.shape[1], device=states.device)
        # As the class itself has it, which sees the image anew for each text.
        hidden = (places[None] > places[:, None]) & (places[None] >= count)
        mask = torch.where(hidden, torch.finfo(states.dtype).min, 0.0).to(states.dtype)
        told = git.encoder(states, attention_mask=mask[None, None], use_cache=False)
        logits: torch.Tensor = network.output(told.last_hidden_state[:, count:])
        return logits

    def generate(
        self, network: Any, pixels: torch.Tensor, start: torch.Tensor, settings: Any
    ) -> torch.Tensor:
        """The whole's own search."""
        network.generation_config = settings
        written: torch.Tensor = network.generate(pixel_values=pixels, input_ids=start)
        return written


WRITING_FAMILIES: Final[Mapping[str, WritingFamily]] = {
    "vision-encoder-decoder": EncoderDecoder(),
    "blip": Blip(),
    "git": Git(),
}
"""The families that write, by `model_type` of their configurations."""


def _make_pair(size: Any) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)
