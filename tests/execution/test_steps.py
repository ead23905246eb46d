"""A step: what its adapter's process says, however badly, and what its end means."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_repository import a_repository, refuse_download, this_python
from run_folders import STARTED, a_run_folder
from toy_runs import a_plan, name_plan
from vtspec.pipelines.errors import Permanent, Refused, RunFailed, Temporary, refuse_import
from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.execution.steps import (
    STEPS,
    Outcome,
    RunContext,
    StepRequest,
    StopSignal,
    execute_single_step,
)
from vtspec.pipelines.execution.steps.adapter_launch import AdapterCommand
from vtspec.pipelines.execution.steps.adapter_messages import (
    InvalidEvent,
    OutputLimiter,
    format_line,
    parse_event,
)
from vtspec.pipelines.execution.steps.adapter_process import (
    AdapterProcess,
    TimeLimit,
    recover_events,
)
from vtspec.pipelines.execution.steps.exit_status import (
    AdapterExit,
    find_error_outcome,
    interpret_exit,
)
from vtspec.pipelines.execution.steps.file_tail import Tail
from vtspec.pipelines.execution.steps.initial_weights import find_start_weights
from vtspec.pipelines.execution.steps.output_log import OutputCopy, recover_output
from vtspec.pipelines.execution.steps.process_env import build_variables
from vtspec.pipelines.planning.plan_model import Plan, plan_from_json
from vtspec.pipelines.runs import EventLog, Run, RunLock, find_holder
from vtspec.pipelines.runs.events import Event, Printed, StepStarted, Told, Warned
from vtspec.pipelines.weights.model import (
    FileWeights,
    HubWeights,
    MlflowWeights,
    RunWeights,
    Weights,
)
from vtspec.schema.kinds.patterns import parse_duration

# What an adapter says.


def test_a_line_of_an_adapter_is_an_event_without_an_envelope() -> None:
    line = b'{"kind":"warning","message":"few images","seq":99,"run":"other","n":7}'
    assert parse_event(line) == Told(kind="warning", fields={"message": "few images"})


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"hello", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "not an object"),
        (b"{}", "not an adapter's to tell"),
        (b'{"kind":"run.finished","ending":"succeeded"}', "not an adapter's to tell"),
        (b'{"kind":["warning"]}', "not an adapter's to tell"),
    ],
)
def test_a_line_that_is_no_event_is_refused_with_a_reason(line: bytes, why: str) -> None:
    with pytest.raises(InvalidEvent, match=why):
        parse_event(line)


@given(st.binary(max_size=60))
def test_any_bytes_are_an_event_or_refused(line: bytes) -> None:
    try:
        parse_event(line)
    except InvalidEvent:
        pass


def test_a_printed_line_is_what_a_terminal_would_show_of_it() -> None:
    assert format_line(b"plain") == "plain"
    assert format_line(b" 10% |#   |\r 20% |##  |\r 30% |### |\r") == " 30% |### |"
    assert format_line(b"caf\xe9") == "caf\N{REPLACEMENT CHARACTER}"
    assert format_line(b"x" * 2005) == "x" * 2000 + "… 5 more characters in output.log"


def test_a_flood_is_cut_with_a_count_of_what_was_left_out() -> None:
    limit = OutputLimiter(burst=3, per_s=1)
    kept = [limit.take(b"line", 0.0) for _ in range(1003)]
    assert kept == [["line"]] * 3 + [[]] * 1000
    told, line = limit.take(b"later", 1.0)
    assert "1,000 lines left out" in told
    assert line == "later"
    assert limit.flush_omitted() == []
    limit.take(b"one too many", 1.0)
    assert "1 line left out" in limit.flush_omitted()[0]


@given(st.lists(st.floats(0, 100), max_size=80).map(sorted))
def test_every_line_is_either_kept_or_counted(times: list[float]) -> None:
    limit = OutputLimiter(burst=4, per_s=2)
    told = [text for at in times for text in limit.take(b"line", at)] + limit.flush_omitted()
    kept = told.count("line")
    left = sum(int(text.split()[1].replace(",", "")) for text in told if text != "line")
    assert kept + left == len(times)


# Reading what another process writes.


def test_lines_are_read_once_whole_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"skipped\none\ntw")
    tail = Tail(path, offset=8)
    assert tail.read_lines() == [b"one"]
    with path.open("ab") as file:
        file.write(b"o\nthree")
    assert tail.is_behind
    assert tail.read_lines() == [b"two"]
    assert tail.read_lines() == []
    assert tail.read_rest() == [b"three"]
    assert tail.read_rest() == []
    tail.close()


@given(
    st.lists(st.binary(max_size=60).map(lambda text: text.replace(b"\n", b"")), max_size=6),
    st.integers(1, 40),
)
def test_a_line_that_is_too_long_is_cut_and_costs_no_other_line(
    texts: list[bytes], longest: int
) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\n".join(texts))
        file.flush()
        tail = Tail(Path(file.name), longest=longest)
        read = tail.read_rest()
        tail.close()
    *lines, last = texts or [b""]
    expected = [line[:longest] for line in lines] + ([last[:longest]] if last else [])
    assert read == expected


# What its end means.

ENDS: list[tuple[AdapterExit, str, int, str]] = [
    (AdapterExit(code=75), "interrupted", 75, "train was interrupted"),
    (AdapterExit(code=75, asked="stopped"), "stopped", 75, "train was stopped"),
    (AdapterExit(code=-15, asked="interrupted"), "interrupted", 75, "train was interrupted"),
    (AdapterExit(code=-9, asked="stopped"), "stopped", 75, "train was stopped"),
    (AdapterExit(code=2, message="no such class"), "refused", 2, "no such class"),
    (AdapterExit(code=2, last_lines=("usage: …",)), "refused", 2, "usage: …"),
    (AdapterExit(code=-9), "failed", 3, "memory runs out"),
    (AdapterExit(code=-11, last_lines=("Fatal Python error",)), "failed", 3, "Fatal Python error"),
    (AdapterExit(code=-99), "failed", 3, "signal 99"),
    (AdapterExit(code=1, message="KeyError: 'a'"), "failed", 3, "train failed: KeyError: 'a'"),
    (AdapterExit(code=1, last_lines=("a", "b")), "failed", 3, "a\nb"),
    (AdapterExit(code=1), "failed", 3, "printed nothing"),
    (AdapterExit(code=75, overdue="30m"), "failed", 3, "time limit of 30m"),
]


@pytest.mark.parametrize(("end", "ending", "code", "words"), ENDS)
def test_the_end_of_a_process_is_told_in_words(
    end: AdapterExit, ending: str, code: int, words: str
) -> None:
    outcome = interpret_exit("train", end)
    assert (outcome.ending, outcome.exit_code) == (ending, code)
    assert words in (outcome.message or "")
    assert not outcome.is_good


def test_a_process_that_was_asked_to_stop_and_was_done_anyway_succeeded() -> None:
    assert interpret_exit("train", AdapterExit(code=0, asked="interrupted")).is_good


def test_foreseen_errors_have_an_outcome_each() -> None:
    foreseen = (Permanent, Temporary, RunFailed, Refused)
    ends = [find_error_outcome(error("why", fix="do")) for error in foreseen]
    assert [(end.ending, end.exit_code) for end in ends if end is not None] == [
        ("failed", 4),
        ("interrupted", 75),
        ("failed", 3),
        ("refused", 2),
    ]


@pytest.mark.parametrize(
    ("error", "message", "fix"),
    [
        (OSError(errno.ENOSPC, "no", "a b"), "the disk is full: a b", "free some space"),
        (OSError(errno.EROFS, "no", "runs"), "the file system is read-only: runs", "--runs DIR"),
        (OSError(errno.EMFILE, "no"), "open files is reached", "ulimit -n"),
        (OSError(errno.EACCES, "no", "a b"), "this user may not: a b", "ls -ld 'a b'"),
        (OSError(errno.EAGAIN, "no"), "no more processes may be started", "ulimit -u"),
        (MemoryError(), "memory is used up", "free memory"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_the_machine_refuses_is_no_bug_and_says_what_to_do(
    error: Exception, message: str, fix: str
) -> None:
    found = find_error_outcome(error)
    assert found is not None
    assert (found.ending, found.exit_code) == ("refused", 2)
    assert message in (found.message or "") and fix in (found.fix or "")


def test_an_error_that_may_be_a_bug_stays_one() -> None:
    bugs = (OSError(errno.EBADF, "no"), FileNotFoundError(2, "no", "x"), ValueError("no"))
    assert [find_error_outcome(error) for error in bugs] == [None] * 3


def test_an_import_that_fails_for_lack_of_memory_says_so() -> None:
    error = ImportError("DLL load failed")
    error.__context__ = MemoryError()
    found = find_error_outcome(error)
    assert found is not None and "memory" in (found.message or "")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ModuleNotFoundError("No module named 'PIL'", name="PIL"), "Pillow is not here"),
        (
            ModuleNotFoundError("No module named 'zlib'", name="zlib"),
            "PIL is installed and cannot be imported: No module named 'zlib'",
        ),
        (
            ImportError("libjpeg.so: failed to map segment"),
            "PIL is installed and cannot be imported: libjpeg.so: failed to map segment",
        ),
    ],
)
def test_a_package_that_is_there_is_not_called_absent(error: ImportError, message: str) -> None:
    refused = refuse_import(error, "PIL", "Pillow is not here", "pip install x")
    assert refused.message == message


# The variables it is given.


def test_secrets_are_not_handed_to_training_code() -> None:
    environ = {
        "PATH": "/bin",
        "https_proxy": "http://proxy",
        "AWS_SECRET_ACCESS_KEY": "x",
        "GITHUB_TOKEN": "x",
        "MLFLOW_TRACKING_PASSWORD": "x",
        "MLFLOW_TRACKING_URI": "http://user:pass@host",
        "WANDB_MODE": "online",
        "VTSPEC_RUNS_AWS_ENDPOINT_URL": "http://store",
        "VTSPEC_RUNS_CREDENTIAL": "/vtspec/credential",
        "OPENAI_API_KEY": "x",
        "DATABASE_DSN": "x",
        "HF_TOKEN": "hub",
    }
    given = build_variables(a_planned(), environ, None)
    assert given.keys() & environ.keys() == {"PATH", "https_proxy"}
    assert (given["HF_HUB_OFFLINE"], given["HF_HUB_DISABLE_TELEMETRY"]) == ("1", "1")
    at = {"type": "hub", "id": "a/b", "revision": "0"}
    for parts in ({"weights": at}, {"weights": None, "configuration": at}):
        hub = a_planned(model={"name": "m", "parameters": None, **parts})
        reaching = build_variables(hub, environ, None)
        assert (reaching["HF_TOKEN"], reaching.get("HF_HUB_OFFLINE")) == ("hub", None)


def test_waiting_threads_sleep_unless_somebody_says_otherwise() -> None:
    given = [
        build_variables(a_planned(), mine, None) for mine in ({}, {"OMP_WAIT_POLICY": "ACTIVE"})
    ]
    assert ["PASSIVE", "ACTIVE"] == [variables["OMP_WAIT_POLICY"] for variables in given]


def test_what_makes_results_the_same_everywhere_is_fixed() -> None:
    given = build_variables(
        a_planned(), {"OMP_NUM_THREADS": "64", "PYTHONHASHSEED": "random"}, None
    )
    assert given["OMP_NUM_THREADS"] == "1"
    assert given["PYTHONHASHSEED"] == "0"
    assert given["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    free = a_planned(training={"deterministic": False})
    assert "CUBLAS_WORKSPACE_CONFIG" not in build_variables(free, {}, None)


def test_an_environment_of_its_own_sees_nothing_of_this_pythons_path() -> None:
    environ = {"PYTHONPATH": "/mine", "VIRTUAL_ENV": "/venv", "PYTHONHOME": "/home"}
    assert build_variables(a_planned(), environ, None)["PYTHONPATH"] == "/mine"
    given = build_variables(a_planned(), environ, "/cache/adapters/0")
    assert given["PYTHONPATH"] == "/cache/adapters/0"
    assert not given.keys() & {"VIRTUAL_ENV", "PYTHONHOME"}


# The weights it starts from.


def find_without_download(planned: Weights | None, root: Path) -> Path | None:
    return find_start_weights(planned, root, root, refuse_download)


def test_weights_of_a_file_are_checked_before_they_are_used(tmp_path: Path) -> None:
    (tmp_path / "start.safetensors").write_bytes(b"weights")
    planned = FileWeights(
        path="start.safetensors",
        sha256="9c3cd6b4cae8f2f4bb5bca0c0d94e2a9e3c1b93f1b5d0a0a6c7d6cf4b5d0e9aa",
    )
    with pytest.raises(Permanent, match="not the file that was planned"):
        find_without_download(planned, tmp_path)
    planned = replace(planned, sha256=hashlib.sha256(b"weights").hexdigest())
    assert find_without_download(planned, tmp_path) == tmp_path / "start.safetensors"
    with pytest.raises(Permanent, match="not there"):
        find_start_weights(
            replace(planned, path="gone.safetensors"), tmp_path, tmp_path, refuse_download
        )


def test_weights_of_a_run_that_were_planned_when_they_were_damaged_are_refused(
    tmp_path: Path,
) -> None:
    sums = {"model/model.safetensors": hash_content_of(b"trained")}
    finished = ("run.finished", {"ending": "succeeded", "artifacts": sums})
    folder = a_run_folder(tmp_path / "runs", [STARTED, finished])
    (folder / "model").mkdir()
    (folder / "model/model.safetensors").write_bytes(b"trainee")
    planned = RunWeights(
        run=folder.name,
        path=f"runs/{folder.name}/model/model.safetensors",
        sha256=hash_content_of(b"trainee").removeprefix("sha256:"),
    )
    with pytest.raises(Permanent, match="is not what the run left"):
        find_without_download(planned, tmp_path)
    (folder / "model/model.safetensors").write_bytes(b"trained")
    planned = replace(planned, sha256=hash_content_of(b"trained").removeprefix("sha256:"))
    assert find_without_download(planned, tmp_path) is not None


def hash_content_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_weights_of_a_hub_are_the_adapters_to_fetch(tmp_path: Path) -> None:
    assert find_without_download(None, tmp_path) is None
    assert find_without_download(HubWeights(id="a/b", revision="0"), tmp_path) is None


def test_weights_of_a_registered_model_are_downloaded(tmp_path: Path) -> None:
    asked = []

    def download(name: str, version: str, cache: Path) -> Path:
        asked.append((name, version))
        cache.mkdir()
        (cache / "model.safetensors").touch()
        return cache

    planned = MlflowWeights(name="cats", version="3")
    found = find_start_weights(planned, tmp_path, tmp_path / "cache", download)
    assert found is not None and found.is_file()
    assert asked == [("cats", "3")]
    with pytest.raises(Permanent, match=r"holds 0 \.safetensors files"):
        find_start_weights(planned, tmp_path, tmp_path / "other", lambda *_: tmp_path / "empty")


# Processes that behave badly. Each script finds its events' descriptor in FD.

PREFIX = """
import json, os, signal, sys, time
FD = int(sys.argv[sys.argv.index("--events-fd") + 1])
def tell(**event): os.write(FD, json.dumps(event).encode() + b"\\n")
"""


def a_planned(**changes: Any) -> Plan:
    return plan_from_json(a_plan(**changes))


def a_process(folder: Path, script: str, **changes: Any) -> AdapterProcess:
    folder.mkdir(exist_ok=True)
    command = AdapterCommand(
        step="train",
        arguments=[sys.executable, "-c", PREFIX + script],
        variables=dict(os.environ),
        folder=folder,
    )
    options: dict[str, Any] = {
        "log": EventLog(folder, "r", 1),
        "lock": None,
        "stop": StopSignal(),
        "limit": None,
        **changes,
    }
    return AdapterProcess(command=command, **options)


def kinds(folder: Path) -> list[str]:
    return [event.kind for event in Run(folder).read_events()]


def outputs(folder: Path) -> list[str]:
    return [
        event.body.line for event in Run(folder).read_events() if isinstance(event.body, Printed)
    ]


def warnings(folder: Path) -> list[str]:
    return [
        str(event.body.message)
        for event in Run(folder).read_events()
        if isinstance(event.body, Warned)
    ]


def test_events_and_output_arrive_whatever_the_order(tmp_path: Path) -> None:
    script = """
print("to stdout", flush=True)
print("to stderr", file=sys.stderr, flush=True)
tell(kind="warning", message="a")
tell(kind="train.finished", best_epoch=1)
"""
    end = a_process(tmp_path, script).run()
    assert end.code == 0
    assert outputs(tmp_path) == ["to stdout", "to stderr"]
    told = [(e.kind, e.n) for e in Run(tmp_path).read_events() if e.kind != "output"]
    assert told == [("warning", 1), ("train.finished", 2)]
    assert (tmp_path / "output.log").read_text() == "to stdout\nto stderr\n"
    assert not (tmp_path / ".told-train.jsonl").exists()


def test_garbage_on_the_events_descriptor_is_told_a_few_times_and_counted(
    tmp_path: Path,
) -> None:
    script = """
for _ in range(25): os.write(FD, b"\\xff\\x00 garbage\\n")
os.write(FD, b"x" * (3 << 20) + b"\\n")
tell(kind="run.finished", ending="succeeded")
tell(kind="warning", message="still heard")
"""
    a_process(tmp_path, script).run()
    messages = warnings(tmp_path)
    assert len([one for one in messages if "no event: it is not JSON" in one]) == 10
    assert "still heard" in messages
    assert messages[-1] == "17 more lines of the adapter were no events"
    assert kinds(tmp_path) == ["warning"] * 12


def test_a_flood_of_output_is_bounded_in_events_and_whole_in_its_file(tmp_path: Path) -> None:
    script = """
for number in range(20000): print("line", number)
print("x" * 1_000_000)
"""
    a_process(tmp_path, script).run()
    lines = outputs(tmp_path)
    assert len(lines) < 2000
    assert max(map(len, lines)) < 2100
    assert any("lines left out" in line for line in lines)
    raw = (tmp_path / "output.log").read_bytes()
    assert raw.count(b"\n") == 20001
    assert len(raw) > 1_000_000


SECRET = "canary-4711-xyz"

PRINTS_SECRETS = r"""
for part in (b"token can", b"ary-4711-xyz\n", b"at http://me:pw@host/ \xff\r", b"canary-4711-xyz"):
    os.write(1, part)
    time.sleep(0.15)
"""


def test_what_is_printed_is_kept_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", SECRET)
    a_process(tmp_path, PRINTS_SECRETS).run()
    kept = (tmp_path / "output.log").read_bytes()
    assert kept == b"token [hidden]\nat http://[hidden]@host/ \xff\r[hidden]"
    assert not [path for path in tmp_path.iterdir() if SECRET.encode() in path.read_bytes()]


KEY_LINES = ("-----BEGIN RSA PRIVATE KEY-----", "MIIEKEYMATERIAL", "-----END RSA PRIVATE KEY-----")


@pytest.mark.parametrize("filler", ["x", "x, "])
@pytest.mark.parametrize("before", [2_000, 60_000, 65_530, (1 << 16) - 5, 1_048_570])
def test_a_secret_in_a_line_that_is_copied_in_parts_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int, filler: str
) -> None:
    monkeypatch.setenv("SOME_TOKEN", SECRET)
    line = (filler * before)[: before - 10]
    copy = OutputCopy(tmp_path, "train")
    for part in (line, SECRET[:7], SECRET[7:], line, "\n"):
        os.write(copy.printed.fileno(), part.encode())
        copy.copy()
    copy.close()
    assert (tmp_path / "output.log").read_text() == f"{line}[hidden]{line}\n"


def test_a_private_key_that_is_printed_line_by_line_is_hidden_everywhere(tmp_path: Path) -> None:
    script = f"""
for line in ("before", *{KEY_LINES}, "after"):
    print(line, flush=True)
    time.sleep(0.25)
sys.exit(3)
"""
    end = a_process(tmp_path, script).run()
    assert (tmp_path / "output.log").read_text().split() == ["before", "[hidden]", "after"]
    assert not any("KEYMATERIAL" in line for line in (*outputs(tmp_path), *end.last_lines))
    assert outputs(tmp_path)[-1] == "after"


def test_a_private_key_that_never_ends_hides_not_all_that_follows(tmp_path: Path) -> None:
    copy = OutputCopy(tmp_path, "train")
    for line in (KEY_LINES[0], *["A" * 64] * 2000, "after"):
        os.write(copy.printed.fileno(), line.encode() + b"\n")
        copy.copy()
    copy.close()
    kept = (tmp_path / "output.log").read_text()
    assert kept.startswith("[hidden]") and kept.endswith("after\n")


def test_a_secret_at_the_cut_of_a_printed_line_is_hidden_in_its_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", SECRET)
    a_process(tmp_path, f"print('x' * 1990 + {SECRET!r} + 'y' * 99)").run()
    (line,) = outputs(tmp_path)
    assert SECRET[:6] not in line and line.startswith("x" * 1990 + "[hidden]")


@pytest.mark.parametrize("number", [b"", b"abc", b"-5", b"99999999", b"9" * 5000, b"\xff"])
def test_a_damaged_copy_of_a_killed_vtspec_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: bytes
) -> None:
    monkeypatch.setenv("SOME_TOKEN", SECRET)
    (tmp_path / "output.log").write_bytes(b"before\n")
    (tmp_path / ".printed-train.log").write_bytes(number + f"\nlast {SECRET}\n".encode())
    recover_output(tmp_path, "train")
    assert (tmp_path / "output.log").read_bytes() == b"before\nlast [hidden]\n"
    assert not (tmp_path / ".printed-train.log").exists()


KILLED_COPY = f"""
import os, sys
from pathlib import Path
from vtspec.pipelines.execution.steps.output_log import OutputCopy
copy = OutputCopy(Path(sys.argv[1]), "train")
for number in range(2):
    os.write(copy.printed.fileno(), b"line %d {SECRET}\\n" % number)
    if number < int(sys.argv[2]):
        copy.copy()
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("copied", [0, 1, 2])
def test_what_a_killed_vtspec_did_not_copy_is_copied_once_and_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copied: int
) -> None:
    monkeypatch.setenv("SOME_TOKEN", SECRET)
    (tmp_path / "output.log").write_bytes(b"before\n")
    words = [str(tmp_path), str(copied)]
    killed = subprocess.run([sys.executable, "-c", KILLED_COPY, *words], check=False)
    assert killed.returncode == -signal.SIGKILL
    # Nobody else reads what is not masked yet.
    assert (tmp_path / ".printed-train.log").stat().st_mode & 0o077 == 0
    recover_output(tmp_path, "train")
    recover_output(tmp_path, "train")
    expected = b"before\nline 0 [hidden]\nline 1 [hidden]\n"
    assert (tmp_path / "output.log").read_bytes() == expected
    assert [path.name for path in tmp_path.iterdir()] == ["output.log"]


def test_a_process_that_closes_its_descriptors_is_waited_for(tmp_path: Path) -> None:
    script = """
tell(kind="warning", message="last words")
os.close(FD); os.close(1); os.close(2)
time.sleep(0.3)
os._exit(7)
"""
    assert a_process(tmp_path, script).run().code == 7
    assert kinds(tmp_path) == ["warning"]


def test_what_a_process_leaves_behind_is_ended_with_it(tmp_path: Path) -> None:
    script = """
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
os._exit(0)
"""
    started = time.monotonic()
    a_process(tmp_path, script).run()
    assert time.monotonic() - started < 30
    child = int(outputs(tmp_path)[0])
    deadline = time.monotonic() + 20
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
            break
        time.sleep(0.02)
    else:
        assert not Path(f"/proc/{child}").exists()


def test_a_failure_is_told_with_the_adapters_own_words(tmp_path: Path) -> None:
    script = """
print("Traceback: boom", flush=True)
tell(kind="failed", message="KeyError: 'a'", fix="mend it", traceback="…", odd=[1])
sys.exit(1)
"""
    end = a_process(tmp_path, script).run()
    assert (end.code, end.message, end.fix) == (1, "KeyError: 'a'", "mend it")
    assert end.last_lines == ("Traceback: boom",)


POLITE = """
def leave(*_):
    tell(kind="train.checkpoint", path="c", epoch=1, step_in_epoch=0, best=True)
    sys.exit(75)
signal.signal(signal.SIGTERM, leave)
tell(kind="warning", message="ready")
time.sleep(60)
"""

DEAF = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
tell(kind="warning", message="ready")
time.sleep(60)
"""


def asking(folder: Path, stop: StopSignal, times: int) -> EventLog:
    """A log that asks to stop so many times, once the process says that it is ready."""

    def ask() -> None:
        stop.request("interrupted")
        for _ in range(times - 1):
            time.sleep(0.3)
            stop.request("interrupted")

    def heard(event: Event, _line: bytes) -> None:
        if event.body == Warned(message="ready"):
            threading.Thread(target=ask).start()

    folder.mkdir(exist_ok=True)
    return EventLog(folder, "r", 1, on_event=heard)


def test_a_wish_to_stop_lets_the_process_write_its_checkpoint(tmp_path: Path) -> None:
    stop = StopSignal()
    end = a_process(tmp_path, POLITE, stop=stop, log=asking(tmp_path, stop, 1)).run()
    assert (end.code, end.asked) == (75, "interrupted")
    assert kinds(tmp_path) == ["warning", "train.checkpoint"]


def test_asking_twice_ends_a_process_that_does_not_listen(tmp_path: Path) -> None:
    stop = StopSignal()
    end = a_process(tmp_path, DEAF, stop=stop, log=asking(tmp_path, stop, 2)).run()
    assert (end.code, end.asked) == (-signal.SIGKILL, "interrupted")


def test_a_process_whose_time_is_up_is_asked_and_then_killed(tmp_path: Path) -> None:
    hours = [0.0]

    def clock() -> float:
        # Stands still until the process is ready, then an hour goes by at every look.
        hours[0] += 3600.0 if hours[0] else 0.0
        return hours[0]

    def heard(_event: Any, _line: bytes) -> None:
        hours[0] = 3600.0

    log = EventLog(tmp_path, "r", 1, on_event=heard)
    limit = TimeLimit(seconds=1800, shown="30m", grace_s=1800)
    end = a_process(tmp_path, DEAF, limit=limit, log=log, clock=clock).run()
    assert (end.code, end.overdue) == (-signal.SIGKILL, "30m")
    assert interpret_exit("train", end).ending == "failed"


def test_a_process_does_not_outlive_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    log = EventLog(tmp_path, "r", 1)
    log.close()
    process = a_process(tmp_path, POLITE, log=log)
    with pytest.raises(OSError, match="Bad file descriptor"):
        process.run()


def test_the_adapter_holds_the_lock_even_where_vtspec_lets_go_of_it(tmp_path: Path) -> None:
    lock = RunLock.acquire(tmp_path)
    assert lock is not None
    script = """
print(json.load(open("lock"))["adapter"] == os.getpid(), flush=True)
while not os.path.exists("free?"): time.sleep(0.01)
tell(kind="warning", message="asked")
while not os.path.exists("answered"): time.sleep(0.01)
"""
    held: list[bool] = []

    def heard(event: Any, _line: bytes) -> None:
        if event.kind == "output":
            os.close(lock.fd)
            (tmp_path / "free?").touch()
        if event.kind == "warning":
            held.append(find_holder(tmp_path) is not None)
            lock.fd = os.open(tmp_path / "lock", os.O_RDWR)
            (tmp_path / "answered").touch()

    log = EventLog(tmp_path, "r", 1, on_event=heard)
    a_process(tmp_path, script, lock=lock, log=log).run()
    assert held == [True]
    assert outputs(tmp_path) == ["True"]
    assert "adapter" not in json.loads((tmp_path / "lock").read_text())
    lock.release()


def test_what_was_told_while_nobody_listened_is_taken_up_once(tmp_path: Path) -> None:
    log = EventLog(tmp_path, "r", 1)
    log.append(StepStarted(command=()), step="train")
    log.append_told(Told(kind="warning", fields={"message": "heard"}), step="train", n=1)
    told = [{"kind": "warning", "message": word} for word in ("heard", "missed")]
    path = tmp_path / ".told-train.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in told) + '{"kind":"warn')
    assert recover_events(tmp_path, "train", log) == 1
    assert recover_events(tmp_path, "train", log) == 0
    log.close()
    assert warnings(tmp_path) == ["heard", "missed"]


# A step by itself.


def a_task(
    folder: Path, root: Path, plan: dict[str, Any], **changes: Any
) -> tuple[StepRequest, RunContext]:
    def write_report(where: Path, _report: object) -> str:
        (where / "report.md").write_text("# A report\n")
        return "none"

    options: dict[str, Any] = {
        "attempt": 2,
        "data": None,
        "resume": False,
        "choose": lambda: this_python(root),
        **changes,
    }
    request = StepRequest(folder=folder, plan=plan_from_json(plan), **options)
    place = RunContext(
        root=root,
        cache=root / "cache",
        stop=StopSignal(),
        report=print,
        write_report=write_report,
        download=refuse_download,
        told=lambda event, state: None,
    )
    return request, place


def do(step: str, task: tuple[StepRequest, RunContext]) -> Outcome:
    return execute_single_step(step, *task)


def test_the_steps_one_by_one_in_a_folder_make_a_whole_run(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    folder = tmp_path / "work"
    task = a_task(folder, tmp_path, repository.plan)
    for step in STEPS:
        assert do(step, task).is_good
    state = Run(folder).read_state()
    assert (state.run, state.attempt, state.status) == (f"{repository.name}-2", 2, "succeeded")
    assert state.provenance.backend == "step"
    assert "model/model.safetensors" in state.artifacts


@pytest.mark.parametrize("word", ["stop", "shorten"])
def test_training_is_told_how_much_of_its_time_is_left_where_it_may_be_shortened(
    tmp_path: Path, word: str
) -> None:
    repository = a_repository(tmp_path)
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@" > typed\nexit 3\n')
    python.chmod(0o755)
    training = {**repository.plan["training"], "onTimeLimit": word}
    plan = name_plan({**repository.plan, "training": training})
    task = a_task(
        tmp_path / "work",
        tmp_path,
        plan,
        data=tmp_path / "data/shapes",
        choose=lambda: replace(this_python(tmp_path), python=python),
    )
    assert do("train", task).exit_code == 3
    typed = (tmp_path / "work" / "typed").read_text().split()
    assert ("--seconds-left" in typed) == (word == "shorten")
    if word == "shorten":
        limit = parse_duration(plan["resources"]["maxDuration"])
        assert limit - 60 < float(typed[typed.index("--seconds-left") + 1]) <= limit


def test_a_step_that_needs_data_says_which_step_is_missing(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    outcome = do("train", a_task(tmp_path / "work", tmp_path, repository.plan))
    assert (outcome.ending, outcome.exit_code) == ("failed", 4)
    assert "vtspec step data" in (outcome.fix or "")
    given = a_task(tmp_path / "other", tmp_path, repository.plan, data=tmp_path / "data/shapes")
    assert do("train", given).is_good


def test_a_folder_of_another_plan_is_refused(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    assert do("data", a_task(tmp_path / "work", tmp_path, repository.plan)).is_good
    seeded = {**repository.plan["training"], "seed": 8}
    other = name_plan({**repository.plan, "training": seeded})
    with pytest.raises(Refused, match=f"folder of plan {repository.name}"):
        do("train", a_task(tmp_path / "work", tmp_path, other))


def test_a_folder_of_the_same_plan_with_another_policy_is_refused(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    assert do("data", a_task(tmp_path / "work", tmp_path, repository.plan)).is_good
    judged = {"baseline": None, "gates": ["accuracy >= 0.5"]}
    other = name_plan({**repository.plan, "report": judged})
    with pytest.raises(Refused, match="another policy"):
        do("report", a_task(tmp_path / "work", tmp_path, other))


def test_a_folder_that_somebody_works_in_is_left_alone(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    lock = RunLock.acquire(tmp_path)
    assert lock is not None
    with pytest.raises(Temporary, match="another process works"):
        do("data", a_task(tmp_path, tmp_path, repository.plan))
    lock.release()


def test_data_that_is_not_what_the_plan_pins_fails_the_step(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    (tmp_path / "data" / "shapes" / "train" / "extra.png").touch()
    outcome = do("data", a_task(tmp_path / "work", tmp_path, repository.plan))
    assert outcome.exit_code == 4
    state = Run(tmp_path / "work").read_state()
    assert state.failure is not None
    assert "not the data that the plan pins" in state.failure.message


def test_a_step_does_not_begin_once_somebody_asked_to_stop(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    request, place = a_task(tmp_path / "work", tmp_path, repository.plan)
    place.stop.request("stopped")
    outcome = execute_single_step("data", request, place)
    assert outcome.ending == "stopped"


def test_an_environment_that_cannot_be_had_fails_the_step_in_words(tmp_path: Path) -> None:
    def choose() -> Environment:
        raise Permanent("uv is not here", fix="pip install 'vtspec[env]'")

    repository = a_repository(tmp_path)
    assert do("data", a_task(tmp_path / "work", tmp_path, repository.plan)).is_good
    task = a_task(tmp_path / "work", tmp_path, repository.plan, choose=choose)
    outcome = do("train", task)
    assert (outcome.exit_code, outcome.message) == (4, "uv is not here")


# Signals.


def test_signals_become_wishes_with_their_reason() -> None:
    stop = StopSignal()
    before = signal.getsignal(signal.SIGTERM)
    with stop.handle_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert (stop.reason, stop.times) == ("interrupted", 2)
    assert signal.getsignal(signal.SIGTERM) is before
    stop.close()


def test_a_wish_interrupts_work_in_this_process() -> None:
    stop = StopSignal()
    with pytest.raises(KeyboardInterrupt), stop.handle_signals(), stop.raise_on_request():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(30)
    with pytest.raises(KeyboardInterrupt), stop.raise_on_request():
        raise AssertionError("what was asked before is heeded at once")
    assert stop.reason == "stopped"


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def within() -> None:
        with StopSignal().handle_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=within)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_wish_does_not_wait_where_nobody_reads_it() -> None:
    stop = StopSignal()
    for _ in range(100_000):
        stop.request("stopped")
    stop.drain()
    assert stop.times == 100_000
