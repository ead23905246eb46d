"""A Prometheus reads what a run told last, and nothing that is not known."""

import re
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mlflow_server import free_port
from run_folders import EVALUATED, STARTED, SUCCEEDED, Told, an_epoch, events_of
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.listen_address import ListenAddress, parse_listen_address
from vtspec.pipelines.runs.state import RunState, apply_event
from vtspec.pipelines.tracking.run_figures import RunFigures, serve_run_figures

RUN = "cats-0123456789"


def tell(figures: RunFigures, *told: Told, run: str = RUN) -> None:
    """Have a run tell this from its beginning."""
    state = RunState()
    for event in events_of([STARTED, *told], run=run):
        state = apply_event(state, event)
        figures.note(event, state)


def read(figures: RunFigures) -> dict[tuple[str, ...], float]:
    """Every figure that is told, by its name and the values of its labels."""
    return {
        (one.name, *one.labels.values()): one.value
        for family in figures.collect()
        for one in family.samples
    }


def test_what_a_run_told_last_is_shown() -> None:
    now = [100.0]
    figures = RunFigures(lambda: 5_000_000, lambda: now[0])
    assert read(figures) == {}
    saved: Told = ("train.checkpoint", {"path": "x", "epoch": 2, "step_in_epoch": 0, "best": True})
    seen: Told = (
        "train.progress",
        {
            "epoch": 3,
            "step_in_epoch": 1,
            "steps_per_epoch": 2,
            "loss": 0.25,
            "images_per_s": 64.0,
            "data_wait": 0.25,
            "gpu_memory_bytes": 2_000_000,
        },
    )
    tell(figures, an_epoch(1), an_epoch(2), saved, seen)
    now[0] += 30.0
    told = read(figures)
    assert told["vtspec_train_epoch", RUN] == 2.5
    assert told["vtspec_train_epochs", RUN] == 3.0
    assert told["vtspec_train_loss", RUN] == 0.25
    assert told["vtspec_train_images_per_second", RUN] == 64.0
    assert told["vtspec_train_data_wait_ratio", RUN] == 0.25
    assert told["vtspec_gpu_memory_bytes", RUN] == 2_000_000
    assert told["vtspec_epoch_train_loss", RUN] == 0.5
    assert told["vtspec_epoch_val_loss", RUN] == 0.55
    assert told["vtspec_epoch_learning_rate", RUN] == 0.001
    assert told["vtspec_epoch_seconds", RUN] == 1.5
    assert told["vtspec_val_metric", RUN, "accuracy"] == 0.75
    assert told["vtspec_best_epoch", RUN] == 2.0
    assert told["vtspec_checkpoint_age_seconds", RUN] == 30.0
    assert told["vtspec_host_memory_bytes", RUN] == 5_000_000
    assert ("vtspec_final_metric", RUN, "accuracy") not in told


def test_what_is_not_known_is_not_told() -> None:
    figures = RunFigures(lambda: None)
    tell(figures)
    assert {name for name, *_ in read(figures)} == {
        "vtspec_run_seconds",
        "vtspec_train_epoch",
    }


def test_at_its_end_the_final_metrics_are_shown_and_nothing_ages() -> None:
    figures = RunFigures(lambda: None)
    saved: Told = ("train.checkpoint", {"path": "x", "epoch": 1, "step_in_epoch": 0, "best": True})
    tell(figures, an_epoch(1), saved, EVALUATED, SUCCEEDED)
    told = read(figures)
    assert [key for key in told if key[0] == "vtspec_final_metric"]
    assert not [key for key in told if key[0] == "vtspec_checkpoint_age_seconds"]
    # Another run, as of another seed, takes its place.
    tell(figures, run="cats-9876543210")
    assert {run for _, run, *_ in read(figures)} == {"cats-9876543210"}


def test_it_is_served_as_a_prometheus_reads_it() -> None:
    address = ListenAddress(host="127.0.0.1", port=free_port(), option="--metrics")
    url = f"http://127.0.0.1:{address.port}/metrics"
    with serve_run_figures(address) as figures:
        tell(figures, an_epoch(1))
        with urllib.request.urlopen(url, timeout=10) as answer:
            text = answer.read().decode()
        with pytest.raises(Refused, match="cannot be listened at"), serve_run_figures(address):
            pass
    families = {one.name: one for one in text_string_to_metric_families(text)}
    (memory,) = families["vtspec_host_memory_bytes"].samples
    assert memory.value > 1_000_000
    assert all(re.fullmatch(r"vtspec_[a-z_]+", name) for name in families)
    with pytest.raises(OSError):
        urllib.request.urlopen(url, timeout=10)


@pytest.mark.parametrize("word", ["9464", "127.0.0.1:", "127.0.0.1:x", ":9464", "h:70000", "h:0"])
def test_what_is_no_address_is_refused(word: str) -> None:
    with pytest.raises(Refused, match="is no address") as refused:
        parse_listen_address(word, "--metrics", "127.0.0.1:9464")
    assert refused.value.fix == "--metrics 127.0.0.1:9464"
    assert parse_listen_address("[::1]:80", "--listen", "x").host == "::1"
