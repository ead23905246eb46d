"""How long a run takes, how much memory it needs and what it costs. Pure.

Time comes from runs on file where there are comparable ones, else from arithmetic: a training
image costs three forward passes (one forward, two backward), a validation image one, and one
multiply-add is two floating-point operations; images are read and decoded by the cores; each step
is a process, and three start the framework. It is told with a range that says how far it is to be
trusted; the report's time stands apart, as it cannot tell its own. Every figure is a guess for
people; no id or digest holds one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final

START_S: Final = 8.0
"""Seconds until a framework's process has imported its libraries and built the model, where its
`image.yaml` does not say."""

STARTS: Final = 3
"""Steps that start the framework: train, evaluate, export."""

STEPS: Final = 4
"""Steps whose processes begin one after another: data, and those that start the framework."""

STEP_S: Final = 0.5
"""Seconds until the process of a step, beside the framework's, has read its plan."""

REPORT_S: Final = 5.0
"""Seconds of the report: its process, which loads what draws, and its pictures."""

OPEN_S: Final = 0.0005
"""Seconds of one core to open an image, whatever its size."""

DECODE_S_PER_BYTE: Final = 45e-9
"""Seconds of one core to read and decode a byte of an image's file, and to cut a crop out of it:
measured with Pillow on photographs of 12 KB to 2.7 MB, JPEG and PNG alike."""

AUGMENT_S: Final = 0.003
"""Seconds of one core to augment an image of 224 x 224 pixels; others by their area. Measured with
timm's standard augmentation."""

ASSUMED_BYTES: Final = 100_000
"""Of an image's file where nobody counted: a photograph of half a megapixel."""

MEASURED_RANGE: Final = (0.75, 1.5)
"""How far two runs of one plan lie from each other, as a share: other work on the machine slows
one more often than it speeds one up."""

ARITHMETIC_RANGE: Final = (0.5, 3.0)
"""What runs have taken, as a share of what the arithmetic said: see `docs/log.md`."""

START_RANGE: Final = (0.3, 10.0)
"""The same of starts and of the report, which read thousands of files: a machine that has read
none of them yet, or has other work, takes several times as long. See `docs/log.md`."""

MACS_PER_PARAMETER: Final = 160.0
"""Multiply-adds per parameter at 224 x 224, where a catalog does not count them: resnet50 has
160, vit_base_patch16 204, convnext_tiny 157, mobilenetv3_large 42."""

MACS_PER_KEPT_VALUE: Final = 150.0
"""Multiply-adds per value that a forward pass keeps for the backward one, where a catalog does
not count them: a norm and a nonlinearity keep theirs beside the layer's own."""

PROCESS_BYTES: Final = 1_200 * 2**20
"""Main memory of a process with a framework loaded."""

WORKER_BYTES: Final = 300 * 2**20
"""Main memory of one process that loads images."""

GPU_CONTEXT_BYTES: Final = 600 * 2**20
"""GPU memory that CUDA and its libraries take before the first tensor."""

STATE_BYTES: Final[dict[str, int]] = {
    "adamw": 8,
    "adam": 8,
    "nadam": 8,
    "radam": 8,
    "lamb": 8,
    "rmsprop": 8,
    "sgd": 4,
    "lion": 4,
}
"""Bytes of optimizer state per parameter: one or two moments in fp32."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What the run is thought to take; None where it cannot be said. `basis` is for people.

    `seconds` is wall clock of all steps but the report's, between `seconds_low` and
    `seconds_high`; `report_seconds` likewise is what the report takes then, on one core. `cost`
    is in `currency`, of all of it.
    """

    seconds: float | None
    memory_bytes: int | None
    gpu_memory_bytes: int | None
    cost: float | None
    currency: str
    basis: str
    # Plans of before there was a range have none.
    seconds_low: float | None = None
    seconds_high: float | None = None
    report_seconds: float | None = None
    report_seconds_low: float | None = None
    report_seconds_high: float | None = None

    @property
    def whole_seconds(self) -> float | None:
        """The time of all steps, which is how long a person waits."""
        return None if self.seconds is None else self.seconds + (self.report_seconds or 0.0)

    @property
    def whole_range(self) -> tuple[float, float] | None:
        """The least and the most of it."""
        if self.seconds_low is None or self.seconds_high is None:
            return None
        low, high = self.report_seconds_low or 0.0, self.report_seconds_high or 0.0
        return self.seconds_low + low, self.seconds_high + high


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the run is to run on. Prices are for an hour of one GPU or one core, None if unknown.

    `tflops` is of one GPU, `cpu_gflops` of one core, both sustained in training.
    """

    gpus: int
    cpus: int
    gpu_type: str | None = None
    tflops: float | None = None
    gpu_price: float | None = None
    cpu_gflops: float = 25.0
    cpu_price: float | None = None
    currency: str = "USD"


@dataclass(frozen=True, kw_only=True)
class Workload:
    """How much there is to do. Images are counted per split; None where nobody counted.

    `gmacs` are 10^9 multiply-adds of one image's forward pass at `image_size` (height, width),
    `kept_millions` the 10^6 values that it keeps for the backward pass; None where the catalog
    does not say, or where a model has no images. `image_bytes` is the size of an image's file,
    `start_s` are the seconds that the framework takes to start.
    """

    model: str
    parameters: int | None
    gmacs: float | None
    kept_millions: float | None
    image_size: tuple[int, int] | None
    train_images: int | None
    val_images: int | None
    test_images: int
    epochs: int
    batch_size: int
    workers: int
    precision: str
    optimizer: str
    ema: bool
    image_bytes: float | None = None
    start_s: float = START_S


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What an earlier run took. `epoch_seconds` is the sum over `epochs`; `other_seconds` the rest
    of the run but for the report, `report_seconds` that, None where nobody told; `images` are
    those of train and val together."""

    run: str
    model: str
    image_size: tuple[int, int] | None
    precision: str
    gpus: int
    gpu_type: str | None
    cpus: int
    images: int
    epochs: int
    epoch_seconds: float
    other_seconds: float
    report_seconds: float | None = None


def estimate_run(load: Workload, machine: Machine, timings: Sequence[Timing] = ()) -> Estimate:
    """The estimate; every figure is finite and at least 0, or None where it cannot be said."""
    time = _estimate_time(load, machine, timings)
    cost, cost_basis = _estimate_cost(time.seconds, time.report[0], machine)
    return Estimate(
        seconds=time.seconds,
        seconds_low=time.low,
        seconds_high=time.high,
        report_seconds=time.report[0],
        report_seconds_low=time.report[1],
        report_seconds_high=time.report[2],
        memory_bytes=estimate_main_memory(load, machine),
        gpu_memory_bytes=estimate_gpu_memory(load, machine) if machine.gpus else None,
        cost=cost,
        currency=machine.currency,
        basis="; ".join(part for part in (time.basis, cost_basis) if part),
    )


def scale_estimate(guess: Estimate, runs: int) -> Estimate:
    """What so many runs take that are thought to take the same, one after another."""

    def scale(value: float | None) -> float | None:
        return None if value is None else value * runs

    return replace(
        guess,
        seconds=scale(guess.seconds),
        seconds_low=scale(guess.seconds_low),
        seconds_high=scale(guess.seconds_high),
        report_seconds=scale(guess.report_seconds),
        report_seconds_low=scale(guess.report_seconds_low),
        report_seconds_high=scale(guess.report_seconds_high),
        cost=scale(guess.cost),
    )


def count_images(
    statistics: Mapping[str, Any] | None,
    task: str | None,
    classes: Sequence[str],
    all_classes: Sequence[str],
) -> dict[str, int]:
    """Images of each split that a training uses, as far as anybody counted.

    `statistics` are a dataset's, as a plan has them. Where nobody counted by class, all count.
    """
    # In the other tasks an image that shows none of the classes is trained on, too.
    chosen = task == "image-classification" and set(classes) < set(all_classes)
    counts = {}
    for name, split in ((statistics or {}).get("splits") or {}).items():
        per_class = split.get("perClass") or {}
        some = chosen and all(one in per_class for one in classes)
        counts[name] = sum(per_class[one] for one in classes) if some else split["images"]
    return counts


def count_state_bytes(parameters: int, optimizer: str, *, ema: bool) -> int:
    """Bytes of weights, gradients, optimizer state and averaged weights, which no batch avoids."""
    # Four bytes each, whatever the precision: autocast keeps all of them in fp32.
    return parameters * (4 + 4 + STATE_BYTES.get(optimizer, 8) + (4 if ema else 0))


def estimate_gpu_memory(load: Workload, machine: Machine) -> int | None:
    """Memory of one GPU in training: the state, the batch's activations and CUDA itself."""
    # Rounded up: the GPU with the largest share of the batch decides.
    batch = -(-load.batch_size // max(1, machine.gpus))
    working = _estimate_working_bytes(load, batch)
    return None if working is None else GPU_CONTEXT_BYTES + working


def estimate_main_memory(load: Workload, machine: Machine) -> int | None:
    """Main memory of all processes of the train step; with the whole state where no GPU has it."""
    processes = PROCESS_BYTES * max(1, machine.gpus) + WORKER_BYTES * load.workers
    if machine.gpus:
        return processes
    working = _estimate_working_bytes(load, load.batch_size)
    return None if working is None else processes + working


def _estimate_working_bytes(load: Workload, batch: int) -> int | None:
    values = _estimate_kept_values(load)
    if load.parameters is None or values is None:
        return None
    number_bytes = 4 if load.precision == "fp32" else 2
    kept = values * number_bytes
    return count_state_bytes(load.parameters, load.optimizer, ema=load.ema) + int(kept * batch)


def _estimate_kept_values(load: Workload) -> float | None:
    if load.kept_millions is not None:
        return load.kept_millions * 1e6
    macs = _estimate_macs(load)
    return None if macs is None else macs / MACS_PER_KEPT_VALUE


def _estimate_macs(load: Workload) -> float | None:
    if load.gmacs is not None:
        return load.gmacs * 1e9
    if load.parameters is None or load.image_size is None:
        return None
    height, width = load.image_size
    # The constant holds at 224 x 224; convolutions and patches do their work once per pixel.
    return load.parameters * MACS_PER_PARAMETER * height * width / 224**2


@dataclass(frozen=True)
class _Time:
    seconds: float | None
    basis: str
    low: float | None = None
    high: float | None = None
    report: tuple[float | None, float | None, float | None] = (None, None, None)


def _estimate_time(load: Workload, machine: Machine, timings: Sequence[Timing]) -> _Time:
    if load.train_images is None or load.val_images is None:
        fix = "count them with 'vtspec datasets inspect'"
        return _Time(
            None, f"no time: the dataset's spec does not say how many images it has ({fix})"
        )
    alike = [timing for timing in timings if _is_alike(timing, load, machine)]
    # The last ones, by their median: one run beside other work must not decide.
    if alike:
        return _estimate_from_runs(load, load.train_images + load.val_images, alike[-3:])
    return _estimate_from_arithmetic(load, machine)


def _is_alike(timing: Timing, load: Workload, machine: Machine) -> bool:
    there = (timing.model, timing.image_size, timing.precision, timing.gpus, timing.gpu_type)
    here = (load.model, load.image_size, load.precision, machine.gpus, machine.gpu_type)
    measured = timing.images > 0 and timing.epochs > 0 and timing.epoch_seconds > 0
    return measured and there == here and timing.cpus == machine.cpus


def _estimate_from_runs(load: Workload, images: int, alike: Sequence[Timing]) -> _Time:
    paces = [one.epoch_seconds / (one.images * one.epochs) for one in alike]
    others = [one.other_seconds for one in alike]
    seen = images * load.epochs
    names = ", ".join(one.run for one in alike)
    low, high = MEASURED_RANGE
    return _Time(
        median(paces) * seen + median(others),
        f"{_format(median(paces) * 1000)} ms per image and epoch, as measured in {names}",
        low * (min(paces) * seen + min(others)),
        high * (max(paces) * seen + max(others)),
        _estimate_report([one.report_seconds for one in alike if one.report_seconds is not None]),
    )


def _estimate_report(measured: Sequence[float] = ()) -> tuple[float, float, float]:
    """What the report takes, at least and at most, as those that were measured did."""
    if measured:
        low, high = MEASURED_RANGE
        return median(measured), low * min(measured), high * max(measured)
    low, high = START_RANGE
    return REPORT_S, low * REPORT_S, high * REPORT_S


def _format(value: float) -> str:
    # Without an exponent, which three digits have of a thousand.
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _estimate_from_arithmetic(load: Workload, machine: Machine) -> _Time:
    assert load.train_images is not None and load.val_images is not None
    macs = _estimate_macs(load)
    if macs is None:
        return _Time(None, "no time: nobody counted the operations of the model")
    passes = load.epochs * (3 * load.train_images + load.val_images) + load.test_images
    counted = "" if load.gmacs is not None else ", guessed from its parameters"
    size = f"{_format(macs / 1e9)} GMACs an image{counted}"
    if machine.gpus:
        if machine.tflops is None:
            why = "nobody said how fast the GPU is (gpuTypes.….tflops in vtspec.yaml)"
            return _Time(None, f"no time: {why}")
        speed = machine.tflops * 1e12 * machine.gpus
        power = f"{machine.gpus} x {machine.tflops:g} TFLOP/s"
    else:
        speed = machine.cpu_gflops * 1e9 * machine.cpus
        power = f"{machine.cpus} x {machine.cpu_gflops:g} GFLOP/s"
    computing = passes * 2 * macs / speed
    loading, how = _estimate_loading(load, machine)
    starting = STARTS * load.start_s + STEPS * STEP_S
    # With a GPU the workers load while it computes, so the slower of the two sets the pace. The
    # cores that compute, or that have no worker beside them, also load, so the times add up.
    beside = machine.gpus and load.workers
    work = max(computing, loading) if beside else computing + loading
    both = "the slower of" if beside else "both"
    parts = (
        f"{both} computing {_tell(computing)} ({size}, {power}) and loading "
        f"{_tell(loading)} ({how}), then {STARTS} starts of {load.start_s:g} s and {STEPS} of "
        f"{STEP_S:g} s"
    )
    (low, high), (quick, slow) = ARITHMETIC_RANGE, START_RANGE
    return _Time(
        work + starting,
        f"arithmetic: {parts}",
        low * work + quick * starting,
        high * work + slow * starting,
        _estimate_report(),
    )


def _tell(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"


def _estimate_loading(load: Workload, machine: Machine) -> tuple[float, str]:
    """Seconds to read, decode and augment all images, and how that was found."""
    assert load.train_images is not None and load.val_images is not None
    seen = load.epochs * (load.train_images + load.val_images) + load.test_images
    height, width = load.image_size or (224, 224)
    file_bytes = ASSUMED_BYTES if load.image_bytes is None else load.image_bytes
    each = OPEN_S + DECODE_S_PER_BYTE * file_bytes + AUGMENT_S * height * width / 224**2
    processes = max(1, min(load.workers, machine.cpus))
    told = ", files of 100 KB assumed" if load.image_bytes is None else ""
    cores = "1 core" if processes == 1 else f"{processes} cores"
    return seen * each / processes, f"{each * 1000:.2g} ms an image on {cores}{told}"


def _estimate_cost(
    seconds: float | None, report_seconds: float | None, machine: Machine
) -> tuple[float | None, str]:
    if seconds is None:
        return None, ""
    # A price that is missing is not taken for zero: half a cost would look like all of it.
    if machine.gpus and machine.gpu_price is None:
        return None, "no cost: vtspec.yaml has no pricePerHour for the GPU"
    if machine.cpu_price is None:
        return None, "no cost: vtspec.yaml has no prices.cpuPerHour"
    hourly = machine.gpus * (machine.gpu_price or 0.0) + machine.cpus * machine.cpu_price
    # The report's step is given one core and no GPU.
    return (hourly * seconds + machine.cpu_price * (report_seconds or 0.0)) / 3600, ""
