"""`python -m vtspec.adapters`: each step as a process, its lines, its files, its exit code."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from toy_runs import ADAPTERS, Ran, a_plan, command_line, run_step, write_pictures
from vtspec.adapters.__main__ import main
from vtspec.pipelines.reporting.resampling import compute_metrics
from vtspec.pipelines.reporting.sample_records import parse_sample_records
from vtspec.pipelines.runs.events import KINDS


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    workdir = tmp_path_factory.mktemp("trained")
    assert run_step("train", workdir, data, a_plan()).code == 0
    return workdir


def step_here(
    command: str, workdir: Path, data: Path, plan: Mapping[str, Any] | str, *more: str
) -> Ran:
    """Run one step in this process."""
    workdir.mkdir(parents=True, exist_ok=True)
    (workdir / "plan.json").write_text(plan if isinstance(plan, str) else json.dumps(plan))
    told = workdir / "told.jsonl"
    with told.open("wb") as events:
        _, _, _, *arguments = command_line(command, workdir, data, events.fileno(), *more)
        code = main(arguments)
    return Ran(code, [json.loads(line) for line in told.read_text().splitlines()], "", "")


def test_train_tells_what_happens_and_leaves_checkpoints(tmp_path: Path, data: Path) -> None:
    ran = run_step("train", tmp_path, data, a_plan())

    assert (ran.code, ran.stderr) == (0, "")
    assert ran.events[0]["config"]["images"] == {"train": 36, "val": 36, "test": 36}
    assert [event["epoch"] for event in ran.of("train.epoch")] == [1, 2, 3]
    assert len(ran.of("train.checkpoint")) == 3
    assert ran.events[-1]["kind"] == "train.finished"
    assert ran.events[-1]["metrics"]["accuracy"] > 0.9
    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["[METRICS]"] * 4
    for event in ran.events:
        assert set(event) == {"kind", *KINDS[event["kind"]]}


def test_evaluate_measures_the_final_split_with_the_best_checkpoint(
    trained: Path, data: Path
) -> None:
    ran = step_here("evaluate", trained, data, a_plan())

    assert ran.code == 0
    (evaluated,) = ran.events
    assert set(evaluated) == {"kind", *KINDS["evaluated"]}
    assert (evaluated["split"], evaluated["details_path"]) == ("test", "evaluation.json")
    best = json.loads((trained / "checkpoints" / "best.json").read_text())
    assert best["checkpoint"] == f"epoch-{evaluated['checkpoint_epoch']:04d}"
    details = json.loads((trained / "evaluation.json").read_text())
    assert (details["task"], details["split"]) == ("image-classification", "test")
    assert sum(map(sum, details["confusion"])) == details["images"] == 36
    # What was kept of each image makes every figure that was told.
    records = parse_sample_records(details)
    assert records is not None
    assert compute_metrics(records) == pytest.approx(evaluated["metrics"], abs=1e-5)


def test_export_writes_the_model_whole_and_replaces_an_earlier_one(
    trained: Path, data: Path
) -> None:
    first, again = (step_here("export", trained, data, a_plan()) for _ in range(2))
    assert (first.code, again.code) == (0, 0)
    assert again.events == [
        {
            "kind": "exported",
            "format": "safetensors",
            "path": "model/model.safetensors",
            "max_difference": None,
        }
    ]
    assert (trained / "model" / "model.safetensors").is_file()
    assert [path.name for path in trained.iterdir() if path.name.startswith(".")] == []


def test_an_export_that_is_refused_leaves_the_earlier_one(trained: Path, data: Path) -> None:
    step_here("export", trained, data, a_plan())
    (trained / ".tmp-model-99").mkdir()
    ran = step_here("export", trained, data, a_plan(export={"formats": ["safetensors", "onnx"]}))

    assert ran.code == 2
    assert ran.events == [
        {
            "kind": "failed",
            "message": "export.formats: the toy adapter cannot write onnx",
            "fix": "set export.formats: [safetensors]",
            "traceback": None,
        }
    ]
    assert [path.name for path in (trained / "model").iterdir()] == ["model.safetensors"]
    assert [path.name for path in trained.iterdir() if path.name.startswith(".")] == []


def test_predict_tells_of_each_image_in_order(trained: Path, data: Path, tmp_path: Path) -> None:
    images = [data / "test" / name / "000.png" for name in ("stripe", "circle", "cross")]
    listed = tmp_path / "images.txt"
    listed.write_text(f"{images[1]}\n\n{images[2]}\n")
    ran = step_here(
        *("predict", trained, data, a_plan()),
        *("--images", str(images[0]), "--images-from", str(listed)),
    )

    assert ran.code == 0
    results = [event["result"] for event in ran.of("prediction")]
    assert [result["image_path"] for result in results] == list(map(str, images))
    assert [result["predicted_label"] for result in results] == ["stripe", "circle", "cross"]
    for result in results:
        assert result["task_type"] == "image-classification"
        assert abs(sum(result["scores"].values()) - 1) < 1e-6
        assert "predicted_boxes" not in result


def test_predict_and_export_need_no_data(trained: Path, tmp_path: Path) -> None:
    for command in ("export", "predict"):
        assert step_here(command, trained, tmp_path / "absent", a_plan()).code == 0


def test_a_list_of_images_that_cannot_be_read_is_refused(trained: Path, data: Path) -> None:
    ran = step_here("predict", trained, data, a_plan(), "--images-from", str(data / "no.txt"))
    assert ran.code == 2
    assert ran.events[0]["fix"] == "give a text file with one path a line"


def test_a_smoke_run_takes_one_batch_through_every_step(tmp_path: Path, data: Path) -> None:
    for command in ("train", "evaluate", "export", "predict"):
        assert step_here(command, tmp_path, data, a_plan(), "--smoke").code == 0
    assert json.loads((tmp_path / "evaluation.json").read_text())["images"] == 8


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_a_checkpoint_and_75_and_resume_goes_on(
    number: signal.Signals, tmp_path: Path, data: Path
) -> None:
    code, _ = _signalled("train", tmp_path, data, number, "train.epoch")
    assert code == 75

    ran = run_step("train", tmp_path, data, a_plan(training={"epochs": 9_999}), "--smoke")
    assert ran.code == 2
    assert "go on with --resume" in ran.of("failed")[0]["fix"]
    ran = run_step("train", tmp_path, data, a_plan(training={"epochs": 1}), "--resume")
    assert ran.code == 0
    assert ran.of("train.started")[0]["config"]["fromEpoch"] >= 1


def _signalled(
    command: str, workdir: Path, data: Path, number: int, awaited: str, *more: str
) -> tuple[int, list[dict[str, Any]]]:
    """Start a long step, send a signal once it told of `awaited`; its exit code and lines."""
    workdir.mkdir(parents=True, exist_ok=True)
    plan = a_plan(training={"epochs": 10_000})
    (workdir / "plan.json").write_text(json.dumps(plan))
    reader, writer = os.pipe()
    process = subprocess.Popen(
        command_line(command, workdir, data, writer, *more),
        env={**os.environ, "PYTHONPATH": str(ADAPTERS)},
        pass_fds=[writer],
        stdout=subprocess.DEVNULL,
    )
    os.close(writer)
    events = []
    with os.fdopen(reader) as lines:
        for line in lines:
            events.append(json.loads(line))
            if events[-1]["kind"] == awaited:
                process.send_signal(number)
    return process.wait(), events


def test_a_step_without_checkpoints_to_write_leaves_at_once(trained: Path, data: Path) -> None:
    images = trained / "many.txt"
    images.write_text(f"{data / 'test' / 'cross' / '000.png'}\n" * 100_000)
    code, events = _signalled(
        *("predict", trained, data, signal.SIGTERM, "prediction"),
        *("--images-from", str(images)),
    )
    assert code == 75
    assert len(events) < 100_000


@pytest.mark.parametrize("command", ["evaluate", "export"])
def test_a_signal_amid_another_step_raises_nothing_there(
    command: str, trained: Path, data: Path
) -> None:
    """Code that holds a lock would never give it back."""
    script = (
        "import os, signal, sys, time\n"
        "from vtspec.adapters import toy\n"
        "from vtspec.adapters.__main__ import main\n"
        "def busy(*_):\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        time.sleep(60)\n"
        "    except BaseException:\n"
        "        os._exit(9)\n"
        f"toy.Adapter.{command} = busy\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    with (trained / "told").open("w") as told:
        words = command_line(command, trained, data, told.fileno())
        at = words.index("vtspec.adapters")
        code = subprocess.call(
            [words[0], "-c", script, *words[at + 1 :]],
            env={**os.environ, "PYTHONPATH": str(ADAPTERS)},
            pass_fds=[told.fileno()],
            timeout=60,
        )
    assert code == 75


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path, data: Path) -> None:
    """As under nohup; and what was set before is set again after."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        terminate = signal.getsignal(signal.SIGTERM)
        assert step_here("train", tmp_path, data, a_plan()).code == 0
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) == terminate
    finally:
        signal.signal(signal.SIGHUP, before)


def failed(ran: Ran) -> tuple[int, str, str | None]:
    (event,) = ran.of("failed")
    return ran.code, event["message"], event["fix"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "Plan", "v": 2}'])
def test_what_is_no_plan_is_refused(text: str, tmp_path: Path, data: Path) -> None:
    code, message, fix = failed(step_here("train", tmp_path, data, text))
    assert code == 2
    assert "is not a plan" in message
    assert fix


@pytest.mark.parametrize(
    ("changes", "message", "fix"),
    [
        (
            {"framework": {"name": "toy", "adapter": "tooy", "adapterVersion": "1"}},
            "there is no adapter 'tooy'",
            "did you mean 'toy'?",
        ),
        (
            {"framework": {"name": "toy", "adapter": "toy", "adapterVersion": "0"}},
            "the plan is for version 0 of adapter 'toy', and this environment has 1",
            "plan again here, or use the environment that the plan was made for",
        ),
        (
            {"task": "object-detection"},
            "task: the adapter does not do object-detection",
            "take one of image-classification",
        ),
        (
            {"params": {"initSdt": 1.0}},
            "params.initSdt: there is no such parameter",
            "did you mean 'initStd'?",
        ),
        (
            {
                "model": {
                    "name": "softmax-regression",
                    "weights": {"type": "file", "path": "w", "sha256": "0"},
                }
            },
            "the plan starts from weights, and none were given",
            "pass --weights",
        ),
    ],
)
def test_a_plan_that_does_not_fit_is_refused_with_a_fix(
    changes: dict[str, Any], message: str, fix: str, tmp_path: Path, data: Path
) -> None:
    plan = {**a_plan(), **changes}
    assert failed(step_here("train", tmp_path, data, plan)) == (2, message, fix)


@pytest.mark.parametrize("command", ["evaluate", "export", "predict"])
def test_nothing_trained_means_nothing_to_use(command: str, tmp_path: Path, data: Path) -> None:
    ran = step_here(command, tmp_path, data, a_plan())
    told = f"nothing was trained in {tmp_path} yet"
    assert failed(ran) == (2, told, "see how it went: vtspec status shapes-0123456789")


def test_a_damaged_best_checkpoint_is_not_used(tmp_path: Path, data: Path) -> None:
    step_here("train", tmp_path, data, a_plan())
    best = json.loads((tmp_path / "checkpoints" / "best.json").read_text())["checkpoint"]
    os.truncate(tmp_path / "checkpoints" / best / "model.safetensors", 9)

    code, message, fix = failed(step_here("evaluate", tmp_path, data, a_plan()))
    assert (code, fix) == (2, "train again in a new run")
    assert "model.safetensors is not what was written" in message


def test_training_starts_from_the_weights_that_it_is_given(
    trained: Path, tmp_path: Path, data: Path
) -> None:
    step_here("export", trained, data, a_plan())
    origin = {"type": "file", "path": "w", "sha256": "0"}
    plan = a_plan(
        model={"name": "softmax-regression", "weights": origin}, training={"learningRate": 1e-9}
    )
    weights = trained / "model" / "model.safetensors"
    ran = step_here("train", tmp_path, data, plan, "--weights", str(weights))
    assert ran.of("train.epoch")[0]["metrics"]["accuracy"] > 0.9


_FULL_DISK = """
import errno, sys
from vtspec.adapters.training import checkpoints
from vtspec.adapters.__main__ import main

def step(event, arguments):
    if event == "os.rename" and "epoch-0002" in str(arguments):
        raise OSError(getattr(errno, sys.argv[1]), "the test says so")

sys.addaudithook(step)
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [("ENOSPC", 2, "the disk is full"), ("EILSEQ", 1, "OSError: ")],
)
def test_a_full_disk_is_said_so_and_any_other_error_is_a_bug_with_its_traceback(
    error: str, code: int, words: str, tmp_path: Path, data: Path
) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(a_plan()))
    with (tmp_path / "told.jsonl").open("wb") as events:
        _, _, _, *arguments = command_line("train", tmp_path, data, events.fileno())
        ended = subprocess.run(
            [sys.executable, "-c", _FULL_DISK, error, *arguments],
            env={**os.environ, "PYTHONPATH": str(ADAPTERS)},
            pass_fds=[events.fileno()],
            stdout=subprocess.DEVNULL,
            check=False,
        )
    told = json.loads((tmp_path / "told.jsonl").read_text().splitlines()[-1])
    assert (ended.returncode, told["kind"]) == (code, "failed")
    assert told["message"].startswith(words)
    assert (told["traceback"] is None) == (code == 2)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        *("best.json", "epoch-0001", "last.json"),
    ]


def test_a_descriptor_that_is_not_open_is_a_mistake_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        main(command_line("train", tmp_path, tmp_path, 999)[3:])
    assert raised.value.code == 2
    assert "'999' is no open file descriptor" in capsys.readouterr().err
