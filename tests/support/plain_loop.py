"""What one would write around timm oneself, in forty lines: the oracle of the adapter."""

from typing import Any

import timm
import torch
from timm.data import create_transform, resolve_model_data_config
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from timm.utils import ModelEmaV3, random_seed
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder


def train(folder: str, model_name: str, hyper: dict[str, Any], augment: bool, workers: int) -> Any:
    """(the network, its moving average or None) after the last epoch."""
    seed, epochs, ema = hyper["seed"], hyper["epochs"], hyper["ema"]
    random_seed(seed)
    model = timm.create_model(model_name, num_classes=10)
    data = resolve_model_data_config(model, args={"input_size": (3, 32, 32)})
    transform = create_transform(**data, is_training=True, no_aug=not augment)
    assert not isinstance(transform, tuple)
    images = ImageFolder(folder, transform)
    order = torch.Generator().manual_seed(seed)
    loader = DataLoader(images, hyper["batch"], True, num_workers=workers, generator=order)
    average = ModelEmaV3(model, decay=ema, use_warmup=True) if ema else None
    optimizer = create_optimizer_v2(model, "adamw", lr=hyper["lr"], weight_decay=0.001)
    schedule, _ = create_scheduler_v2(
        optimizer, "cosine", epochs, step_on_epochs=False, updates_per_epoch=len(loader)
    )
    assert schedule is not None
    model.train()
    update = 0
    for inputs, targets in (batch for _ in range(epochs) for batch in loader):
        torch.autograd.backward(torch.nn.functional.cross_entropy(model(inputs), targets))
        optimizer.step()
        optimizer.zero_grad()
        update += 1
        if average:
            average.update(model, step=update)
        schedule.step_update(update)
    return model, average and average.module
