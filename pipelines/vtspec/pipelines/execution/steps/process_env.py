"""The environment variables that an adapter's process is given. Pure."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.redaction import is_secret_name
from vtspec.pipelines.runs.object_store import OWN_PREFIX

_TRACKERS: Final = re.compile(r"^(MLFLOW|WANDB|COMET|NEPTUNE|VTSPEC_TRACKING)_", re.IGNORECASE)

_THREADS: Final = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

_GPUS: Final = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")

_PROXIES: Final = ("http_proxy", "https_proxy", "no_proxy")

_HUB: Final = (
    *("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE"),
    *(name for one in _PROXIES for name in (one, one.upper())),
)

_WAITING: Final = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads that spin while they wait take the cores from whoever else has work: on two cores shared
with others a step of PyTorch took four times as long as with waiting threads asleep."""


def build_variables(
    plan: Plan, environ: Mapping[str, str], pythonpath: Path | str | None
) -> dict[str, str]:
    """What the adapter may see of `environ`, and what makes its results the same everywhere.

    A framework needs many variables that nobody can list (drivers, proxies, caches), so all pass
    but those that look like a secret, those of the store of runs, which is vtspec's alone, and
    those of experiment trackers, whose callbacks some frameworks start by themselves. HF_TOKEN
    passes only where something of the plan's model comes from the hub. With `pythonpath` (an
    environment of its own) nothing of this Python's own path is handed down.
    """

    def hides(name: str) -> bool:
        is_ours = name.startswith(OWN_PREFIX) or _TRACKERS.search(name) is not None
        return is_ours or is_secret_name(name)

    found = {key: value for key, value in environ.items() if not hides(key)}
    if plan.model.hub_files and "HF_TOKEN" in environ:
        found["HF_TOKEN"] = environ["HF_TOKEN"]
    # Its own environment, with its own packages: ours would shadow them.
    if pythonpath is not None:
        for name in ("PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"):
            found.pop(name, None)
        found["PYTHONPATH"] = str(pythonpath)
    return _WAITING | found | _get_fixed_variables(plan)


def build_container_variables(
    plan: Plan, environ: Mapping[str, str], pythonpath: Path | None, cache: Path | None
) -> dict[str, str]:
    """All variables that a container is given: of `environ` those that say which GPUs are used
    and, where something of its model comes from the hub, how that is reached; what that gives is
    kept in `cache`. What else this machine's variables say holds for this machine."""
    passed = _GPUS if cache is None else _GPUS + _HUB
    found = {name: environ[name] for name in passed if name in environ}
    if cache is not None:
        found["HF_HOME"] = str(cache)
    if pythonpath is not None:
        found["PYTHONPATH"] = str(pythonpath)
    return _WAITING | found | {"HOME": "/tmp"} | _get_fixed_variables(plan)


def _get_fixed_variables(plan: Plan) -> dict[str, str]:
    cpus = str(plan.resources.cpus)
    fixed = {
        "PYTHONHASHSEED": "0",
        # The run's folder is where it works; nothing there may pass for a module.
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
        "PYTHONIOENCODING": "utf-8",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        **dict.fromkeys(_THREADS, cpus),
    }
    if not plan.model.hub_files:
        # What a framework would fetch of its own accord is in no plan.
        fixed["HF_HUB_OFFLINE"] = "1"
    if plan.training.deterministic:
        # cuBLAS is deterministic only with a fixed workspace: docs.nvidia.com/cuda/cublas.
        fixed["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    return fixed
