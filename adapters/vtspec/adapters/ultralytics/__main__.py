"""`python -m vtspec.adapters.ultralytics FILE.pt FILE.safetensors`: a checkpoint of Ultralytics
as weights that a spec can name.

A `.pt` file is a pickle, which may do anything when it is read. It is read here by PyTorch's
`weights_only`, with the package's own list of what a checkpoint of it may hold: anything else is
refused.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

from vtspec.adapters.contract import AdapterError

from .isolation import isolate


def convert(source: Path, target: Path) -> None:
    """Write the weights of a checkpoint, in float32, with the names of its classes.

    Raises:
        AdapterError: it is no checkpoint of Ultralytics, or holds what none of them does.
    """
    isolate()
    from vtspec.adapters.pytorch.state import save_weights

    network = _load(source).float()
    names = network.names
    metadata = {
        "framework": "ultralytics",
        "licence": "AGPL-3.0",
        "model": Path(str(network.yaml.get("yaml_file") or source)).stem,
        "classes": json.dumps([names[index] for index in sorted(names)], ensure_ascii=False),
    }
    save_weights(network, target, metadata)


def _load(source: Path) -> Any:
    import torch
    from ultralytics.nn.tasks import torch_safe_load

    # Asked for a file that is not there, the package would look for it on the network.
    if not source.is_file():
        raise AdapterError(f"{source}: no such file")
    try:
        held, _ = torch_safe_load(str(source.resolve()), safe_only=True)
    except (TypeError, AttributeError, ImportError, pickle.UnpicklingError, OSError) as error:
        raise AdapterError(
            f"{source} is not read: it is no checkpoint of Ultralytics, or holds what none of "
            "them does",
            "take the file that Ultralytics published, or that its trainer wrote",
        ) from error
    network = (held.get("ema") or held.get("model")) if isinstance(held, dict) else None
    if not isinstance(network, torch.nn.Module):
        raise AdapterError(f"{source} holds no network of Ultralytics")
    return network


def main(arguments: list[str]) -> int:
    """The command; 2 where a file cannot be converted, with the reason on stderr."""
    if len(arguments) != 2:
        print("python -m vtspec.adapters.ultralytics FILE.pt FILE.safetensors", file=sys.stderr)
        return 2
    try:
        convert(Path(arguments[0]), Path(arguments[1]))
    except AdapterError as error:
        print(f"{error}\n  fix: {error.fix}" if error.fix else error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
