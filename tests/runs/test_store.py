"""The folder of the runs: names, locks that outlive nobody, and a log that a kill cannot tear."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from run_folders import STARTED, SUCCEEDED, a_plan, a_run_folder, an_epoch
from shortages import no_descriptors
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.runs import EventLog, Run, RunLock, Runs, find_holder, make_run_name
from vtspec.pipelines.runs.event_log import Clock
from vtspec.pipelines.runs.events import Event, Told, Warned, decode_event

CATS = "cats-0123456789"


def a_log(folder: Path) -> EventLog:
    return EventLog(folder, CATS, 1, clock=Clock(get_time=lambda: "2026-01-01T00:00:00.000Z"))


def lines_of(folder: Path) -> list[str]:
    return (folder / "events.jsonl").read_text().splitlines()


# Names and finding.


def test_the_first_attempt_has_the_plans_name_and_later_ones_a_number(tmp_path: Path) -> None:
    runs = Runs(tmp_path / "runs")
    names = [runs.create_attempt(a_plan()).run.name for _ in range(3)]
    assert names == [CATS, f"{CATS}-2", f"{CATS}-3"]
    assert [run.attempt for run in runs.list_by_plan(CATS)] == [1, 2, 3]
    assert names == [make_run_name(CATS, attempt) for attempt in (1, 2, 3)]


def test_a_new_attempt_has_its_plan_and_is_locked_from_the_start(tmp_path: Path) -> None:
    attempt = Runs(tmp_path).create_attempt(a_plan())
    assert attempt.run.read_plan() == a_plan()
    holder = attempt.run.find_holder()
    assert holder is not None and holder.pid == os.getpid()
    attempt.lock.release()
    assert not attempt.run.is_alive()


def test_attempts_that_race_get_folders_of_their_own(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    ready = threading.Barrier(8)
    made: list[str] = []

    def make() -> None:
        ready.wait()
        made.append(runs.create_attempt(a_plan()).run.name)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == sorted({make_run_name(CATS, n) for n in range(1, 9)})
    assert not list(tmp_path.glob(".new-*"))


def test_a_folder_of_runs_that_is_made_keeps_them_out_of_git(tmp_path: Path) -> None:
    Runs(tmp_path / "by-attempt").create_attempt(a_plan())
    with Runs(tmp_path / "a" / "by-lock").lock_runs():
        pass
    (tmp_path / "mine").mkdir()
    Runs(tmp_path / "mine").create_attempt(a_plan())
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    words = ["git", "-C", str(tmp_path), "status", "--porcelain", "--untracked-files=all"]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    # What a person made is theirs to keep in git or out of it.
    assert {line.split("/")[0] for line in told.splitlines()} == {"?? mine"}


def test_a_file_in_the_way_of_a_run_is_stepped_over(tmp_path: Path) -> None:
    (tmp_path / CATS).write_text("not a run")
    assert Runs(tmp_path).create_attempt(a_plan()).run.name == f"{CATS}-2"


def test_what_a_kill_left_half_made_is_cleared_before_the_next_decision(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    left, in_use = tmp_path / ".new-left", tmp_path / ".new-used"
    for folder in (left, in_use):
        folder.mkdir()
        (folder / "lock").touch()
    held = RunLock.acquire(in_use)
    assert held is not None
    with runs.lock_runs():
        assert not left.exists()
        assert in_use.exists()


def test_runs_are_listed_by_when_they_began_and_nothing_else_is_a_run(tmp_path: Path) -> None:
    a_run_folder(tmp_path, [STARTED], a_plan(id="dogs-00000000aa"))
    a_run_folder(tmp_path, [STARTED])
    first = tmp_path / "apes-0123456789"
    first.mkdir()
    (first / "events.jsonl").write_text(
        lines_of(tmp_path / CATS)[0].replace("2026-01-01", "2025-01-01")
    )
    (tmp_path / "mlflow.db").touch()
    (tmp_path / "mlartifacts").mkdir()
    assert [run.name for run in Runs(tmp_path).list_runs()] == [
        "apes-0123456789",
        CATS,
        "dogs-00000000aa",
    ]
    assert Runs(tmp_path / "absent").list_runs() == []


def test_the_last_run_is_the_last_even_where_the_clock_was_set_back(tmp_path: Path) -> None:
    kind, told = STARTED
    for order, name in ((1, "cats-00000000ff"), (2, "cats-00000000aa")):
        a_run_folder(tmp_path, [(kind, {**told, "order": order})], a_plan(id=name))
    later = tmp_path / "cats-00000000aa" / "events.jsonl"
    later.write_text(later.read_text().replace("2026-01-01", "2020-01-01"))
    runs = Runs(tmp_path)
    assert runs.find("cats").name == "cats-00000000aa"
    assert runs.count_order() == 3


@pytest.mark.parametrize("is_replaced", [True, False])
def test_runs_are_ranked_by_what_their_files_say_now(tmp_path: Path, is_replaced: bool) -> None:
    apes, cats = "apes-0123456789", CATS
    for each in (apes, cats):
        a_run_folder(tmp_path, [STARTED], a_plan(id=each))

    def tell(name: str, year: int) -> None:
        file = tmp_path / name / "events.jsonl"
        told = re.sub(r'"time":"\d{4}', f'"time":"{year}', file.read_text())
        other = file.with_name("other")
        if not is_replaced:
            file.write_text(told)
            return
        other.write_text(told)
        other.replace(file)
        # All that is left to tell it by is which file it is.
        for path in (file, file.parent):
            os.utime(path, (1_700_000_000, 1_700_000_000))

    for oldest, newest in ((apes, cats), (cats, apes), (apes, cats)):
        tell(oldest, 2020)
        tell(newest, 2021)
        assert [run.name for run in Runs(tmp_path).list_runs()] == [oldest, newest]


@pytest.mark.parametrize("kind", ["a file", "a name below a file"])
def test_a_folder_of_runs_that_is_none_is_refused_and_not_taken_for_empty(
    tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "runs"
    file.write_text("")
    runs = Runs(file if kind == "a file" else file / "deeper")
    for look in (runs.list_runs, lambda: runs.find("x"), lambda: runs.list_by_plan("x")):
        with pytest.raises(
            Refused, match=r"cannot be read as the folder of the runs(.|\n)*--runs"
        ):
            look()


@pytest.mark.parametrize("umask", [0o077, 0o022, 0o002])
def test_a_run_is_as_private_as_the_umask_says(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        attempt = Runs(tmp_path).create_attempt(a_plan())
        a_log(attempt.run.path).close()
    finally:
        os.umask(before)
    attempt.lock.release()
    modes = {path.name: path.stat().st_mode & 0o777 for path in attempt.run.path.iterdir()}
    assert attempt.run.path.stat().st_mode & 0o777 == 0o777 & ~umask
    assert modes == dict.fromkeys(("plan.json", "lock", "events.jsonl"), 0o666 & ~umask)


def test_an_attempt_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        Runs(tmp_path).create_attempt({"id": CATS, "cannot be written": object()})
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_found_by_its_name_its_beginning_or_its_specs_name(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    a_run_folder(tmp_path, [STARTED])
    a_run_folder(tmp_path, [STARTED], a_plan(id="dogs-00000000aa"))
    for _ in range(2):
        runs.create_attempt(a_plan())
    assert runs.find(CATS).name == CATS
    assert runs.find("cats").name == f"{CATS}-3"
    assert runs.find("cats-01").name == f"{CATS}-3"
    assert runs.find(f"{tmp_path}/{CATS}-2/").name == f"{CATS}-2"
    assert [run.name for run in runs.list_by_name("dogs")] == ["dogs-00000000aa"]


@pytest.mark.parametrize("word", ["cats", CATS[:-2]])
def test_where_a_result_is_needed_the_last_run_that_finished_is_meant(
    tmp_path: Path, word: str
) -> None:
    runs = Runs(tmp_path)
    crashed = ("run.finished", {"ending": "crashed"})
    a_run_folder(tmp_path, [STARTED, crashed])
    # As long as none has finished, the last one is all there is.
    assert runs.find_finished(word).name == CATS
    a_run_folder(tmp_path, [STARTED, SUCCEEDED], a_plan(id=f"{CATS}-2"))
    a_run_folder(tmp_path, [STARTED, crashed], a_plan(id=f"{CATS}-3"))
    assert runs.find(word).name == f"{CATS}-3"
    assert runs.find_finished(word).name == f"{CATS}-2"
    assert runs.find_finished(f"runs/{CATS}-3/").name == f"{CATS}-3"


def test_a_run_that_is_not_there_is_refused_with_what_was_meant(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="vtspec run SPEC"):
        Runs(tmp_path).find("cats")
    a_run_folder(tmp_path, [STARTED])
    with pytest.raises(Refused, match="did you mean 'cats'"):
        Runs(tmp_path).find("cast")
    with pytest.raises(Refused, match="vtspec status"):
        Runs(tmp_path).find("zzzzzzzz")
    a_run_folder(tmp_path, [STARTED], a_plan(id="catsup-00000000aa"))
    with pytest.raises(Refused, match="begins several runs"):
        Runs(tmp_path).find("cat")


# What is read of a folder.


def test_a_damaged_folder_reads_as_a_run_of_which_nothing_is_known(tmp_path: Path) -> None:
    folder = tmp_path / CATS
    folder.mkdir()
    (folder / "plan.json").write_text("{")
    (folder / "events.jsonl").write_bytes(b"\xff\xfe\x00garbage\n{}\n[1]\n")
    (folder / "lock").mkdir()
    run = Run(folder)
    assert run.read_state().status == "queued"
    assert run.ending is None
    assert run.compute_metrics() == {"final": {}, "best": {}, "epochs": []}
    assert not run.is_alive()
    assert run.started > 0
    assert [one.name for one in Runs(tmp_path).list_runs()] == [CATS]
    with pytest.raises(Permanent, match="cannot be read"):
        run.read_plan()
    (folder / "plan.json").write_text("[]")
    with pytest.raises(Permanent, match="not a plan"):
        run.read_plan()


def test_a_finished_run_tells_its_ending(tmp_path: Path) -> None:
    run = Run(a_run_folder(tmp_path, [STARTED, an_epoch(1), SUCCEEDED]))
    assert run.ending == "succeeded"
    assert run.compute_metrics()["epochs"][0]["epoch"] == 1


# The lock.

HOLD = """
import sys, time
from pathlib import Path
from vtspec.pipelines.runs import RunLock
import subprocess
lock = RunLock.acquire(Path(sys.argv[1]))
if len(sys.argv) > 2:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"],
                             pass_fds=[lock.fd], start_new_session=True)
    lock.note_adapter(child.pid)
print("held", flush=True)
time.sleep(60)
"""


def a_holder(folder: Path, *more: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), *more],
        stdout=subprocess.PIPE,
        text=True,
        # A process that is killed would tear coverage's database.
        env={key: value for key, value in os.environ.items() if "COVERAGE" not in key},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_a_lock_is_gone_with_the_process_that_was_killed(tmp_path: Path) -> None:
    process = a_holder(tmp_path)
    holder = find_holder(tmp_path)
    assert holder is not None and holder.pid == process.pid and holder.is_here
    assert RunLock.acquire(tmp_path, wait_s=0) is None
    end(process)
    assert find_holder(tmp_path) is None
    lock = RunLock.acquire(tmp_path)
    assert lock is not None
    lock.release()
    lock.release()


def test_a_lock_is_kept_by_the_adapter_that_outlives_vtspec(tmp_path: Path) -> None:
    process = a_holder(tmp_path, "with an adapter")
    end(process)
    holder = find_holder(tmp_path)
    assert holder is not None
    assert holder.pid is None
    assert holder.adapter is not None
    os.killpg(holder.adapter, signal.SIGKILL)
    lock = RunLock.acquire(tmp_path, wait_s=10)
    assert lock is not None
    lock.release()


def test_a_lock_whose_note_says_another_process_by_now_names_nobody(tmp_path: Path) -> None:
    lock = RunLock.acquire(tmp_path)
    assert lock is not None
    note = json.loads((tmp_path / "lock").read_text())
    (tmp_path / "lock").write_text(json.dumps({**note, "pid_started": "1"}))
    holder = find_holder(tmp_path)
    assert holder is not None and holder.pid is None
    (tmp_path / "lock").write_text(json.dumps({**note, "host": "elsewhere"}))
    holder = find_holder(tmp_path)
    assert holder is not None and not holder.is_here
    (tmp_path / "lock").write_text("[")
    assert find_holder(tmp_path) is not None
    lock.release()


# The log.


def test_events_are_numbered_on_after_a_restart(tmp_path: Path) -> None:
    first = a_log(tmp_path)
    first.append(Warned(message="one"))
    first.close()
    second = a_log(tmp_path)
    assert list(second.state.warnings) == ["one"]
    event = second.append(Warned(message="two"), step="train")
    second.close()
    second.close()
    assert (event.seq, event.step) == (1, "train")
    assert [event.seq for event in Run(tmp_path).read_events()] == [0, 1]
    assert list(second.state.warnings) == ["one", "two"]


def test_half_a_line_is_cut_off_before_the_next_one(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.append(Warned(message="whole"))
    log.close()
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"v":1,"run":"cats-0123456789","att')
    log = a_log(tmp_path)
    log.append(Warned(message="next"))
    log.close()
    assert [json.loads(line)["message"] for line in lines_of(tmp_path)] == ["whole", "next"]


def test_a_whole_line_that_lacks_only_its_end_is_kept(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.append(Warned(message="whole"))
    log.close()
    path = tmp_path / "events.jsonl"
    path.write_text(path.read_text().rstrip("\n"))
    log = a_log(tmp_path)
    log.append(Warned(message="next"))
    log.close()
    assert [json.loads(line)["seq"] for line in lines_of(tmp_path)] == [0, 1]


def test_every_cut_of_the_file_leaves_a_log_that_goes_on(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    for number in range(3):
        log.append(Warned(message=f"고양이 {number}"))
    log.close()
    whole = (tmp_path / "events.jsonl").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "events.jsonl").write_bytes(whole[:length])
        log = a_log(tmp_path)
        log.append(Warned(message="next"))
        log.close()
        decoded = [decode_event(line) for line in lines_of(tmp_path)]
        assert [event.seq for event in decoded if event] == list(range(len(decoded)))


def a_damaged_log(folder: Path, old: str, new: str) -> list[Any]:
    """The events of a log of three, after a change in its second line."""
    log = a_log(folder)
    for count in (1, 2, 3):
        log.append(Warned(message=f"{count} images are small"))
    log.close()
    lines = lines_of(folder)
    assert old in lines[1]
    lines[1] = lines[1].replace(old, new)
    (folder / "events.jsonl").write_text("\n".join(lines) + "\n")
    return [event.body for event in Run(folder).read_events()]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2 images", "7 images"),
        ('"seq":1', '"seq":9'),
        ('"kind"', '"kine"'),
        ("images", "imag\N{REPLACEMENT CHARACTER}s"),
    ],
    ids=["digit", "number", "key", "letter"],
)
def test_a_line_that_was_changed_is_left_out_and_told(tmp_path: Path, old: str, new: str) -> None:
    first, gap, last = a_damaged_log(tmp_path, old, new)
    assert (first.message, last.message) == ("1 images are small", "3 images are small")
    assert gap.message.startswith("event 1 is damaged or missing in events.jsonl")


def test_lines_that_are_gone_are_told_and_the_log_goes_on(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    for count in range(5):
        log.append(Warned(message=str(count)))
    log.close()
    kept = [line for line in lines_of(tmp_path) if '"seq":1' not in line and '"seq":2' not in line]
    (tmp_path / "events.jsonl").write_text("\n".join(kept) + "\n")
    log = a_log(tmp_path)
    assert log.append(Warned(message="on")).seq == 5
    log.close()
    assert log.state.warnings[1].startswith("events 1 to 2 are damaged or missing")


def test_a_log_measures_by_a_clock_that_nobody_sets(tmp_path: Path) -> None:
    for start in (100.0, 7.0):
        ticks, times = iter((start, start + 2, start + 3)), iter(("2026", "2020"))
        clock = Clock(
            get_time=map("{}-01-01T00:00:00.000Z".format, times).__next__,
            get_seconds=ticks.__next__,
        )
        log = EventLog(tmp_path, CATS, 1, clock=clock)
        log.append(Warned(message="a"))
        log.append(Warned(message="b"))
        log.close()
    assert [event.elapsed for event in Run(tmp_path).read_events()] == [2.0, 3.0, 5.0, 6.0]
    assert Run(tmp_path).read_state().clock.seconds == 6.0


def test_a_name_that_is_not_unicode_is_written_all_the_same(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.append(Warned(message=os.fsdecode(b"caf\xe9.png")))
    log.close()
    [event] = Run(tmp_path).read_events()
    assert isinstance(event.body, Warned)
    assert event.body.message == os.fsdecode(b"caf\xe9.png")


def test_threads_that_append_at_once_tear_nothing(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    threads = [
        threading.Thread(target=lambda: [log.append(Warned(message="x")) for _ in range(50)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert [event.seq for event in Run(tmp_path).read_events()] == list(range(200))


def test_whoever_listens_hears_an_event_after_it_is_written(tmp_path: Path) -> None:
    heard: list[int] = []

    def hear(_event: Event, line: bytes) -> None:
        assert line.decode() == lines_of(tmp_path)[-1] + "\n"
        heard.append(len(lines_of(tmp_path)))

    log = EventLog(tmp_path, CATS, 1, on_event=hear)
    log.append(Warned(message="a"))
    log.append_told(Told(kind="run.finished", fields={"ending": "succeeded"}))
    log.close()
    assert heard == [1, 2]


FULL = """
import resource, sys
from pathlib import Path
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.runs import EventLog
from vtspec.pipelines.runs.events import Warned
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = EventLog(Path(sys.argv[1]), "cats-0123456789", 1)
log.append(Warned(message="fits"))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    log.append(Warned(message="x" * 5000))
except Permanent as error:
    print(error)
log.append(Warned(message="fits too"))
"""


def test_a_full_disk_leaves_the_events_before_it_and_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "cannot be written" in done.stdout
    assert "fix: make room" in done.stdout
    assert [json.loads(line)["message"] for line in lines_of(tmp_path)] == ["fits", "fits too"]


@pytest.mark.parametrize(
    "look",
    [
        lambda run: run.ending,
        lambda run: run.has_result,
        lambda run: run.order,
        lambda run: run.read_plan(),
    ],
    ids=["ending", "result", "order", "plan"],
)
def test_a_run_is_not_taken_for_unfinished_where_descriptors_run_out(
    tmp_path: Path, look: Callable[[Run], object]
) -> None:
    run = Run(a_run_folder(tmp_path, [STARTED, SUCCEEDED]))
    look(run)
    with no_descriptors(), pytest.raises(OSError, match="Too many open files"):
        look(run)
