"""One optimizer step of a PyTorch training, and all that it depends on beside the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtspec.adapters.contract import Job

from .adaptation import AdaptableRecipe
from .schedule import PlateauScheduler, build_schedule
from .state import StateDict

if TYPE_CHECKING:
    import torch
    from timm.utils import ModelEmaV3


class Optimization(AdaptableRecipe):
    """Optimizer, schedule, clipping, averages and the scale of gradients in fp16.

    `ema` is timm's averaged network or None; an epoch has `steps` optimizer steps. `updates`
    counts optimizer steps over all epochs; `learning_rate` is that of the latest of them, the
    largest over layers.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        ema: ModelEmaV3 | None,
        job: Job,
        steps: int,
        *,
        layer_decay: float | None = None,
    ) -> None:
        import torch
        from timm.optim import create_optimizer_v2

        training = job.training
        self.model, self.ema = model, ema
        self.device = next(model.parameters()).device
        self.precision = training.precision
        self.clipping = training.gradient_clipping
        # timm's sgd is Nesterov's, which there is none of without momentum.
        plain = training.optimizer == "sgd" and not training.momentum
        self.optimizer = create_optimizer_v2(
            model,
            opt="momentum" if plain else training.optimizer,
            lr=training.learning_rate,
            weight_decay=training.weight_decay,
            momentum=training.momentum,
            layer_decay=layer_decay,
        )
        self.schedule = build_schedule(self.optimizer, job, steps)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=training.precision == "fp16")
        self.updates = 0
        self.learning_rate = self._get_current_rate()

    def update(self) -> None:
        """One optimizer step: clip, update, average, move the learning rate on."""
        import torch

        self.sum_gradients()
        if self.clipping is not None:
            self.scaler.unscale_(self.optimizer)
            learning = [p for p in self.model.parameters() if p.requires_grad]
            torch.nn.utils.clip_grad_norm_(learning, self.clipping)
        self.learning_rate = self._get_current_rate()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()
        self.updates += 1
        if self.ema is not None:
            self.ema.update(self.model, step=self.updates)
        self._move_rate()

    def sum_gradients(self) -> None:
        """Make the gradients those of the whole step."""
        self.group.sum_gradients()

    def record_metric(self, value: float | None) -> None:
        """Tell the schedule what the epoch's monitored metric was."""
        self.group.tell("record_metric", value)
        if isinstance(self.schedule, PlateauScheduler):
            self.schedule.record_metric(value, self.pace.place(self.updates))

    def compress(self, planned: int, end: int) -> None:
        """Have the schedule of `planned` steps be gone through by step `end`."""
        super().compress(planned, end)
        self._move_rate()

    def get_state(self) -> StateDict:
        """All that the next step depends on, beside the networks; tensors and plain data."""
        return {
            "updates": self.updates,
            "learning_rate": self.learning_rate,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "schedule": self.schedule.get_state()
            if isinstance(self.schedule, PlateauScheduler)
            else {},
            "pace": self.get_pace(),
        }

    def restore(self, state: StateDict) -> None:
        """Take up what `get_state` gave."""
        self.updates = state["updates"]
        self.learning_rate = state["learning_rate"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if isinstance(self.schedule, PlateauScheduler):
            self.schedule.restore(state["schedule"])
        self.restore_pace(state)

    def _move_rate(self) -> None:
        self.schedule.step_update(self.pace.place(self.updates))

    def _get_current_rate(self) -> float:
        return max(float(group["lr"]) for group in self.optimizer.param_groups)
