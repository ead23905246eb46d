"""The state of a PyTorch training, kept so that going on equals never having stopped.

Everything that a later number depends on is here: the random states of Python, NumPy, PyTorch
and its GPUs, and of the loader's own generator. State files hold nothing but tensors and plain
data, so that `torch.load(weights_only=True)` reads them.
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from vtspec.adapters.contract import AdapterError

if TYPE_CHECKING:
    import torch

StateDict: TypeAlias = Mapping[str, Any]
"""What PyTorch keeps of an object: tensors and plain data by name, whatever it is of."""


def choose_device(gpus: int, precision: str) -> torch.device:
    """The device of a process: of several GPUs each has one, which is the only one that it sees.

    Raises:
        AdapterError: the GPU is not there, there would be several, or the precision needs one.
    """
    import torch

    if gpus > 1:
        raise AdapterError(
            f"training in one process takes one GPU, not {gpus}", "set resources.gpus: 1"
        )
    if gpus and not torch.cuda.is_available():
        raise AdapterError(
            "resources.gpus is 1, and PyTorch finds no CUDA GPU here",
            "set resources.gpus: 0, or run where nvidia-smi shows a GPU",
        )
    if precision == "fp16" and not gpus:
        raise AdapterError("fp16 needs a GPU", "set training.precision: fp32 or bf16")
    return torch.device("cuda" if gpus else "cpu")


def make_gpu_memory_measure(device: torch.device) -> Callable[[], int] | None:
    """What tells how many bytes of the GPU this process holds, those that it keeps for later too;
    None for a device that is none."""
    import torch

    if device.type != "cuda":
        return None
    return partial(torch.cuda.memory_reserved, device)


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy, PyTorch and its GPUs alike."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def choose_kernels(*, deterministic: bool) -> None:
    """Have PyTorch take deterministic kernels where it has them, or the fastest.

    Where it has none it warns and goes on. On a GPU, cuBLAS wants to be told before it starts.
    """
    import os

    import torch

    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    # Filling fresh memory is a help for debugging that costs time at every allocation.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not deterministic


def get_random_states(loader: torch.Generator) -> StateDict:
    """The random states of now, as plain data and tensors; `loader` orders and seeds the data."""
    import numpy as np
    import torch

    drawn = np.random.get_state(legacy=False)
    assert isinstance(drawn, dict)
    inner = drawn["state"]
    return {
        "python": random.getstate(),
        "numpy": {
            "keys": torch.from_numpy(inner["key"].astype(np.int64)),
            "position": int(inner["pos"]),
            "has_gauss": int(drawn["has_gauss"]),
            "gauss": float(drawn["gauss"]),
        },
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "loader": loader.get_state(),
    }


def restore_random_states(states: StateDict, loader: torch.Generator) -> None:
    """Make the random states what `get_random_states` saw; those of GPUs where they are here."""
    import numpy as np
    import torch

    version, internal, gauss_next = states["python"]
    random.setstate((version, tuple(internal), gauss_next))
    drawn = states["numpy"]
    keys = drawn["keys"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, drawn["position"], drawn["has_gauss"], drawn["gauss"]))
    torch.set_rng_state(states["torch"])
    if torch.cuda.is_available() and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
    loader.set_state(states["loader"])


def save_weights(
    model: torch.nn.Module, path: Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write every parameter and buffer of `model` as safetensors, at the model's own precision.

    Tensors that share memory are written once each under every name. The same tensors and metadata
    give the same bytes.
    """
    from safetensors.torch import save_file

    tensors, seen = {}, set()
    for name, tensor in model.state_dict().items():
        held = tensor.detach().cpu().contiguous()
        place = held.untyped_storage().data_ptr()
        tensors[name] = held.clone() if place in seen else held
        seen.add(place)
    save_file(tensors, path, metadata=dict(metadata or {}))
    if metadata:
        _sort_metadata(path)


def _sort_metadata(path: Path) -> None:
    """Put the header's metadata in order: the library writes it in another at every run."""
    with path.open("r+b") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        # In the library's own form, so that it is as long as before and the tensors stay in place.
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        if len(text) > length:
            raise ValueError(f"{path}: its header cannot be put in order in {length} bytes")
        file.seek(8)
        file.write(text.ljust(length))


def load_weights(model: torch.nn.Module, path: Path) -> None:
    """Read into `model` what `save_weights` wrote of the same network.

    Raises:
        RuntimeError: the names or shapes are those of another network.
    """
    model.load_state_dict(read_weights(path))


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors that `save_weights` wrote, by name, on the CPU."""
    from safetensors.torch import load_file

    return dict(load_file(path))


def save_state(state: StateDict, path: Path) -> None:
    """Write tensors and plain data."""
    import torch

    torch.save(dict(state), path)


def load_state(path: Path) -> StateDict:
    """Read what `save_state` wrote, onto the CPU; refuses anything but tensors and plain data."""
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
    assert isinstance(state, dict)
    return state
