"""Runs to report on: plain data that a small digits run could have left, with changes."""

import copy
import json
import os
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vtspec.adapters.toy.plain_metrics import Prediction, compute_metrics
from vtspec.pipelines.reporting.facts import Facts, RunData, build_facts
from vtspec.pipelines.reporting.plots.charts import ThemedPlot
from vtspec.pipelines.reporting.render.html import render_html
from vtspec.pipelines.reporting.render.markdown import render_markdown
from vtspec.pipelines.reporting.sections import build_report_document
from vtspec.pipelines.runs.events import Event, encode_event, read_body

GOLDEN = Path(__file__).parents[1] / "golden" / "report"


def a_plan(name: str = "digits-resnet18", **changes: Any) -> dict[str, Any]:
    """A whole plan as `plan.json` holds it, with top-level changes."""
    classes = ["0", "1", "2"]
    plan: dict[str, Any] = {
        "v": 1,
        "kind": "Plan",
        "name": name,
        "id": f"{name}-0123456789",
        "digest": "sha256:" + "0" * 64,
        "specPath": f"specs/experiments/{name}.yaml",
        "description": "Whether eighteen layers beat ten.",
        "task": "image-classification",
        "framework": {
            "name": "timm",
            "adapter": "timm",
            "adapterVersion": "1",
            "requirementsHash": "sha256:" + "b" * 64,
            "imageDigest": None,
        },
        "model": {
            "name": "resnet18",
            "parameters": 11181642,
            "weights": {
                "type": "hub",
                "id": "timm/resnet18.a1_in1k",
                "revision": "c" * 40,
                "licence": "apache-2.0",
            },
        },
        "dataset": {
            "name": "digits",
            "format": "imagefolder",
            "hash": "md5:" + "a" * 32 + ".dir",
            "source": {"type": "dvc", "path": "data/digits", "repo": None},
            "classes": classes,
            "allClasses": classes,
            "splits": {"train": {"path": "train"}, "val": {"path": "val"}},
            "finalSplit": "test",
            "statistics": {"images": 300, "splits": {"train": {"images": 200}}},
        },
        "training": {"epochs": 3, "batchSize": 64, "imageSize": [32, 32], "ema": None},
        "params": {"dropRate": 0.1},
        "resources": {
            "gpus": 0,
            "gpuType": None,
            "cpus": 2,
            "memory": "4Gi",
            "maxDuration": "30m",
        },
        "export": {"formats": ["safetensors", "onnx"]},
        "tracking": {"experiment": "digits", "registerAs": None},
        "report": {"baseline": None, "gates": ["accuracy >= 0.95"]},
        "estimate": {"seconds": 100.0, "basis": "arithmetic: 0.04 GMACs an image"},
        "warnings": [],
    }
    return copy.deepcopy({**plan, **changes})


def an_evaluation(classes: Sequence[str] = ("0", "1", "2"), **changes: Any) -> dict[str, Any]:
    """What an adapter says of a test split where each class is called its neighbour once."""
    size = len(classes)
    confusion = [[0] * size for _ in classes]
    for i in range(size):
        confusion[i][i] = 40 - i % 5
        confusion[i][(i + 1) % size] += 1
    evaluation: dict[str, Any] = {
        "task": "image-classification",
        "split": "test",
        "images": sum(map(sum, confusion)),
        "classes": list(classes),
        "confusion": confusion,
        "perClass": [
            {
                "class": name,
                "precision": 0.98,
                "recall": 0.97,
                "f1": 0.975 - 0.01 * (n % 7),
                "support": 41 - n % 5,
            }
            for n, name in enumerate(classes)
        ],
        "prCurves": {
            name: {
                "recall": [0.0, 0.5, 1.0],
                "precision": [1.0, 1.0, 0.6],
                "averagePrecision": 0.99 - 0.01 * (n % 9),
            }
            for n, name in enumerate(classes)
        },
        "calibration": {
            "bins": [
                {"low": 0.0, "high": 0.5, "count": 0, "confidence": None, "accuracy": None},
                {"low": 0.5, "high": 1.0, "count": 120, "confidence": 0.9, "accuracy": 0.95},
            ],
            "ece": 0.05,
        },
        "errors": [
            {
                "image": f"test/{classes[0]}/0012.png",
                "true": classes[0],
                "predicted": classes[1 % size],
                "confidence": 0.91,
                "thumbnail": "plots/errors/00.png",
            }
        ],
    }
    return {**evaluation, **changes}


def some_samples(
    wrong: Iterable[int],
    confidence: float,
    loss: float,
    classes: Sequence[str] = ("0", "1", "2"),
    images: int = 120,
) -> dict[str, Any]:
    """Records of images, of which those at some places are called the next class."""
    size, misses, places = len(classes), set(wrong), range(images)
    return {
        "images": [f"test/{classes[n % size]}/{n:04d}.png" for n in places],
        "true": [n % size for n in places],
        "predicted": [(n + (n in misses)) % size for n in places],
        "confidence": [confidence for _ in places],
        "values": {"loss": [loss * (0.5 + n % 2) for n in places]},
    }


def measure_calls(samples: Mapping[str, Any], classes: Sequence[str]) -> dict[str, float]:
    """The metrics of records, by the definitions of the adapter in plain Python."""
    calls, confidences = [], samples["confidence"]
    for true, called, sure in zip(samples["true"], samples["predicted"], confidences, strict=True):
        rest = (1 - sure) / max(1, len(classes) - 1)
        scores = [sure if n == called else rest for n in range(len(classes))]
        calls.append(Prediction(scores, true))
    return compute_metrics(calls, samples["values"]["loss"])


# Two runs on 120 images: 4 wrong against 12, of which 2 are the same ones.
_SAMPLES = some_samples((0, 1, 3, 5), confidence=0.9167, loss=0.12)
_BASELINE_SAMPLES = some_samples((*range(0, 33, 3), 1), confidence=0.94, loss=0.3)

_NAMES = ("accuracy", "macro_f1", "ece", "loss")
FINAL = {name: measure_calls(_SAMPLES, "012")[name] for name in _NAMES}


def told(
    epochs: int = 3, final: Mapping[str, float] | None = None, ending: str | None = "succeeded"
) -> list[tuple[str, dict[str, Any]]]:
    """The kinds and fields of the events of a run; `final` empty where it did not get so far."""
    figures = FINAL if final is None else final
    events: list[tuple[str, dict[str, Any]]] = [
        (
            "run.started",
            {
                "plan_id": "digits-resnet18-0123456789",
                "backend": "process",
                "environment": "the current environment",
                "machine": {"processor": "AMD EPYC", "cpus": 2, "memoryBytes": 8 * 2**30},
                "versions": {"vtspec": "0.1.0", "torch": "2.15.0"},
                "git": {"commit": "c0ffee" * 6 + "c0ff", "dirty": False},
                "epochs": epochs,
                "monitor": "accuracy",
            },
        ),
        ("step.started", {"command": ["vtspec", "step", "train"], "step": "train"}),
    ]
    for epoch in range(1, epochs + 1):
        metrics = {"accuracy": 1 - 0.4 / epoch, "macro_f1": 1 - 0.5 / epoch}
        data = {"epoch": epoch, "epochs": epochs, "train_loss": 1.5 / epoch}
        rest = {"val_loss": 1.6 / epoch, "lr": 0.001 / epoch, "seconds": 8.0, "metrics": metrics}
        events.append(("train.epoch", {**data, **rest}))
    if epochs:
        events.append(("train.finished", {"best_epoch": epochs, "metrics": {}}))
        finished = {"step": "train", "ending": "succeeded", "exit_code": 0, "seconds": 104.0}
        events.append(("step.finished", finished))
    if figures:
        measured = {"split": "test", "metrics": dict(figures), "checkpoint_epoch": epochs}
        events.append(("evaluated", measured))
        onnx = {"format": "onnx", "path": "model/model.onnx", "max_difference": 1.9e-6}
        events.append(("exported", onnx))
    if ending:
        events.append(("run.finished", {"ending": ending, "exit_code": 0, "seconds": 120.0}))
    return events


ADAPTED = {
    "cause": "time-limit",
    "epoch": 1,
    "step_in_epoch": 0,
    "changes": {"training.epochs": [9, 3]},
    "message": "too long",
}
"""Training was shortened."""


def events_of(run: str, kinds: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Event]:
    """Events ten seconds apart; a field `step` goes into the envelope."""
    return [
        Event(
            run=run,
            attempt=1,
            seq=n,
            time=f"2026-01-01T{n // 360:02}:{n // 6 % 60:02}:{n % 6}0.000Z",
            step=data.get("step"),
            body=read_body(kind, data),
        )
        for n, (kind, data) in enumerate(kinds)
    ]


def a_run(
    plan: Mapping[str, Any] | None = None,
    evaluation: Mapping[str, Any] | None = None,
    events: Sequence[tuple[str, Mapping[str, Any]]] | None = None,
) -> RunData:
    """A run that succeeded, or whatever is told instead."""
    plan = a_plan() if plan is None else plan
    return RunData(
        name=plan["id"],
        plan=plan,
        events=events_of(plan["id"], told() if events is None else events),
        evaluation=an_evaluation(samples=_SAMPLES) if evaluation is None else evaluation,
    )


def a_baseline() -> RunData:
    """A run of ten layers, a little worse, and much worse in class 0."""
    plan = a_plan("digits-resnet10t", report={"baseline": None, "gates": []})
    plan["model"].update(name="resnet10t", parameters=4_900_000, weights=None)
    rows = [
        {"class": name, "precision": 0.9, "recall": 0.9, "f1": f1, "support": 40}
        for name, f1 in (("0", 0.9), ("1", 0.98), ("2", 0.955))
    ]
    measured = measure_calls(_BASELINE_SAMPLES, "012")
    final = {name: measured[name] for name in _NAMES}
    evaluation = an_evaluation(perClass=rows, samples=_BASELINE_SAMPLES)
    return a_run(plan, evaluation, told(epochs=4, final=final))


def some_facts(**parts: Any) -> Facts:
    """The facts of `a_run(**parts)` without a baseline."""
    return build_facts(a_run(**parts))


def write_markdown(facts: Facts, *, link: str | None = None) -> str:
    """The markdown report of these facts."""
    return render_markdown(build_report_document(facts), link=link)


def write_page(
    facts: Facts,
    plots: Mapping[str, ThemedPlot],
    thumbnails: Sequence[bytes | None],
    style: str = "",
) -> str:
    """The HTML report of these facts."""
    return render_html(build_report_document(facts), plots, thumbnails, style)


def write_run(run: RunData, runs: Path) -> Path:
    """The folder of a run, as a real one leaves it, its sample errors' pictures too."""
    folder = runs / run.name
    (folder / "plots" / "errors").mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps(run.plan), encoding="utf-8")
    lines = "".join(encode_event(event) + "\n" for event in run.events)
    (folder / "events.jsonl").write_text(lines, encoding="utf-8")
    if run.evaluation:
        (folder / "evaluation.json").write_text(json.dumps(run.evaluation), encoding="utf-8")
        (folder / "plots" / "errors" / "00.png").write_bytes(a_png(8, 8))
    return folder


def a_png(width: int = 1, height: int = 1) -> bytes:
    """A grey PNG of that many pixels."""
    rows = (b"\0" + b"\x80" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def expect_golden(name: str, actual: str, folder: Path = GOLDEN) -> None:
    """Compare with the file on record; write it under VTSPEC_REGENERATE=1."""
    path = folder / name
    if os.environ.get("VTSPEC_REGENERATE") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(actual, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == actual


def a_run_that_says(words: str) -> RunData:
    """A run in which every text that comes from a person, data or framework is `words`."""
    plan = a_plan(description=words, warnings=[words], task="image-classification")
    plan.update(name=words, specPath=words, digest=words)
    plan["model"].update(name=words, weights={"type": "file", "path": words, "licence": words})
    plan["framework"].update(name=words, adapter=words, adapterVersion=words)
    plan["dataset"].update(name=words, hash=words, source={"type": "dvc", "path": words})
    plan["training"]["optimizer"] = words
    plan["params"] = {words + "p": words}
    plan["report"] = {"baseline": words, "gates": ["accuracy >= 0.99"]}
    plan["estimate"]["basis"] = words
    classes = [words + "1", words + "2"]
    evaluation = an_evaluation(classes)
    evaluation["errors"][0].update(image=words, true=words, predicted=words)
    for row in evaluation["perClass"]:
        row[words + "f"] = 0.5
    events = told(final={**FINAL, words + "m": 0.5}, ending=None)
    started = events[0][1]
    started.update(
        backend=words,
        environment=words,
        machine={words + "k": words},
        versions={words + "v": [words, {words: words}]},
        git={"commit": words, "dirty": True},
    )
    for kind, data in events:
        if kind == "train.epoch":
            data["metrics"] = {**data["metrics"], words + "e": 0.5}
        if kind == "exported":
            data.update(format=words, path=words)
    events.append(("warning", {"message": words + "w"}))
    events.append(("step.finished", {"step": words, "ending": words, "seconds": 1.0}))
    end = {"ending": "failed", "exit_code": 3, "message": words, "fix": words}
    events.append(("run.finished", end))
    return a_run(plan, evaluation, events)


def a_baseline_that_says(words: str) -> RunData:
    """A baseline for `a_run_that_says(words)`, which differs in fields and values that say it."""
    run = a_run_that_says(words)
    plan: dict[str, Any] = copy.deepcopy(dict(run.plan))
    plan.update(id=words)
    plan["training"]["optimizer"] = words + "o"
    plan["params"] = {words + "p": words + "q"}
    return RunData(name=words, plan=plan, events=run.events, evaluation=run.evaluation)
