"""What a torch network costs, measured on the meta device: shapes are computed, numbers are not.

Nothing is allocated, so that a network of ten billion parameters takes as little memory as a
small one, and a second at most.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from vtspec.adapters.json_types import JsonObject

if TYPE_CHECKING:
    import torch

VALUE_BYTES = 4

FILLS = frozenset(
    {"add_", "clamp_", "div_", "erfinv_", "fill_", "mul_", "normal_", "sub_", "uniform_", "zero_"}
)

Value = TypeVar("Value")


def count_parameters(network: torch.nn.Module) -> int:
    """The number of parameters, each shared one once."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_gmacs(network: torch.nn.Module, image: torch.Tensor) -> float:
    """10^9 multiply-adds of a forward pass over one image `(1, 3, height, width)`.

    Counts matrix products, convolutions and attention, as torch's FlopCounterMode does (two
    operations a multiply-add); additions, norms and activations are left out, as is usual.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with (
        _freeze_parameters(network),
        FlopCounterMode(display=False) as counter,
        use_fused_attention(),
    ):
        network.eval()(image)
    return float(counter.get_total_flops()) / 2e9


def count_activations(network: torch.nn.Module, images: torch.Tensor) -> float:
    """Millions of 4-byte values per image that a forward pass keeps for the backward pass.

    The storages that autograd saves, each once, without parameters and buffers; in training mode
    with 32-bit floats, over `(n, 3, height, width)`, n at least 2 for batch norm's sake. Times the
    batch, it is the memory that training needs beside weights, gradients and optimizer.
    """
    import torch

    own = [*network.parameters(), *network.buffers()]
    kept = {_get_storage_id(tensor): 0 for tensor in own}
    # The tensors are held until the end: a storage that is freed gives its identity to another.
    alive: list[torch.Tensor] = []

    def save(tensor: torch.Tensor) -> torch.Tensor:
        if _get_storage_id(tensor) not in kept:
            kept[_get_storage_id(tensor)] = tensor.untyped_storage().nbytes()
            alive.append(tensor)
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor)
    with torch.enable_grad(), hooks, use_fused_attention():
        output = network.train()(images)
    del output
    return sum(kept.values()) / VALUE_BYTES / len(images) / 1e6


def get_output_shape(network: torch.nn.Module, images: torch.Tensor) -> tuple[int, ...]:
    """The shape of what a network says of some images in evaluation; TypeError if no tensor."""
    import torch

    with torch.no_grad():
        said = network.eval()(images)
    if not isinstance(said, torch.Tensor):
        raise TypeError(f"the network answers with {type(said).__name__}")
    return tuple(said.shape)


def attempt(measure: Callable[[], Value]) -> Value | None:
    """What is measured, or None where the network cannot be made or run so."""
    try:
        return measure()
    except Exception:
        # Networks refuse a size in every way there is: assertions, shape errors, division by 0.
        return None


@contextlib.contextmanager
def use_meta_device() -> Iterator[None]:
    """Build networks on the meta device, without the pass that fills in their first weights.

    There are no numbers to fill in, yet torch computes the shapes of filling, which takes most of
    the time of building a transformer.
    """
    import torch

    class Unfilled(torch.overrides.TorchFunctionMode):
        def __torch_function__(
            self,
            function: Callable[..., object],
            types: object,
            args: tuple[Any, ...] = (),
            kwargs: JsonObject | None = None,
        ) -> object:
            named = dict(kwargs or {})
            if getattr(function, "__name__", "") in FILLS:
                filled = args[0] if args else named["tensor"]
                if filled.is_meta:
                    return filled
            return function(*args, **named)

    with torch.device("meta"), Unfilled():
        yield


def use_fused_attention() -> contextlib.AbstractContextManager[object]:
    """A context in which attention is the fused kernel that CPUs and GPUs use.

    The meta device would take the textbook form, which keeps an n by n matrix that no real device
    keeps. A mask or dropout is left to torch: what a device does then depends on the device.
    """
    import torch

    attention = torch.nn.functional.scaled_dot_product_attention
    fused = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu

    class FusedAttention(torch.overrides.TorchFunctionMode):
        def __torch_function__(
            self,
            function: Callable[..., object],
            types: object,
            args: tuple[Any, ...] = (),
            kwargs: JsonObject | None = None,
        ) -> object:
            named = dict(kwargs or {})
            if function is attention and _is_plain(args, named):
                causal = named.get("is_causal", False)
                return fused(*args[:3], 0.0, causal, scale=named.get("scale"))[0]
            return function(*args, **named)

    return FusedAttention()


@contextlib.contextmanager
def _freeze_parameters(network: torch.nn.Module) -> Iterator[None]:
    # Not no_grad: torch's counter stumbles over a view of a parameter that it made there.
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    network.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)


def _is_plain(args: tuple[torch.Tensor, ...], named: JsonObject) -> bool:
    simple = {"attn_mask": None, "dropout_p": 0.0, "enable_gqa": False}
    if len(args) != 3 or any(named.get(key, value) != value for key, value in simple.items()):
        return False
    query, key, value = args
    return bool(query.dim() == 4 and query.shape[-1] == key.shape[-1] == value.shape[-1])


def _get_storage_id(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
