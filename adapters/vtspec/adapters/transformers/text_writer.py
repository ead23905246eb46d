"""A network at writing texts about images: its loss, what it writes, an export that does so."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.image_texts import ImageTexts
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.pytorch.batches import UnreadableError
from vtspec.adapters.pytorch.errors import translate_errors
from vtspec.adapters.pytorch.export import Outputs
from vtspec.adapters.pytorch.loading import UnreadableImage, decode_image
from vtspec.adapters.pytorch.schedule import autocast

from .families import Family
from .task_network import Item, Shown, TaskImages, TaskNetwork, refuse_no_numbers
from .text_writing import WRITING_FAMILIES
from .tokenizers import load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from PIL.Image import Image

_NO_TOKEN = -100
"""PyTorch's mark of what counts for no loss."""


@dataclass(frozen=True)
class TextItem(Item):
    """An item with the text that is to be written about it."""

    text: str


class TextImages(TaskImages[ImageTexts, TextItem]):
    """Images with a text each, which is drawn where there are several and one is trained on, else
    the first. `prepare` makes of an image what a network sees, `augment` changes its bytes."""

    def __init__(
        self,
        images: Sequence[ImageTexts],
        job: Job,
        prepare: Callable[[Image], torch.Tensor],
        augment: Callable[[Image], Image],
        *,
        epoch: int | None = None,
    ) -> None:
        super().__init__(images, job, epoch=epoch)
        self.prepare, self.augment = prepare, augment

    def load(self, one: ImageTexts, index: int) -> TextItem:
        """The item of an image."""
        import torch

        image = decode_image(one.path)
        if isinstance(image, UnreadableImage):
            raise UnreadableError(image)
        size, place = image.size, 0
        if self.epoch is not None:
            place = int(torch.randint(len(one.texts), ()))
            image = self.augment(image)
        return TextItem(self.prepare(image), size, index, one.texts[place])


class TextWriter(TaskNetwork[ImageTexts, TextItem]):
    """A network that writes a text about an image, which is held against those of people."""

    outputs = Outputs(("tokens",))

    def __init__(self, network: torch.nn.Module, family: Family, job: Job) -> None:
        super().__init__(network, family, job)
        config: Any = network.config
        self.writing = WRITING_FAMILIES[config.model_type]
        self.tokenizer = load_tokenizer(job, skip_first=self.writing.skips_first)
        self.marks = self.writing.get_marks(config)
        self.longest = int(job.params["maxNewTokens"])
        part = self.writing.get_text_part(config)
        if self.tokenizer.size > part.vocab_size:
            raise AdapterError(
                f"the tokenizer of {job.model.name} has {self.tokenizer.size} tokens, and its "
                f"network {part.vocab_size}",
                "take a model whose repository has the two together",
            )
        places = int(part.max_position_embeddings)
        if self.longest >= places:
            raise AdapterError(
                f"params.maxNewTokens: {job.model.name} has places for texts of {places - 1} "
                f"tokens, got {self.longest}",
                f"set params.maxNewTokens to {places - 1} or less",
            )

    @abstractmethod
    def add(self, metrics: Any, image: ImageTexts, written: str) -> None:
        """Hold what was written about an image against its texts."""

    def make_dataset(
        self, images: Sequence[ImageTexts], *, epoch: int | None = None
    ) -> TextImages:
        """The items of images with their texts."""
        return TextImages(images, self.job, self.prepare, self.change, epoch=epoch)

    def prepare(self, image: Image) -> torch.Tensor:
        """The image stretched to the network's size."""
        from torchvision.transforms.v2 import functional

        pixels, size = functional.pil_to_tensor(image), list(self.job.training.image_size)
        return self.normalize(functional.resize(pixels, size, antialias=True))

    @abstractmethod
    def change(self, image: Image) -> Image:
        """An image as it is trained on, changed by PyTorch's random state."""

    def start_training(self, images: Sequence[ImageTexts], warn: Callable[[str], None]) -> None:
        """Tell of texts that are cut, and of a search that an export does not do."""
        texts = [text for one in images for text in one.texts]
        cut = sum(len(self.tokenizer.encode(text)) > self.longest for text in texts)
        if cut:
            warn(
                f"{cut} of {len(texts)} texts of the train split are longer than "
                f"params.maxNewTokens: {self.longest}, and learnt up to there"
            )
        if self.job.params["numBeams"] > 1 and "onnx" in self.job.export_formats:
            warn(
                "the ONNX form takes the likeliest token each time: params.numBeams counts where "
                "vtspec measures and predicts"
            )

    def compute_loss(self, items: Sequence[TextItem]) -> torch.Tensor:
        """The mean over a batch's texts of the mean cross-entropy of their tokens, by smoothed
        labels where the job says so."""
        return self._judge(items, self.job.training.label_smoothing)

    def measure_batch(
        self, items: Sequence[TextItem], images: Sequence[ImageTexts], metrics: Any
    ) -> float:
        """Write about images, and hold it against what people wrote."""
        loss = self._judge(items, 0.0)
        refuse_no_numbers(loss)
        for image, written in zip(images, self.write([one.pixels for one in items]), strict=True):
            self.add(metrics, image, written)
        return float(loss)

    def answer(self, shown: Sequence[Shown]) -> Sequence[JsonObject]:
        """A text about each image."""
        return [
            {"predicted_text": written} for written in self.write([one.pixels for one in shown])
        ]

    def write(self, pixels: Sequence[torch.Tensor]) -> list[str]:
        """The likeliest texts, as far as they are searched for."""
        import torch
        from transformers import GenerationConfig

        marks, params = self.marks, self.job.params
        penalty = params["lengthPenalty"]
        # Nothing but this: what a repository says of generation would be a setting of nobody's.
        settings = GenerationConfig(  # type: ignore[no-untyped-call]
            max_new_tokens=self.longest,
            num_beams=params["numBeams"],
            length_penalty=1.0 if penalty is None else penalty,
            do_sample=False,
            bos_token_id=marks.start,
            decoder_start_token_id=marks.start,
            eos_token_id=marks.end,
            pad_token_id=marks.pad,
        )
        stacked = torch.stack(list(pixels)).to(self.device)
        start = torch.full((len(pixels), 1), marks.start, device=self.device)
        with translate_errors(), autocast(self.device, self.job.training.precision):
            written = self.writing.generate(self.network, stacked, start, settings)
        return [self.read(row) for row in written[:, 1:].tolist()]

    def read(self, tokens: Sequence[int]) -> str:
        """The text of tokens up to their end."""
        marks = self.marks
        end = tokens.index(marks.end) if marks.end in tokens else len(tokens)
        return self.tokenizer.decode([one for one in tokens[:end] if one != marks.pad])

    def describe(self) -> Mapping[str, str]:
        """What the tokens are."""
        marks = self.marks
        return {
            "tokenizer": self.tokenizer.name,
            "start_token": json.dumps(marks.start),
            "end_token": json.dumps(marks.end),
            "pad_token": json.dumps(marks.pad),
            "max_new_tokens": json.dumps(self.longest),
        }

    def pick_outputs(self, output: Any, images: torch.Tensor) -> Any:
        """None: what is exported writes by itself."""
        raise NotImplementedError

    def make_plain_network(self) -> torch.nn.Module:
        """The network as a function of pixels to tokens `(n, maxNewTokens)`, the likeliest each
        time, filled up after the end."""
        return make_greedy_writer(self.network, self.writing, self.marks, self.longest)

    def _judge(self, items: Sequence[TextItem], smoothing: float) -> torch.Tensor:
        import torch

        tokens = [self.tokenizer.encode(one.text)[: self.longest] for one in items]
        longest = max(map(len, tokens))
        wanted = torch.tensor([one + [_NO_TOKEN] * (longest - len(one)) for one in tokens])
        begun = wanted.roll(1, dims=1)
        begun[:, 0] = self.marks.start
        # What stands after an end is looked at by nothing before it.
        begun[begun == _NO_TOKEN] = self.marks.pad
        wanted, begun = wanted.to(self.device), begun.to(self.device)
        pixels = torch.stack([one.pixels for one in items]).to(self.device)
        with translate_errors(), autocast(self.device, self.job.training.precision):
            seen = self.writing.see(self.network, pixels)
            logits = self.writing.write(self.network, seen, begun)
        each = torch.nn.functional.cross_entropy(
            logits.float().transpose(1, 2),
            wanted,
            ignore_index=_NO_TOKEN,
            label_smoothing=smoothing,
            reduction="none",
        )
        return (each.sum(dim=1) / (wanted != _NO_TOKEN).sum(dim=1)).mean()


def make_greedy_writer(network: Any, writing: Any, marks: Any, longest: int) -> torch.nn.Module:
    """A network that takes `images` and gives the `tokens` of a greedy search: as a loop, also in
    what is exported of it, which sees each image once."""
    import torch
    from torch._higher_order_ops.while_loop import while_loop

    class GreedyWriter(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen = writing.see(self.network, images)
            count = images.shape[0]
            places = torch.arange(longest + 1, device=images.device)
            tokens = torch.where(places == 0, marks.start, marks.pad).expand(count, -1).clone()
            ended = torch.zeros(count, dtype=torch.bool, device=images.device)
            place = torch.zeros((), dtype=torch.int64, device=images.device)

            def goes_on(place: Any, tokens: Any, ended: Any, seen: Any) -> Any:
                return (place < longest) & ~ended.all()

            def take_step(place: Any, tokens: Any, ended: Any, seen: Any) -> Any:
                logits = writing.write(self.network, seen, tokens[:, :-1])
                here = (places[:-1] == place)[None, :, None]
                likeliest = torch.where(here, logits, 0).sum(dim=1).argmax(dim=-1)
                token = torch.where(ended, marks.pad, likeliest)
                written = torch.where(places == place + 1, token[:, None], tokens)
                return place + 1, written, ended | (token == marks.end), seen.clone()

            carried = (place, tokens, ended, seen)
            if torch.compiler.is_exporting():
                carried = while_loop(goes_on, take_step, carried)  # type: ignore[no-untyped-call]
            else:
                while goes_on(*carried):
                    carried = take_step(*carried)
            return carried[1][:, 1:]

    return GreedyWriter()
