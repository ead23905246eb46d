"""Runs in an S3-compatible store: what one machine made the other has, and two never mix."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from object_storage import BreakableStorage, ObjectStorage, another_storage
from run_folders import STARTED, SUCCEEDED, a_plan, a_run_folder, an_epoch, append
from vtspec.pipelines.cache_folder import get_mirror_folder
from vtspec.pipelines.errors import Refused, RunsWarning, Temporary
from vtspec.pipelines.project.scaffold import scaffold
from vtspec.pipelines.runs import Run, RunLock, Runs, run_writer
from vtspec.pipelines.runs.object_store import ObjectStore
from vtspec.pipelines.runs.run_mirror import RunMirror, find_mirror

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def breakable() -> Iterator[BreakableStorage]:
    found = BreakableStorage()
    yield found
    found.stop()


@pytest.fixture
def storage(breakable: BreakableStorage) -> ObjectStorage:
    return breakable


@pytest.fixture
def url(storage: ObjectStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in storage.environment.items():
        monkeypatch.setenv(name, value)
    bucket = "".join(letter for letter in tmp_path.name.lower() if letter.isalnum())[-40:]
    return f"{storage.make_bucket(bucket)}/team"


def open_there(url: str, cache: Path) -> Runs:
    """The runs of the store as a machine with that cache sees them."""
    return Runs(get_mirror_folder(url, {"VTSPEC_CACHE": str(cache)}))


def mirror_of(runs: Runs) -> RunMirror:
    assert runs.mirror is not None
    runs.mirror.forget()
    return runs.mirror


def send(
    runs: Runs, events: list[tuple[str, Mapping[str, object]]], *, is_with_model: bool = True
) -> Run:
    """A run with these events, made and sent."""
    attempt = runs.create_attempt(a_plan())
    with runs.keep_stored(attempt.run):
        made = a_run_folder(runs.folder.parent / "made", events)
        shutil.copy(made / "events.jsonl", attempt.run.path)
        if is_with_model:
            (attempt.run.path / "model").mkdir()
            (attempt.run.path / "model" / "model.safetensors").write_bytes(b"weights")
        (attempt.run.path / "report.md").write_text("it went well")
    attempt.lock.release()
    return attempt.run


def test_what_tells_of_a_run_comes_when_runs_are_listed_and_the_rest_when_it_is_asked_for(
    url: str, tmp_path: Path
) -> None:
    run = send(open_there(url, tmp_path / "here"), [STARTED, an_epoch(1), SUCCEEDED])
    there = open_there(url, tmp_path / "there")
    (found,) = there.list_runs()
    assert (found.name, found.ending) == (run.name, "succeeded")
    assert found.read_plan() == a_plan()
    assert not (found.path / "model").exists() and not (found.path / "report.md").exists()
    there.fetch(found)
    assert (found.path / "report.md").read_text() == "it went well"
    assert not (found.path / "model").exists()
    there.fetch(found, "model")
    assert (found.path / "model" / "model.safetensors").read_bytes() == b"weights"


@pytest.mark.parametrize("name", ["plan.json", "events.jsonl"])
def test_a_copy_that_a_power_cut_has_emptied_is_made_again(
    url: str, tmp_path: Path, name: str
) -> None:
    send(open_there(url, tmp_path / "here"), [STARTED, an_epoch(1), SUCCEEDED])
    there = open_there(url, tmp_path / "there")
    (found,) = there.list_runs()
    before = (found.path / name).read_bytes()
    (found.path / name).write_bytes(b"")
    # What a process knows goes with it.
    RunMirror(mirror_of(there).store, there.folder).pull()
    assert (found.path / name).read_bytes() == before


def test_a_run_that_was_removed_there_is_none_here(url: str, tmp_path: Path) -> None:
    here, there = (open_there(url, tmp_path / name) for name in ("here", "there"))
    send(here, [STARTED, SUCCEEDED])
    (found,) = there.list_runs()
    there.remove(found)
    mirror_of(here)
    assert here.list_runs() == []
    assert list(mirror_of(here).store.list_objects()) == []


def test_two_machines_that_begin_a_plan_have_two_attempts(url: str, tmp_path: Path) -> None:
    here, there = (open_there(url, tmp_path / name) for name in ("here", "there"))
    assert here.list_runs() == there.list_runs() == []
    first, second = (runs.create_attempt(a_plan()).run for runs in (here, there))
    assert (first.attempt, second.attempt) == (1, 2)


def test_a_run_that_is_worked_on_elsewhere_is_alive_until_nobody_says_so(
    url: str, tmp_path: Path
) -> None:
    here, there = (open_there(url, tmp_path / name) for name in ("here", "there"))
    attempt = here.create_attempt(a_plan())
    mirror = mirror_of(here)
    mirror.open_writer(attempt.run.name).push()
    (found,) = there.list_runs()
    assert found.is_alive()
    with here.keep_stored(attempt.run):
        pass
    mirror_of(there)
    (found,) = there.list_runs()
    assert not found.is_alive()


def test_of_two_writers_the_second_is_told_and_changes_nothing(url: str, tmp_path: Path) -> None:
    here, there = (open_there(url, tmp_path / name) for name in ("here", "there"))
    run = send(here, [STARTED, an_epoch(1)])
    (other,) = there.list_runs()
    # Both go on with it: as two who resumed it, neither of whom heard of the other.
    for one, runs in ((run, here), (other, there)):
        with (one.path / "events.jsonl").open("a") as events:
            events.write(f'{{"told by": "{runs.folder.parent.parent.name}"}}\n')
    mirror_of(here).open_writer(run.name).push()
    with pytest.raises(Temporary, match="another process has gone on with"):
        mirror_of(there).open_writer(other.name).push()
    third = open_there(url, tmp_path / "third")
    (found,) = third.list_runs()
    assert '"told by": "here"' in (found.path / "events.jsonl").read_text()


def test_what_could_not_be_sent_as_a_run_ended_is_sent_by_whoever_looks_next(
    breakable: BreakableStorage, url: str, tmp_path: Path
) -> None:
    here, there = (open_there(url, tmp_path / name) for name in ("here", "there"))
    run = send(here, [STARTED])
    with pytest.raises(Temporary, match="cannot be reached") as caught, ExitStack() as stack:
        with here.keep_stored(run):
            append(run.path, [an_epoch(1), SUCCEEDED], 1)
            (run.path / "report.md").write_text("it went better")
            stack.enter_context(breakable.away())
    assert str(run.path) in str(caught.value) and f"status {run.name} --runs" in str(caught.value)
    mirror_of(there)
    assert [one.ending for one in there.list_runs()] == [None]
    mirror_of(here)
    assert [one.ending for one in here.list_runs()] == ["succeeded"]
    mirror_of(there)
    (found,) = there.list_runs()
    there.fetch(found)
    assert found.ending == "succeeded" and not found.is_alive()
    assert (found.path / "report.md").read_text() == "it went better"
    assert (found.path / "events.jsonl").read_bytes() == (run.path / "events.jsonl").read_bytes()


def test_what_a_process_here_left_is_sent_although_it_was_looked_at_before(
    url: str, tmp_path: Path
) -> None:
    here = open_there(url, tmp_path / "here")
    run = send(here, [STARTED])
    lock = RunLock.acquire(run.path)
    assert lock is not None
    append(run.path, [SUCCEEDED], 1)
    store = mirror_of(here).store

    def is_sent() -> bool:
        mirror_of(here)
        here.list_runs()
        found = store.read(f"{run.name}/events.jsonl")
        return found is not None and b"run.finished" in found[0]

    assert not is_sent()
    lock.release()
    assert is_sent()


def test_what_stays_as_it_is_is_looked_at_once(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(open_there(url, tmp_path / "here"), [STARTED])
    there = open_there(url, tmp_path / "there")
    looked: list[str] = []
    pull = RunMirror._pull_run

    def note(mirror: RunMirror, run: str, found: Any) -> bool:
        looked.append(run)
        return pull(mirror, run, found)

    monkeypatch.setattr(RunMirror, "_pull_run", note)
    for _ in range(3):
        mirror_of(there)
        there.list_runs()
    (run,) = there.list_runs()
    assert looked == [run.name]
    # Whatever became of it here.
    (run.path / "events.jsonl").unlink()
    mirror_of(there)
    assert there.list_runs()[0].read_events() and len(looked) == 2


def test_a_run_whose_store_went_away_before_it_had_its_plan_is_sent_too(
    breakable: BreakableStorage, url: str, tmp_path: Path
) -> None:
    here, there = (open_there(url, tmp_path / name) for name in ("here", "there"))
    attempt = here.create_attempt(a_plan())
    with breakable.away():
        append(attempt.run.path, [STARTED, SUCCEEDED], 0)
        attempt.lock.release()
    assert there.list_runs() == []
    mirror_of(here)
    here.list_runs()
    mirror_of(there)
    assert [one.ending for one in there.list_runs()] == ["succeeded"]


def test_what_was_not_sent_never_replaces_what_somebody_else_went_on_with(
    url: str, tmp_path: Path
) -> None:
    here, there = (open_there(url, tmp_path / name) for name in ("here", "there"))
    run = send(here, [STARTED])
    append(run.path, [an_epoch(1)], 1)
    (other,) = there.list_runs()
    with there.keep_stored(other):
        # Nor while they have told of nothing yet.
        mirror_of(here)
        here.list_runs()
        append(other.path, [an_epoch(1, train_loss=9.0), SUCCEEDED], 1)
    mirror_of(here)
    (found,) = here.list_runs()
    assert (found.path / "events.jsonl").read_bytes() == (other.path / "events.jsonl").read_bytes()


def test_who_has_been_taken_over_is_told_and_sends_no_file_more(url: str, tmp_path: Path) -> None:
    here, there = (open_there(url, tmp_path / name) for name in ("here", "there"))
    run = send(here, [STARTED])
    (other,) = there.list_runs()
    lost: list[str] = []
    with pytest.raises(Temporary, match="another process has gone on"):
        with here.keep_stored(run, lambda: lost.append("told")):
            (run.path / "report.md").write_text("mine")
            wait_for(lambda: b"mine" == read_there(url, tmp_path, run.name))
            with there.keep_stored(other):
                (run.path / "report.md").write_text("mine, later")
                wait_for(lambda: lost == ["told"])
    assert read_there(url, tmp_path, run.name) == b"mine"


@dataclass
class SlowUploads:
    """A store whose uploads of a model take until they are let go."""

    store: ObjectStore
    begun: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)

    def upload(self, key: str, file: Path | BinaryIO) -> str:
        if "/model/" in key:
            self.begun.set()
            assert self.may_end.wait(90)
        return ObjectStore.upload(self.store, key, file)


@pytest.fixture
def slow(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlowUploads:
    monkeypatch.setattr(run_writer, "PUSH_S", 0.05)
    monkeypatch.setattr(run_writer, "BEAT_S", 0.05)
    found = SlowUploads(mirror_of(open_there(url, tmp_path / "here")).store)
    monkeypatch.setattr(found.store, "upload", found.upload)
    return found


@pytest.mark.parametrize("is_last", [False, True])
def test_a_writer_says_that_it_lives_during_one_long_upload(
    slow: SlowUploads, url: str, tmp_path: Path, is_last: bool
) -> None:
    here, there = (open_there(url, tmp_path / name) for name in ("here", "there"))
    attempt = here.create_attempt(a_plan())
    run, beats = attempt.run, set()

    def look() -> bool:
        beats.add(mirror_of(there).store.find_tag(f"{run.name}/.writer"))
        return len(beats) > 3 and None not in beats

    def send() -> None:
        with here.keep_stored(run):
            (run.path / "model").mkdir()
            (run.path / "model" / "model.safetensors").write_bytes(b"weights")
            if not is_last:
                slow.begun.wait(30)
                wait_for(slow.may_end.is_set)

    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(send)
        assert slow.begun.wait(30)
        wait_for(look)
        slow.may_end.set()
        # Nobody went on with it: it was itself that wrote its note anew.
        sent.result(30)
    (found,) = there.list_runs()
    assert not found.is_alive()
    keys = [one.key for one in mirror_of(there).store.list_objects()]
    assert f"{run.name}/model/model.safetensors" in keys and f"{run.name}/.writer" not in keys


def test_who_is_taken_over_during_a_long_upload_is_told_at_once(
    slow: SlowUploads, url: str, tmp_path: Path
) -> None:
    here, there = (open_there(url, tmp_path / name) for name in ("here", "there"))
    run = send(here, [STARTED], is_with_model=False)
    (other,) = there.list_runs()
    lost: list[str] = []
    with pytest.raises(Temporary, match="another process has gone on"):
        with here.keep_stored(run, lambda: lost.append("told")):
            (run.path / "model").mkdir()
            (run.path / "model" / "model.safetensors").write_bytes(b"mine")
            (run.path / "model" / "zeros.onnx").write_bytes(b"mine")
            assert slow.begun.wait(30)
            with there.keep_stored(other):
                wait_for(lambda: lost == ["told"])
                # What is sent next looks again who has the run, which it does not twice a beat.
                time.sleep(0.2)
                slow.may_end.set()
    assert lost == ["told"]
    # What it had begun to send is there, and nothing that came after it.
    keys = [one.key for one in slow.store.list_objects(f"{run.name}/model/")]
    assert keys == [f"{run.name}/model/model.safetensors"]


def read_there(url: str, tmp_path: Path, run: str) -> bytes:
    mirror_of(open_there(url, tmp_path / "reader")).store.download(
        f"{run}/report.md", tmp_path / "read"
    )
    return (tmp_path / "read").read_bytes()


def test_one_run_or_one_specs_runs_are_looked_at_without_copying_the_others(
    url: str, tmp_path: Path
) -> None:
    here = open_there(url, tmp_path / "here")
    cat = send(here, [STARTED, SUCCEEDED])
    dog = here.create_attempt(a_plan(id="dogs-0123456789", name="dogs"))
    with here.keep_stored(dog.run):
        append(dog.run.path, [STARTED], 0)
    there = open_there(url, tmp_path / "there")
    assert there.find(cat.name).ending == "succeeded"
    assert [one.name for one in there.folder.glob("[!.]*")] == [cat.name]
    assert [one.name for one in there.list_by_name("dogs")] == [dog.run.name]
    other = open_there(url, tmp_path / "other")
    assert [one.name for one in other.list_by_plan("dogs-0123456789")] == [dog.run.name]
    assert [one.name for one in other.folder.glob("[!.]*")] == [dog.run.name]


def test_runs_of_a_store_are_in_the_order_of_its_own_clock(url: str, tmp_path: Path) -> None:
    """Whatever the clocks of those who carried them out say."""
    here, there = (open_there(url, tmp_path / name) for name in ("here", "there"))
    names = []
    for runs, year in ((here, "2027"), (there, "2026")):
        attempt = runs.create_attempt(a_plan())
        with runs.keep_stored(attempt.run):
            append(attempt.run.path, [STARTED], 0)
            events = attempt.run.path / "events.jsonl"
            events.write_text(events.read_text().replace('"2026-', f'"{year}-'))
        attempt.lock.release()
        names.append(attempt.run.name)
        time.sleep(1.1)
    mirror_of(here)
    assert [one.name for one in here.list_runs()] == names


def test_a_line_that_is_half_written_is_not_sent(url: str, tmp_path: Path) -> None:
    here, there = (open_there(url, tmp_path / name) for name in ("here", "there"))
    run = send(here, [STARTED])
    with (run.path / "events.jsonl").open("a") as events:
        events.write('{"half": ')
    mirror_of(here).open_writer(run.name).push()
    (found,) = there.list_runs()
    assert (found.path / "events.jsonl").read_text().endswith("}\n")


def test_checkpoints_that_were_let_go_go_everywhere(url: str, tmp_path: Path) -> None:
    here, there = (open_there(url, tmp_path / name) for name in ("here", "there"))
    run = send(here, [STARTED])
    for epoch in (1, 2):
        (run.path / "checkpoints" / f"{epoch}").mkdir(parents=True)
        (run.path / "checkpoints" / f"{epoch}" / "model").write_text("x" * epoch)
    mirror_of(here).open_writer(run.name).push()
    (found,) = there.list_runs()
    there.fetch(found, "checkpoints")
    shutil.rmtree(run.path / "checkpoints" / "1")
    mirror_of(here).open_writer(run.name).push()
    there.fetch(found, "checkpoints")
    files = sorted(p.name for p in (found.path / "checkpoints").rglob("*") if p.is_file())
    assert files == ["model"]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, Temporary),
        ({"bucket": "s3://no-such-bucket-here/x"}, Refused),
    ],
)
def test_a_store_that_is_not_there_is_told_in_one_line(
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Mapping[str, str],
    kind: type[Exception],
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    runs = open_there(change.get("bucket", url), tmp_path)
    with pytest.raises(kind, match=r"cannot be reached|there is no such bucket") as caught:
        runs.list_runs()
    assert len(str(caught.value).splitlines()) == 2


@dataclass
class Machine:
    """A machine: a cache of its own, and the repository."""

    root: Path
    cache: Path
    url: str

    def vtspec(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def command(self, *words: str) -> list[str]:
        start = "from vtspec.cli.main import main; main()"
        return [sys.executable, "-c", start, *words, "--runs", self.url]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"VTSPEC_CACHE": str(self.cache)}

    @property
    def runs(self) -> Runs:
        return open_there(self.url, self.cache)


@pytest.fixture
def machines(url: str, tmp_path: Path) -> list[Machine]:
    scaffold(tmp_path / "mine", "mine", lambda line: None, lambda name: None)
    return [Machine(root=tmp_path / "mine", cache=tmp_path / name, url=url) for name in ("a", "b")]


def test_whoever_has_the_store_sees_reports_predicts_and_does_not_train_again(
    machines: list[Machine],
) -> None:
    here, there = machines
    done = here.vtspec("run", "shapes-short", "--no-tracking")
    assert done.returncode == 0, done.stderr
    assert "succeeded" in there.vtspec("status").stdout
    report = there.vtspec("report", "shapes-short")
    assert report.returncode == 0 and Path(report.stdout.splitlines()[-1]).is_file()
    picture = next((here.root / "data" / "shapes" / "test").rglob("*.png"))
    assert "circle" in there.vtspec("predict", "shapes-short", str(picture)).stdout
    assert "succeeded" in there.vtspec("logs", "shapes-short").stdout
    again = there.vtspec("run", "shapes-short", "--no-tracking")
    assert again.returncode == 0 and len(there.runs.list_runs()) == 1
    assert there.vtspec("compare", "shapes-short", "shapes-short").returncode == 0


@pytest.mark.exhaustive
def test_a_model_is_registered_from_a_machine_that_did_not_train_it(
    machines: list[Machine], tmp_path: Path
) -> None:
    here, there = machines
    register = ("--set", "tracking.registerAs=shapes-net")
    done = here.vtspec("run", "shapes-short", "--no-tracking", *register)
    assert done.returncode == 0, done.stderr
    sent = there.vtspec("sync", "--uri", f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert sent.returncode == 0, sent.stderr
    assert "shapes-net" in there.vtspec("status", "shapes-short").stdout


@pytest.mark.exhaustive
def test_a_run_that_was_killed_on_one_machine_ends_alike_on_another(
    machines: list[Machine],
) -> None:
    here, there = machines
    whole = here.vtspec("run", "shapes", "--no-tracking")
    assert whole.returncode == 0, whole.stderr
    with subprocess.Popen(
        here.command("run", "shapes", "--no-tracking", "--again"),
        cwd=here.root,
        env=here.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        wait_for(lambda: _has_checkpoint(there.runs))
        process.send_signal(signal.SIGKILL)
    # As once it has been silent for long enough.
    store = mirror_of(there.runs).store
    store.delete([one.key for one in store.list_objects() if one.key.endswith("/.writer")])
    done = there.vtspec("run", "shapes", "--no-tracking", "--resume")
    assert done.returncode == 0, done.stderr
    first, second = there.runs.list_runs()
    unbroken, resumed = (_sum_results(run) for run in (first, second))
    assert unbroken == resumed and "model/model.safetensors" in unbroken


def _sum_results(run: Run) -> Mapping[str, str]:
    """The sums of what holds no times."""
    sums = run.read_state().artifacts
    return {
        path: told
        for path, told in sums.items()
        if path.startswith("model/model") or "eval" in path
    }


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise TimeoutError


def _has_checkpoint(runs: Runs) -> bool:
    mirror = find_mirror(runs.folder)
    assert mirror is not None
    keys = [one.key for one in mirror.store.list_objects()]
    return any("-2/checkpoints/last.json" in key for key in keys)


A_CHECKPOINT = {"step_in_epoch": 0, "best": False}


@contextmanager
def training(run: Path) -> Iterator[Callable[[], int]]:
    """Checkpoints of a run come, are told, and the older ones go, as fast as this machine can;
    called, it gives how many there were."""
    ends, count = threading.Event(), [0]

    def train() -> None:
        while not ends.is_set():
            count[0] += 1
            epoch, folder = count[0], run / "checkpoints"
            for part in range(20):
                (folder / f".tmp-{epoch}" / f"part-{part}").mkdir(parents=True)
            (folder / f".tmp-{epoch}" / "weights").write_bytes(b"x" * 100)
            (folder / f".tmp-{epoch}").rename(folder / f"epoch-{epoch:04d}")
            told = {"path": f"checkpoints/epoch-{epoch:04d}"}
            append(run, [("train.checkpoint", {**told, **A_CHECKPOINT, "epoch": epoch})], epoch)
            shutil.rmtree(folder / f"epoch-{epoch - 2:04d}", ignore_errors=True)
            time.sleep(0.005)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        yield lambda: count[0]
    finally:
        ends.set()
        thread.join()


def test_a_run_is_sent_on_while_its_checkpoints_come_and_go(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_writer, "PUSH_S", 0.02)
    here = open_there(url, tmp_path / "here")
    run = send(here, [STARTED])
    store = mirror_of(here).store
    with here.keep_stored(run), training(run.path) as count_checkpoints:
        sizes = []
        for many in (60, 120, 180):
            wait_for(partial(_has_reached, count_checkpoints, many))
            found = store.read(f"{run.name}/events.jsonl")
            sizes.append(len(found[0]) if found else 0)
        assert sizes == sorted(set(sizes)), "the thread that sends has stopped"


def _has_reached(count: Callable[[], int], many: int) -> bool:
    return count() >= many


def test_the_checkpoint_that_the_stored_events_tell_of_last_is_in_the_store(
    url: str, tmp_path: Path
) -> None:
    here = open_there(url, tmp_path / "here")
    run = send(here, [STARTED])
    mirror = mirror_of(here)
    with training(run.path):
        for _ in range(8):
            try:
                mirror.open_writer(run.name).push()
            except Temporary:
                continue
            found = mirror.store.read(f"{run.name}/events.jsonl")
            assert found is not None
            last = json.loads(found[0].splitlines()[-1])
            there = [one.key for one in mirror.store.list_objects(f"{run.name}/")]
            if last["kind"] == "train.checkpoint":
                assert f"{run.name}/{last['path']}/weights" in there


def test_what_sends_a_run_survives_whatever_goes_wrong_meanwhile_and_says_it_at_the_end(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_writer, "PUSH_S", 0.05)
    here = open_there(url, tmp_path / "here")
    run = send(here, [STARTED])
    # A file that is none: whoever reads it is refused.
    (run.path / "events.jsonl").rename(run.path / "events.jsonl.kept")
    (run.path / "events.jsonl").mkdir()
    store = mirror_of(here).store
    with here.keep_stored(run):
        time.sleep(0.5)
        (run.path / "events.jsonl").rmdir()
        (run.path / "events.jsonl.kept").rename(run.path / "events.jsonl")
        append(run.path, [an_epoch(1)], 1)
        wait_for(lambda: b"train.epoch" in (store.read(f"{run.name}/events.jsonl") or [b""])[0])
    (run.path / "events.jsonl").rename(run.path / "events.jsonl.kept")
    with pytest.raises(IsADirectoryError), here.keep_stored(run):
        (run.path / "events.jsonl").mkdir()


def test_a_folder_that_is_lost_here_takes_no_checkpoint_from_the_store(
    url: str, tmp_path: Path
) -> None:
    here = open_there(url, tmp_path / "here")
    run = send(here, [STARTED])
    (run.path / "checkpoints").mkdir()
    (run.path / "checkpoints" / "last.json").write_text("{}")
    mirror = mirror_of(here)
    mirror.open_writer(run.name).push()
    for path in run.path.iterdir():
        if path.name == "checkpoints":
            shutil.rmtree(path)
        elif path.name == "plan.json":
            path.unlink()
    mirror.open_writer(run.name).push()
    keys = [one.key for one in mirror.store.list_objects()]
    assert f"{run.name}/checkpoints/last.json" in keys


def test_what_was_never_sent_is_kept_and_told_where_the_store_has_the_run_no_more(
    machines: list[Machine],
) -> None:
    here, there = machines
    run = send(here.runs, [STARTED])
    append(run.path, [an_epoch(1), SUCCEEDED], 1)
    (found,) = there.runs.list_runs()
    there.runs.remove(found)
    mirror_of(here.runs)
    with pytest.warns(RunsWarning, match=rf"{run.name} is no more in .* kept in") as caught:
        (kept,) = here.runs.list_runs()
    assert kept.ending == "succeeded"
    done = here.vtspec("status")
    assert done.returncode == 0 and run.name in done.stdout
    assert done.stderr.count("is no more in") == 1 and ".py" not in done.stderr
    assert f"vtspec rm {run.name} --runs" in str(caught[0].message)
    removed = here.vtspec("rm", run.name, "--yes", "--force")
    assert removed.returncode == 0 and not run.path.exists(), removed.stderr


def test_another_server_of_that_bucket_takes_nothing_from_what_is_here(
    breakable: BreakableStorage, machines: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = machines
    run = send(here.runs, [STARTED])
    append(run.path, [an_epoch(1), SUCCEEDED], 1)
    with another_storage() as other, monkeypatch.context() as elsewhere:
        other.make_bucket(here.url.removeprefix("s3://").partition("/")[0])
        elsewhere.setenv("AWS_ENDPOINT_URL", other.endpoint)
        refused = here.vtspec("status")
        # A mirror of an earlier version does not say whose it is: it is asked, and nothing lost.
        (run.path.parent / ".endpoint").unlink()
        unknown = here.vtspec("status")
    assert refused.returncode == 2 and breakable.endpoint in refused.stderr
    assert f"export AWS_ENDPOINT_URL={breakable.endpoint}" in refused.stderr
    assert "is no more in" in unknown.stderr and run.name in unknown.stdout
    done = here.vtspec("status")
    assert done.returncode == 0 and "succeeded" in done.stdout and done.stderr == ""
    assert [one.ending for one in there.runs.list_runs()] == ["succeeded"]


def test_the_same_store_by_another_address_is_gone_on_with_once_that_is_said(
    breakable: BreakableStorage, machines: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = machines
    run = send(here.runs, [STARTED, SUCCEEDED])
    monkeypatch.setenv("AWS_ENDPOINT_URL", breakable.endpoint.replace("127.0.0.1", "localhost"))
    refused = here.vtspec("status")
    assert refused.returncode == 2
    (fix,) = re.findall("by another address: (rm .*); where", refused.stderr)
    subprocess.run(fix, shell=True, check=True)
    assert run.name in here.vtspec("status").stdout


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("z\x1b[31mred", r"$'KEY/z\033[31mred'"),
        ("../x/y", "team/../x/y"),
        ("/x", "team//x"),
        ("\x1b[31mred", r"$'KEY/\033[31mred'"),
        ("RUN//x", "is left out: "),
        ("RUN/checkpoints//x", "checkpoints//x"),
        ("RUN/\x1b[31mred", r"$'KEY/RUN/\033[31mred'"),
    ],
)
def test_a_key_that_is_no_path_is_told_and_every_other_run_is_gone_on_with(
    storage: ObjectStorage, machines: list[Machine], key: str, says: str
) -> None:
    here, there = machines
    other = here.runs.create_attempt(a_plan(id="dogs-0123456789", name="dogs"))
    with here.runs.keep_stored(other.run):
        append(other.run.path, [STARTED, SUCCEEDED], 0)
    other.lock.release()
    run = send(here.runs, [STARTED, SUCCEEDED])
    bucket = here.url.removeprefix("s3://").partition("/")[0]
    whole = f"team/{key.replace('RUN', run.name)}"
    storage.put_object(bucket, whole)
    done = there.vtspec("status")
    assert done.returncode == 0 and "dogs" in done.stdout and "\x1b" not in done.stderr
    assert says.replace("KEY", "team").replace("RUN", run.name) in done.stderr
    assert (run.name in done.stdout) == (not key.startswith("RUN/") or "checkpoints" in key)
    # Where it was copied before, it is not taken for removed.
    mirror_of(here.runs)
    assert run.name in here.vtspec("status").stdout
    removed = there.vtspec("rm", "dogs-0123456789", "--yes", "--force")
    assert removed.returncode == 0, removed.stderr


def test_keys_that_are_no_paths_beside_the_runs_and_within_one_leave_out_that_one_alone(
    storage: ObjectStorage, machines: list[Machine]
) -> None:
    here, there = machines
    names = []
    for name in ("cats", "dogs", "zebras"):
        attempt = here.runs.create_attempt(a_plan(id=f"{name}-0123456789", name=name))
        with here.runs.keep_stored(attempt.run):
            append(attempt.run.path, [STARTED, SUCCEEDED], 0)
        attempt.lock.release()
        names.append(attempt.run.name)
    bucket = here.url.removeprefix("s3://").partition("/")[0]
    for key in ("/x", "../y/z", "\x1b/x", "zz\x1b", f"{names[1]}//x", f"{names[2]}/sub//x"):
        storage.put_object(bucket, f"team/{key}")
    done = there.vtspec("status")
    assert done.returncode == 0, done.stderr
    assert [name in done.stdout for name in names] == [True, False, True]
    assert f"{names[1]} is left out" in done.stderr and "delete-object" in done.stderr
    with pytest.warns(RunsWarning, match="whose name is no path"):
        assert [run.name for run in there.runs.list_by_plan(names[2])] == [names[2]]
