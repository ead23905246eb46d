"""The network of Real-ESRGAN, in PyTorch, which Transformers does not have.

RRDBNet (residual in residual dense blocks) of Wang et al., "ESRGAN", 2018
(https://arxiv.org/abs/1809.00219), as Real-ESRGAN has it (https://arxiv.org/abs/2107.10833): small
enlargements are made of pixels that were unshuffled first. Tensors have the names that its
published weights have, so that those fit once they are safetensors.

Classes are made when they are asked for, since PyTorch is not there whenever this is imported.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch

_RESIDUAL_SCALE: Final = 0.2
_SLOPE: Final = 0.2


def register_rrdbnet() -> None:
    """Have the library's automatic classes know the network."""
    from transformers import AutoConfig, AutoModelForImageToImage

    config_class, network_class = define_rrdbnet()
    AutoConfig.register("rrdbnet", config_class, exist_ok=True)
    AutoModelForImageToImage.register(config_class, network_class, exist_ok=True)


@functools.cache
def define_rrdbnet() -> tuple[Any, Any]:
    """The classes of its configuration and of the network itself."""
    from torch import nn
    from torch.nn import functional
    from transformers import PreTrainedConfig, PreTrainedModel, initialization
    from transformers.modeling_outputs import ImageSuperResolutionOutput

    make_block, small = _define_blocks()

    class RrdbNetConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
        """Blocks, and channels of features and of what grows within a dense block. `upscale` is
        1, 2 or 4."""

        model_type = "rrdbnet"

        upscale: int = 4
        num_features: int = 64
        num_blocks: int = 23
        num_growth: int = 32

    class RrdbNet(PreTrainedModel):  # type: ignore[no-untyped-call]
        """Images `(n, 3, h, w)` of 0 to 1 into images of `upscale` times their sides, which are
        multiples of 4 / `upscale`."""

        config_class = RrdbNetConfig
        base_model_prefix = ""
        main_input_name = "pixel_values"

        def __init__(self, config: RrdbNetConfig) -> None:
            super().__init__(config)
            if config.upscale not in (1, 2, 4):
                raise ValueError(
                    f"RRDBNet makes images 2 or 4 times as large, not {config.upscale}"
                )
            # Two doublings follow, whatever the factor: the rest is folded into channels before.
            self.fold = 4 // config.upscale
            width, growth = config.num_features, config.num_growth
            self.conv_first = nn.Conv2d(3 * self.fold**2, width, 3, padding=1)
            self.body = nn.Sequential(
                *(make_block(width, growth) for _ in range(config.num_blocks))
            )
            self.conv_body = nn.Conv2d(width, width, 3, padding=1)
            self.conv_up1 = nn.Conv2d(width, width, 3, padding=1)
            self.conv_up2 = nn.Conv2d(width, width, 3, padding=1)
            self.conv_hr = nn.Conv2d(width, width, 3, padding=1)
            self.conv_last = nn.Conv2d(width, 3, 3, padding=1)
            self.post_init()  # type: ignore[no-untyped-call]

        def forward(self, pixel_values: torch.Tensor) -> Any:
            """An output with `reconstruction`."""
            held = self.conv_first(functional.pixel_unshuffle(pixel_values, self.fold))
            held = held + self.conv_body(self.body(held))
            for layer in (self.conv_up1, self.conv_up2):
                wide = functional.interpolate(held, scale_factor=2.0, mode="nearest")
                held = functional.leaky_relu(layer(wide), _SLOPE)
            held = functional.leaky_relu(self.conv_hr(held), _SLOPE)
            return ImageSuperResolutionOutput(reconstruction=self.conv_last(held))

        def _init_weights(self, module: nn.Module) -> None:
            # Small at first, so that a deep network begins as its ways around (ESRGAN, section
            # 3.1); all else as PyTorch draws it.
            if isinstance(module, small):
                std = 0.1 * math.sqrt(2 / module.weight[0].numel())
                initialization.normal_(module.weight, std=std)
                assert module.bias is not None
                initialization.zeros_(module.bias)

    return RrdbNetConfig, RrdbNet


def _define_blocks() -> tuple[Any, type[torch.nn.Conv2d]]:
    """The class of a residual dense block, and that of its convolutions, which start small."""
    import torch
    from torch import nn
    from torch.nn import functional

    class DenseConvolution(nn.Conv2d):
        """One of 3 x 3 within a dense block."""

        def __init__(self, channels: int, to: int) -> None:
            super().__init__(channels, to, kernel_size=3, padding=1)

    class DenseBlock(nn.Module):
        """Five convolutions, each of which sees what all before it gave."""

        def __init__(self, width: int, growth: int) -> None:
            super().__init__()
            self.conv1 = DenseConvolution(width, growth)
            self.conv2 = DenseConvolution(width + growth, growth)
            self.conv3 = DenseConvolution(width + 2 * growth, growth)
            self.conv4 = DenseConvolution(width + 3 * growth, growth)
            self.conv5 = DenseConvolution(width + 4 * growth, width)

        def forward(self, entered: torch.Tensor) -> torch.Tensor:
            """Of the shape that entered."""
            held = entered
            for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
                held = torch.cat([held, functional.leaky_relu(layer(held), _SLOPE)], dim=1)
            added: torch.Tensor = self.conv5(held)
            return added * _RESIDUAL_SCALE + entered

    class ResidualDenseBlock(nn.Module):
        """Three dense blocks, and a way around them."""

        def __init__(self, width: int, growth: int) -> None:
            super().__init__()
            self.rdb1 = DenseBlock(width, growth)
            self.rdb2 = DenseBlock(width, growth)
            self.rdb3 = DenseBlock(width, growth)

        def forward(self, entered: torch.Tensor) -> torch.Tensor:
            """Of the shape that entered."""
            added: torch.Tensor = self.rdb3(self.rdb2(self.rdb1(entered)))
            return added * _RESIDUAL_SCALE + entered

    return ResidualDenseBlock, DenseConvolution
