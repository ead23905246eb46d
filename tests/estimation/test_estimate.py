"""How long, how much memory, how dear: guesses that are finite, ordered and explained."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan_inputs import unhurried
from vtspec.pipelines.estimation.estimate import (
    ARITHMETIC_RANGE,
    MEASURED_RANGE,
    REPORT_S,
    START_RANGE,
    START_S,
    STATE_BYTES,
    STEP_S,
    STEPS,
    Machine,
    Timing,
    Workload,
    count_images,
    count_state_bytes,
    estimate_gpu_memory,
    estimate_run,
)
from vtspec.pipelines.formatting import (
    format_cost,
    format_count,
    format_duration,
    format_range,
    format_size,
)
from vtspec.schema.kinds.experiment import Training

LOAD = Workload(
    model="resnet18",
    parameters=11_000_000,
    gmacs=1.0,
    kept_millions=5.0,
    image_size=(224, 224),
    train_images=1000,
    val_images=200,
    test_images=100,
    epochs=10,
    batch_size=32,
    workers=2,
    precision="fp32",
    optimizer="adamw",
    ema=False,
)

STARTING_S = 3 * START_S + STEPS * STEP_S
EACH_S = 0.0005 + 100_000 * 45e-9 + 0.003
"""Seconds of one core for an image of `LOAD`, whose files nobody counted."""

CPU = Machine(gpus=0, cpus=2, cpu_gflops=25.0, cpu_price=0.05)

GPU = Machine(
    gpus=2, cpus=8, gpu_type="t4", tflops=20.0, gpu_price=0.35, cpu_price=0.05, cpu_gflops=25
)

TIMING = Timing(
    run="cats-0123456789",
    model="resnet18",
    image_size=(224, 224),
    precision="fp32",
    gpus=0,
    gpu_type=None,
    cpus=2,
    images=100,
    epochs=10,
    epoch_seconds=20.0,
    other_seconds=30.0,
)


def test_time_is_three_forward_passes_a_training_image_where_no_run_tells() -> None:
    passes = 10 * (3 * 1000 + 200) + 100
    seen = 10 * 1200 + 100
    expected = passes * 2e9 / (2 * 25e9) + seen * EACH_S / 2 + STARTING_S
    guess = estimate_run(LOAD, CPU)
    assert guess.seconds == pytest.approx(expected)
    assert guess.basis == (
        "arithmetic: both computing 21 min (1 GMACs an image, 2 x 25 GFLOP/s) and loading 48 s "
        "(8 ms an image on 2 cores, files of 100 KB assumed), then 3 starts of 8 s "
        "and 4 of 0.5 s"
    )


def test_an_image_takes_its_cores_as_long_as_its_file_is_large() -> None:
    small, large = (
        estimate_run(replace(LOAD, gmacs=0.0, start_s=0.0, image_bytes=size), CPU)
        for size in (1_000.0, 2_000_000.0)
    )
    assert small.seconds is not None and large.seconds is not None
    seen = 10 * 1200 + 100
    assert large.seconds - small.seconds == pytest.approx(seen * 1_999_000 * 45e-9 / 2)
    assert "assumed" not in large.basis and "94 ms an image on 2 cores" in large.basis
    # A crop of a quarter of the area is a quarter of the work on it.
    tiny = replace(LOAD, gmacs=0.0, start_s=0.0, image_bytes=0.0, image_size=(112, 112))
    assert estimate_run(tiny, CPU).seconds == pytest.approx(
        seen * (0.0005 + 0.003 / 4) / 2 + STEPS * STEP_S
    )


def test_the_start_of_three_processes_is_the_frameworks_own() -> None:
    slow, quick = estimate_run(LOAD, CPU), estimate_run(replace(LOAD, start_s=0.5), CPU)
    assert slow.seconds is not None and quick.seconds is not None
    assert slow.seconds - quick.seconds == pytest.approx(3 * (START_S - 0.5))
    assert quick.basis.endswith("then 3 starts of 0.5 s and 4 of 0.5 s")


def test_arithmetic_is_told_with_a_wide_range_and_a_measured_run_with_a_narrow_one() -> None:
    guess = estimate_run(LOAD, CPU)
    assert guess.seconds is not None
    work, ends = guess.seconds - STARTING_S, (guess.seconds_low, guess.seconds_high)
    for end, of_work, of_starts in zip(ends, ARITHMETIC_RANGE, START_RANGE, strict=True):
        assert end == pytest.approx(of_work * work + of_starts * STARTING_S)
    measured = estimate_run(LOAD, CPU, [TIMING])
    assert measured.seconds is not None
    low, high = MEASURED_RANGE
    assert measured.seconds_low == pytest.approx(low * measured.seconds)
    assert measured.seconds_high == pytest.approx(high * measured.seconds)
    unknown = estimate_run(replace(LOAD, train_images=None), CPU)
    assert (unknown.seconds_low, unknown.seconds_high) == (None, None)


def test_runs_that_differ_much_make_the_range_as_wide_as_they_are() -> None:
    runs = [replace(TIMING, epoch_seconds=pace, other_seconds=0.0) for pace in (10.0, 20.0, 60.0)]
    guess = estimate_run(LOAD, CPU, runs)
    assert guess.seconds_low == pytest.approx(0.75 * 10.0 / 1000 * 1200 * 10)
    assert guess.seconds_high == pytest.approx(1.5 * 60.0 / 1000 * 1200 * 10)


def test_the_report_is_waited_for_too_and_is_as_long_as_those_before() -> None:
    first = estimate_run(LOAD, CPU)
    assert first.seconds is not None and first.whole_range is not None
    assert first.whole_seconds == pytest.approx(first.seconds + REPORT_S)
    quick, slow = START_RANGE
    assert first.whole_range[0] == pytest.approx((first.seconds_low or 0) + quick * REPORT_S)
    assert first.whole_range[1] == pytest.approx((first.seconds_high or 0) + slow * REPORT_S)
    runs = [replace(TIMING, report_seconds=taken) for taken in (12.0, 14.0, 20.0)]
    guess = estimate_run(LOAD, CPU, runs)
    told = (guess.report_seconds, guess.report_seconds_low, guess.report_seconds_high)
    assert told == (14.0, 0.75 * 12.0, 1.5 * 20.0)


def test_a_run_that_nobody_measured_the_report_of_leaves_it_to_arithmetic() -> None:
    assert estimate_run(LOAD, CPU, [TIMING]).report_seconds == REPORT_S
    assert estimate_run(replace(LOAD, train_images=None), CPU).whole_seconds is None


def test_a_gpu_waits_for_the_slower_of_loading_and_computing() -> None:
    seen = 10 * 1200 + 100
    assert estimate_run(LOAD, GPU).seconds == pytest.approx(seen * EACH_S / 2 + STARTING_S)
    slow = replace(GPU, tflops=0.1)
    assert estimate_run(LOAD, slow).seconds == pytest.approx(
        (10 * 3200 + 100) * 2e9 / 0.2e12 + STARTING_S
    )


def test_without_workers_a_gpu_waits_for_each_image() -> None:
    computing, seen = (10 * 3200 + 100) * 2e9 / 40e12, 10 * 1200 + 100
    guess = estimate_run(replace(LOAD, workers=0), GPU)
    assert guess.seconds == pytest.approx(computing + seen * EACH_S + STARTING_S)
    assert "both computing" in guess.basis and "on 1 core," in guess.basis


def test_time_comes_from_runs_of_the_same_model_size_and_machine() -> None:
    guess = estimate_run(LOAD, CPU, [TIMING])
    assert guess.seconds == pytest.approx(20.0 / 1000 * 1200 * 10 + 30.0)
    assert guess.basis == "20 ms per image and epoch, as measured in cats-0123456789"


@pytest.mark.parametrize(
    "other",
    [
        {"model": "resnet34"},
        {"image_size": (32, 32)},
        {"precision": "bf16"},
        {"gpus": 1},
        {"gpu_type": "t4"},
        {"cpus": 4},
        {"images": 0},
        {"epochs": 0},
        {"epoch_seconds": 0.0},
    ],
)
def test_other_runs_tell_nothing(other: dict[str, object]) -> None:
    assert "arithmetic" in estimate_run(LOAD, CPU, [replace(TIMING, **other)]).basis  # type: ignore[arg-type]


def test_of_many_runs_the_last_three_count_by_their_median() -> None:
    paces = [999.0, 10.0, 20.0, 60.0]
    runs = [replace(TIMING, epoch_seconds=pace, other_seconds=0.0) for pace in paces]
    assert estimate_run(LOAD, CPU, runs).seconds == pytest.approx(20.0 / 1000 * 1200 * 10)


def test_without_counts_there_is_no_time_and_the_basis_says_what_to_do() -> None:
    guess = estimate_run(replace(LOAD, train_images=None), CPU)
    assert (guess.seconds, guess.cost) == (None, None)
    assert "vtspec datasets inspect" in guess.basis


def test_without_the_models_operations_its_parameters_stand_in() -> None:
    guess = estimate_run(replace(LOAD, gmacs=None), CPU)
    assert guess.seconds is not None and "guessed from its parameters" in guess.basis
    nothing = estimate_run(replace(LOAD, gmacs=None, parameters=None), CPU)
    assert nothing.seconds is None and nothing.basis.startswith("no time")


def test_a_gpu_of_unknown_speed_has_no_time() -> None:
    guess = estimate_run(LOAD, replace(GPU, tflops=None))
    assert guess.seconds is None and "tflops in vtspec.yaml" in guess.basis


def test_cost_is_the_machines_price_for_the_time() -> None:
    guess = estimate_run(LOAD, GPU)
    assert guess.seconds is not None
    assert guess.report_seconds
    # The report is made on one core, and on no GPU.
    spent = (2 * 0.35 + 8 * 0.05) * guess.seconds + 0.05 * guess.report_seconds
    assert guess.cost == pytest.approx(spent / 3600)
    assert guess.currency == "USD"


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (replace(GPU, gpu_price=None), "no pricePerHour for the GPU"),
        (replace(GPU, cpu_price=None), "no prices.cpuPerHour"),
        (replace(CPU, cpu_price=None), "no prices.cpuPerHour"),
    ],
)
def test_a_missing_price_is_said_and_never_taken_for_zero(machine: Machine, words: str) -> None:
    guess = estimate_run(LOAD, machine)
    assert guess.cost is None and words in guess.basis


def test_gpu_memory_is_state_activations_and_context() -> None:
    state = 11_000_000 * 16
    kept = 16 * 5_000_000 * 4
    assert estimate_gpu_memory(LOAD, GPU) == 600 * 2**20 + state + kept
    half = estimate_gpu_memory(replace(LOAD, precision="bf16"), GPU)
    assert half == 600 * 2**20 + state + kept // 2
    assert estimate_run(LOAD, CPU).gpu_memory_bytes is None
    assert estimate_run(replace(LOAD, parameters=None), GPU).gpu_memory_bytes is None


def test_without_a_gpu_main_memory_holds_the_state() -> None:
    with_gpu, without = estimate_run(LOAD, GPU).memory_bytes, estimate_run(LOAD, CPU).memory_bytes
    assert with_gpu == 2 * 1200 * 2**20 + 2 * 300 * 2**20
    assert without == 1200 * 2**20 + 600 * 2**20 + 11_000_000 * 16 + 32 * 5_000_000 * 4


def test_activations_are_guessed_where_the_catalog_does_not_count_them() -> None:
    guessed = estimate_gpu_memory(replace(LOAD, kept_millions=None), GPU)
    nothing = estimate_gpu_memory(replace(LOAD, kept_millions=0.0), GPU)
    assert guessed is not None and nothing is not None and guessed > nothing


def test_the_state_of_every_optimizer_is_known() -> None:
    from typing import get_args

    assert set(STATE_BYTES) == set(get_args(Training.model_fields["optimizer"].annotation))
    assert count_state_bytes(10, "sgd", ema=False) == 120
    assert count_state_bytes(10, "adamw", ema=True) == 200


def test_images_are_those_of_the_classes_in_use_where_they_were_counted() -> None:
    statistics = {
        "images": 30,
        "splits": {
            "train": {"images": 20, "perClass": {"a": 15, "b": 5}},
            "val": {"images": 10, "perClass": {}},
        },
    }
    one, several = "image-classification", "multilabel-classification"
    assert count_images(statistics, one, ["a", "b"], ["a", "b"]) == {"train": 20, "val": 10}
    assert count_images(statistics, one, ["b"], ["a", "b"]) == {"train": 5, "val": 10}
    # An image that shows none of them says what they do not look like.
    assert count_images(statistics, several, ["b"], ["a", "b"]) == {"train": 20, "val": 10}
    assert count_images(None, one, ["a"], ["a"]) == {}
    # Where objects are counted, or masks, an image is counted in several classes.
    masks = {"splits": {"train": {"images": 20, "perClass": {"a": 18, "b": 15, "c": 1}}}}
    found = count_images(masks, "semantic-segmentation", ["a", "b"], ["a", "b", "c"])
    assert found == {"train": 20}


@unhurried
@given(
    st.builds(
        Workload,
        model=st.just("resnet18"),
        parameters=st.one_of(st.none(), st.integers(0, 10**12)),
        gmacs=st.one_of(st.none(), st.floats(0, 1e6)),
        kept_millions=st.one_of(st.none(), st.floats(0, 1e6)),
        image_size=st.just((224, 224)),
        train_images=st.one_of(st.none(), st.integers(0, 10**9)),
        val_images=st.one_of(st.none(), st.integers(0, 10**9)),
        test_images=st.integers(0, 10**9),
        epochs=st.integers(1, 10000),
        batch_size=st.integers(1, 65536),
        workers=st.integers(0, 256),
        precision=st.sampled_from(["fp32", "bf16"]),
        optimizer=st.sampled_from(sorted(STATE_BYTES)),
        ema=st.booleans(),
    ),
    st.builds(
        Machine,
        gpus=st.integers(0, 1024),
        cpus=st.integers(1, 1024),
        tflops=st.one_of(st.none(), st.floats(1e-3, 1e6)),
        gpu_price=st.one_of(st.none(), st.floats(0, 1e6)),
        cpu_gflops=st.floats(1e-3, 1e6),
        cpu_price=st.one_of(st.none(), st.floats(0, 1e6)),
    ),
    st.sampled_from([(), (TIMING,)]),
)
def test_every_figure_is_finite_and_not_negative(
    load: Workload, machine: Machine, timings: tuple[Timing, ...]
) -> None:
    guess = estimate_run(load, machine, timings)
    figures = (guess.seconds, guess.memory_bytes, guess.gpu_memory_bytes, guess.cost)
    if guess.seconds is not None:
        assert guess.seconds_low is not None and guess.seconds_high is not None
        assert 0 <= guess.seconds_low <= guess.seconds <= guess.seconds_high
    assert all(one is None or (math.isfinite(one) and one >= 0) for one in figures)
    assert guess.basis
    longer = estimate_run(replace(load, epochs=load.epochs + 1), machine, timings)
    assert guess.seconds is None or (longer.seconds or 0) >= guess.seconds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (89 * 60, "89 min"),
        (90 * 60, "1 h 30 min"),
        (7200, "2 h"),
        (50 * 3600, "2 d 2 h"),
        (48 * 3600, "2 d"),
    ],
)
def test_seconds_read_well(seconds: float, words: str) -> None:
    assert format_duration(seconds, "rough") == words


def test_a_range_whose_ends_read_alike_is_one() -> None:
    assert format_range(25.0, 118.0) == "25 s to 2 min"
    assert format_range(25.0, 25.0) == "25 s"


def test_a_range_is_rounded_outwards() -> None:
    assert format_range(2.9, 4.6) == "2 s to 5 s"
    assert format_range(89.5, 90.1) == "89 s to 2 min"
    assert format_range(179.0, 3601.0) == "2 min to 61 min"


def test_bytes_money_and_counts_read_well() -> None:
    assert [format_size(count, "rough") for count in (5, 2**20, 1.5 * 2**30, 200 * 2**30)] == [
        "5 B",
        "1 MiB",
        "1.5 GiB",
        "200 GiB",
    ]
    assert [format_cost(amount, "EUR") for amount in (0, 0.001, 0.5, 1234.5)] == [
        "0.00 EUR",
        "< 0.01 EUR",
        "0.50 EUR",
        "1,234.50 EUR",
    ]
    assert [format_count(count) for count in (950, 4_930, 11_181_642, 1_100_000_000)] == [
        "950",
        "4.93 k",
        "11.2 M",
        "1.1 B",
    ]


def test_of_a_model_that_nobody_measured_nothing_is_estimated() -> None:
    text = replace(LOAD, gmacs=None, kept_millions=None, image_size=None)
    found = estimate_run(text, CPU)
    assert (found.seconds, found.memory_bytes, found.cost) == (None, None, None)
    assert found.basis == "no time: nobody counted the operations of the model"
    assert estimate_gpu_memory(text, GPU) is None
    assert estimate_gpu_memory(replace(LOAD, parameters=None), GPU) is None
