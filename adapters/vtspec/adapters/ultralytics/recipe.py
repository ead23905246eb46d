"""How a YOLO network learns: Ultralytics' loss, groups of parameters, warm-up and averages.

What the package's own trainer does beside it, and what of that is kept, is in
`docs/ultralytics.md`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.contract import Job
from vtspec.adapters.pytorch.adaptation import AdaptableRecipe
from vtspec.adapters.pytorch.schedule import autocast, get_or_default
from vtspec.adapters.pytorch.state import StateDict

if TYPE_CHECKING:
    import torch
    from ultralytics.utils.torch_utils import ModelEMA

    from .images import Batch

_OPTIMIZERS: Final = {
    "adamw": "AdamW",
    "adam": "Adam",
    "nadam": "NAdam",
    "radam": "RAdam",
    "sgd": "SGD",
    "rmsprop": "RMSprop",
}
"""PyTorch's names of those that the package has too."""

_WITH_MOMENTUM: Final = ("sgd", "rmsprop")


class Recipe(AdaptableRecipe):
    """What turns batches into better weights.

    `ema` is the package's averaged network or None; an epoch has `steps` optimizer steps.
    `updates` counts optimizer steps over all epochs; `learning_rate` is that of the latest of
    them, the largest over groups.
    """

    def __init__(self, network: Any, ema: ModelEMA | None, job: Job, steps: int) -> None:
        import torch

        self.network, self.ema, self.job = network, ema, job
        self.device: torch.device = next(network.parameters()).device
        self.criterion = network.init_criterion()
        self.optimizer = _build_optimizer(network, job)
        precision = job.training.precision
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "fp16")
        self.steps = steps
        self.warmup_updates = round(job.training.warmup_epochs * steps)
        self.updates = 0
        self.learning_rate = job.training.learning_rate

    def begin_epoch(self, epoch: int) -> None:
        """Set what an epoch's loss depends on."""
        # Networks with two heads learn ever more by the one that finds each object once.
        if hasattr(self.criterion, "decay"):
            self.criterion.o2m = self.criterion.decay(epoch - 1)
            self.criterion.o2o = max(self.criterion.total - self.criterion.o2m, 0)

    def backward(self, batch: Batch, share: float) -> torch.Tensor:
        """Add the gradients of one batch's loss, times `share`; the mean loss of an image,
        detached."""
        images = scale_pixels(batch["img"].to(self.device, non_blocking=True))
        with autocast(self.device, self.job.training.precision):
            loss, told = self.criterion(self.network(images), move_labels(batch, self.device))
        self.scaler.scale(loss.sum() * share).backward()
        return sum_losses(told)

    def record_metric(self, value: float) -> None:
        """Nothing: no schedule here waits for a figure."""

    def update(self) -> None:
        """One optimizer step: set its learning rate, clip, update, average."""
        import torch

        self.group.sum_gradients()
        self._set_rates()
        clipping = self.job.training.gradient_clipping
        if clipping is not None:
            self.scaler.unscale_(self.optimizer)
            learning = [p for p in self.network.parameters() if p.requires_grad]
            torch.nn.utils.clip_grad_norm_(learning, clipping)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()
        self.updates += 1
        if self.ema is not None:
            self.ema.update(self.network)

    def get_state(self) -> StateDict:
        """All that the next step depends on, beside the networks; tensors and plain data."""
        return {
            "updates": self.updates,
            "learning_rate": self.learning_rate,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "pace": self.get_pace(),
        }

    def restore(self, state: StateDict) -> None:
        """Take up what `get_state` gave."""
        self.updates = state["updates"]
        self.learning_rate = state["learning_rate"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.restore_pace(state)
        if self.ema is not None:
            self.ema.updates = self.updates

    def _set_rates(self) -> None:
        training, params = self.job.training, self.job.params
        # As in the package, the schedule moves between epochs and the warm-up between steps.
        place = self.pace.place(self.updates)
        goal = training.learning_rate * compute_share(self.job, int(place // self.steps))
        warm = 1.0 if not self.warmup_updates else min(place / self.warmup_updates, 1.0)
        first_momentum = get_or_default(params["warmupMomentum"], 0.8)
        for group in self.optimizer.param_groups:
            is_bias = group["kind"] == "bias"
            first = get_or_default(params["warmupBiasLearningRate"], 0.0) if is_bias else 0.0
            group["lr"] = (first + (goal - first) * warm) * group.get("lr_scale", 1.0)
            if "momentum" in group and training.momentum:
                group["momentum"] = first_momentum + (training.momentum - first_momentum) * warm
        self.learning_rate = max(float(group["lr"]) for group in self.optimizer.param_groups)


def scale_pixels(images: torch.Tensor) -> torch.Tensor:
    """Images as the network takes them: bytes as 0 to 1, and floats as they are."""
    import torch

    return images.float() / 255 if images.dtype == torch.uint8 else images


def move_labels(batch: Batch, device: torch.device) -> Batch:
    """The batch with what the loss reads beside its images on the device."""
    return {
        name: value if name == "img" else value.to(device, non_blocking=True)
        for name, value in batch.items()
    }


def build_averages(network: Any, job: Job) -> ModelEMA | None:
    """The package's average of the weights and batch norms, where the job wants one."""
    from ultralytics.utils.torch_utils import ModelEMA

    ema = job.training.ema
    if ema is None:
        return None
    averages = ModelEMA(
        network, decay=ema.decay, tau=get_or_default(job.params["emaSteps"], 2000.0)
    )
    if not ema.warmup:
        averages.decay = lambda updates: ema.decay
    return averages


def sum_losses(told: dict[str, torch.Tensor]) -> torch.Tensor:
    """The mean loss of an image, of the parts that a criterion tells. Of a network with two heads
    they are those of the one that finds each object once: what the two weigh in training changes
    from epoch to epoch, and this does not."""
    import torch

    return torch.stack([part.detach().float() for part in told.values()]).sum()


def compute_share(job: Job, epoch: int) -> float:
    """The learning rate of an epoch, counted from 0, as a share of the peak: as in the package,
    which comes down to the last rate at the epoch behind the last one."""
    training = job.training
    last = training.min_learning_rate / training.learning_rate
    done = min(epoch / training.epochs, 1.0)
    match training.scheduler:
        case "cosine":
            return (1 - math.cos(done * math.pi)) / 2 * (last - 1) + 1
        case "linear":
            return (1 - done) * (1 - last) + last
        case _:
            return 1.0


def _build_optimizer(network: Any, job: Job) -> torch.optim.Optimizer:
    import torch

    training = job.training
    norms = tuple(kind for name, kind in vars(torch.nn).items() if "Norm" in name)
    groups: dict[str, list[torch.nn.Parameter]] = {"weight": [], "norm": [], "bias": []}
    for name, module in network.named_modules():
        for own, parameter in module.named_parameters(recurse=False):
            if not parameter.requires_grad:
                continue
            full = f"{name}.{own}"
            kind = "bias" if "bias" in full else "norm" if isinstance(module, norms) else "weight"
            groups[kind].append(parameter)
    # Decay shrinks the weights of convolutions alone.
    decay = {"weight": _scale_decay(job), "norm": 0.0, "bias": 0.0}
    listed = [
        {"params": parameters, "weight_decay": decay[kind], "kind": kind}
        for kind, parameters in groups.items()
        if parameters
    ]
    more: dict[str, Any] = {}
    if training.optimizer in _WITH_MOMENTUM:
        more["momentum"] = training.momentum
    if training.optimizer == "sgd":
        more["nesterov"] = training.momentum > 0
    build = getattr(torch.optim, _OPTIMIZERS[training.optimizer])
    optimizer: torch.optim.Optimizer = build(listed, lr=training.learning_rate, **more)
    return optimizer


def _scale_decay(job: Job) -> float:
    training, nominal = job.training, job.params["nominalBatchSize"]
    if nominal is None:
        return training.weight_decay
    images = training.batch_size * training.gradient_accumulation
    return training.weight_decay * images / float(nominal)
