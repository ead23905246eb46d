"""The adapter against the plain loop of `tests/support/plain_loop.py`: same bits, and CPU time.

python benchmarks/plain_loop.py
"""

import dataclasses
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import plain_loop
from timm_jobs import a_timm_job, differing, prepared, write_digits

MODEL = "resnet18"
HYPER = {"seed": 7, "epochs": 1, "batch": 64, "lr": 0.003, "ema": None}


def main() -> None:
    """Train the same twice and print what differs."""
    with tempfile.TemporaryDirectory() as folder:
        data = write_digits(Path(folder) / "data", train=64, val=1, test=1)
        training = {"batchSize": 64, "epochs": 1, "augmentation": "standard", "workers": 0}
        job = a_timm_job(data, Path(folder) / "work", model=MODEL, training=training)
        adapter = prepared(dataclasses.replace(job, cpus=os.cpu_count() or 1))
        began = time.process_time()
        adapter.train_epoch(1)
        ours = time.process_time() - began
        began = time.process_time()
        model, _ = plain_loop.train(str(data / "train"), MODEL, HYPER, True, 0)
        plain = time.process_time() - began
    names = differing(adapter.model.state_dict(), model.state_dict())
    print(f"tensors that differ  {len(names)} of {len(model.state_dict())}     bar: 0")
    print(f"CPU seconds          {ours:.2f} adapter, {plain:.2f} plain loop with its set-up")


if __name__ == "__main__":
    main()
