"""Time in vtspec's own code per optimizer step, as a share of the step; the bar is 1 %.

One run of the timm adapter under cProfile: resnet18 at 32 pixels, batches of 64, on the CPU, with
the real callbacks writing their lines. Own time is that of every function of `vtspec.adapters`
without what it calls, and of every C function that it calls directly. The profiler slows Python
functions far more than PyTorch's kernels, so this is an upper bound.

    python benchmarks/own_time.py [STEPS]
"""

import cProfile
import dataclasses
import os
import pstats
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from timm_jobs import a_timm_job, write_digits
from vtspec.adapters.timm.adapter import Adapter
from vtspec.adapters.training.event_stream import JsonLinesCallbacks

BATCH = 64
OURS = f"vtspec{os.sep}adapters{os.sep}"


def own_seconds(profile: cProfile.Profile) -> float:
    """Seconds in our functions, and in C functions called by them."""
    total = 0.0
    for (file, _, _), (_, _, inside, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]  # typeshed lacks it
        if OURS in file:
            total += inside
        elif file == "~":
            # C functions have no file; each caller's share is kept with them.
            total += sum(times[2] for caller, times in callers.items() if OURS in caller[0])
    return total


def main() -> None:
    """Train one epoch under the profiler and print the shares."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "wb") as events:
        data = write_digits(Path(folder) / "data", train=steps * BATCH // 10 + 1, val=1, test=1)
        training = {"batchSize": BATCH, "epochs": 1, "augmentation": "standard", "workers": 0}
        job = a_timm_job(data, Path(folder) / "work", model="resnet18", training=training)
        job = dataclasses.replace(job, cpus=os.cpu_count() or 1)
        lines = JsonLinesCallbacks(fd=events.fileno(), stdout=sys.stderr, workdir=job.workdir)
        adapter = Adapter(job, lines)
        adapter.prepare_model()
        adapter.prepare_dataset()
        profile = cProfile.Profile()
        began = time.perf_counter()
        profile.runcall(adapter.train_epoch, 1)
        whole = time.perf_counter() - began
        steps = adapter.describe()["stepsPerEpoch"]
    own = own_seconds(profile)
    print(f"step      {whole / steps * 1000:9.2f} ms  ({steps} steps of {BATCH} images)")
    print(f"own code  {own / steps * 1000:9.2f} ms")
    print(f"share     {own / whole:9.2%}     bar: < 1 %")


if __name__ == "__main__":
    main()
