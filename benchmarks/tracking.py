"""What MLflow costs the training when it is there, absent, silent, or killed in mid-run.

Trains the same plan once a condition (a small ResNet on the digits, CPU) and prints for each:

- own/step: seconds in our own code over seconds of training, as the adapter itself measures them.
  The bar is 1 %. The tracker is another process, so a condition can only show here if training
  waited for it somewhere.
- wall: length of the train step against the run without tracking, for information: two cores
  are shared by training and tracker.
- left: events that had not arrived when the run ended, and after `vtspec sync` to a server that
  answers. The bar is 0 lost.

Run: python benchmarks/tracking.py [--epochs N]
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from mlflow_server import MlflowServer  # noqa: E402 (a script: the path is set above)

SPEC = "digits-resnet10t"


@dataclass(frozen=True)
class Row:
    """One condition's figures; seconds, and events left unsent at the end and after a sync."""

    name: str
    own_s: float
    step_s: float
    train_s: float
    left: int
    left_after_sync: int


def vtspec(*words: str, uri: str | None = None) -> None:
    """Run the command line with MLflow at `uri`; output to stderr."""
    env = {**os.environ, **({"MLFLOW_TRACKING_URI": uri} if uri else {})}
    command = [str(Path(sys.executable).parent / "vtspec"), *words]
    subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=sys.stderr)


def events_of(run_dir: Path) -> list[dict[str, object]]:
    """The run's events as plain data."""
    return [json.loads(line) for line in (run_dir / "events.jsonl").read_text().splitlines()]


def carry_out(name: str, runs: Path, epochs: int, uri: str | None) -> Path:
    """Train once into a runs folder of its own; its run folder."""
    folder = runs / name
    tracking = [] if uri else ["--no-tracking"]
    change = f"training.epochs={epochs}"
    vtspec("run", SPEC, "--runs", str(folder), "--set", change, *tracking, uri=uri)
    return next(path.parent for path in folder.glob("*/events.jsonl"))


def row_of(name: str, run_dir: Path, sync_to: str | None) -> Row:
    """Read the figures, then send the rest to a server that answers."""
    events = events_of(run_dir)
    finished = next(e for e in events if e["kind"] == "train.finished")
    times = {
        str(e["kind"]): datetime.fromisoformat(str(e["time"]))
        for e in events
        if e["step"] == "train" and str(e["kind"]).startswith("step.")
    }
    left = unsent(run_dir, events) if sync_to else 0
    if sync_to:
        vtspec("sync", run_dir.name, "--runs", str(run_dir.parent), "--uri", sync_to)
    return Row(
        name=name,
        own_s=float(str(finished["own_seconds"])),
        step_s=float(str(finished["step_seconds"])),
        train_s=(times["step.finished"] - times["step.started"]).total_seconds(),
        left=left,
        left_after_sync=unsent(run_dir, events) if sync_to else 0,
    )


def unsent(run_dir: Path, events: list[dict[str, object]]) -> int:
    """Events past the place that has arrived in MLflow."""
    try:
        shipped = json.loads((run_dir / "tracking.json").read_text())["shipped"]
    except FileNotFoundError:
        shipped = -1
    return sum(1 for event in events if int(str(event["seq"])) > shipped)


def kill_when(runs: Path, kind: str, kill: Callable[[], None], stop: threading.Event) -> None:
    """Call `kill` once the run under `runs` has told of an event of `kind`."""
    while not stop.wait(0.2):
        if any(f'"kind":"{kind}"' in p.read_text() for p in runs.glob("*/events.jsonl")):
            kill()
            return


def measure(folder: Path, epochs: int) -> list[Row]:
    """All conditions, one after the other."""
    runs = folder / "runs"
    server = MlflowServer(folder)
    server.start()
    rows = [row_of("none", carry_out("none", runs, epochs, None), None)]
    rows.append(row_of("server", carry_out("server", runs, epochs, server.uri), server.uri))
    rows.append(
        row_of("refused", carry_out("refused", runs, epochs, "http://127.0.0.1:9"), server.uri)
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        rows.append(row_of("silent", carry_out("silent", runs, epochs, uri), server.uri))
    stop = threading.Event()
    words = (runs / "killed", "train.epoch", server.kill, stop)
    killer = threading.Thread(target=kill_when, args=words)
    killer.start()
    try:
        run_dir = carry_out("killed", runs, epochs, server.uri)
    finally:
        stop.set()
        killer.join()
    server.start()
    rows.append(row_of("killed", run_dir, server.uri))
    server.kill()
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), parser.parse_args().epochs)
    base = rows[0].train_s
    print(
        f"{'MLflow':8} {'own/step':>9} {'train s':>8} {'wall':>6} {'left':>5} {'after sync':>10}"
    )
    for row in rows:
        print(
            f"{row.name:8} {row.own_s / row.step_s:9.3%} {row.train_s:8.1f}"
            f" {row.train_s / base:5.2f}x {row.left:5} {row.left_after_sync:10}"
        )
    worst = max(row.own_s / row.step_s for row in rows)
    print(f"own code at worst {worst:.3%} of step time (bar 1 %);", end=" ")
    print(f"{sum(row.left_after_sync for row in rows)} events lost (bar 0)")


if __name__ == "__main__":
    main()
