"""The queue of this machine: who waits for what, in which order, and what kills leave behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_repository import Watcher, a_local, a_repository
from plan_inputs import an_experiment, some_inputs
from vtspec.pipelines.errors import Refused, Temporary
from vtspec.pipelines.execution.local import RunOptions
from vtspec.pipelines.execution.local.gpu_devices import list_devices
from vtspec.pipelines.execution.local.queue_turns import Ticket, find_turns
from vtspec.pipelines.execution.local.run_queue import RunQueue
from vtspec.pipelines.execution.steps import StopSignal
from vtspec.pipelines.operations.queue import describe_turn, wait_for_turn
from vtspec.pipelines.operations.run import RunCallbacks
from vtspec.pipelines.planning.plan import build_plan
from vtspec.pipelines.planning.plan_model import Plan


def a_ticket(number: int, among: str = "01", count: int = 1, held: str = "") -> Ticket:
    """Of devices that are a letter each."""
    return Ticket(
        number=number,
        run=f"run-{number}",
        root="/mine",
        pid=100 + number,
        among=tuple(among),
        count=count,
        held=tuple(held),
    )


def devices(*tickets: Ticket) -> dict[int, str]:
    return {number: "".join(turn.devices) for number, turn in find_turns(tickets).items()}


# Whose turn it is.


def test_those_who_came_first_have_a_gpu_each() -> None:
    assert devices(a_ticket(1), a_ticket(2), a_ticket(3)) == {1: "0", 2: "1", 3: ""}
    assert devices(a_ticket(2, held="1"), a_ticket(3), a_ticket(4)) == {3: "0", 4: ""}


def test_one_that_needs_two_waits_for_two_and_is_not_passed() -> None:
    waiting = (a_ticket(1, held="0"), a_ticket(2, count=2), a_ticket(3))
    assert devices(*waiting) == {2: "", 3: ""}
    assert devices(*waiting[1:]) == {2: "01", 3: ""}


def test_nobody_waits_for_what_they_could_not_be_given() -> None:
    tickets = (a_ticket(1, "01", held="01"), a_ticket(2, "01", count=2), a_ticket(3, "2"))
    assert devices(*tickets) == {2: "", 3: "2"}
    assert devices(a_ticket(1, "c", held="c"), a_ticket(2, "0")) == {2: "0"}


def test_what_is_waited_for_is_told_with_who_has_it() -> None:
    tickets = (a_ticket(1, held="0"), a_ticket(2, count=2), a_ticket(3), a_ticket(4, "c"))
    told = describe_turn(tickets[2], find_turns(tickets)[3])
    assert told == (
        "number 2 in the queue, for 1 of GPU 0 and GPU 1: run-1 (process 101) has GPU 0, "
        "run-2 (process 102) waits before it"
    )


@st.composite
def queues(draw: st.DrawFn) -> list[Ticket]:
    tickets: list[Ticket] = []
    free = {*"0123"}
    for number in range(1, draw(st.integers(1, 7)) + 1):
        among = "".join(sorted(draw(st.sets(st.sampled_from("0123"), min_size=1))))
        count = draw(st.integers(1, len(among)))
        own = sorted(free & {*among})
        held = "".join(own[:count]) if len(own) >= count and draw(st.booleans()) else ""
        free -= {*held}
        tickets.append(a_ticket(number, among, count, held))
    return draw(st.permutations(tickets))


@given(queues())
def test_no_device_is_given_twice_and_nobody_goes_before_a_rival(tickets: list[Ticket]) -> None:
    turns = find_turns(tickets)
    held = [device for one in tickets for device in one.held]
    given = [device for turn in turns.values() for device in turn.devices]
    assert len({*held, *given}) == len(held) + len(given)
    waiting = sorted((one for one in tickets if not one.held), key=lambda one: one.number)
    for index, one in enumerate(waiting):
        turn = turns[one.number]
        assert {*turn.devices} <= {*one.among}
        assert len(turn.devices) in (0, one.count)
        for before in waiting[:index]:
            if turn.devices and not turns[before.number].devices:
                assert not {*before.among} & {*turn.devices}
    # Somebody always goes on: with nobody at work the first has what it needs.
    if not held:
        assert turns[waiting[0].number].devices


# What there is.

TWO = {"0": "GPU-aaaa-1", "1": "GPU-bbbb-2"}


@pytest.mark.parametrize(
    ("named", "ids", "expected"),
    [
        (None, {}, {}),
        (None, TWO, {"GPU-aaaa-1": "GPU-aaaa-1", "GPU-bbbb-2": "GPU-bbbb-2"}),
        ("1", TWO, {"GPU-bbbb-2": "1"}),
        ("GPU-bb,0", TWO, {"GPU-bbbb-2": "GPU-bb", "GPU-aaaa-1": "0"}),
        ("0, 1", {}, {"0": "0", "1": "1"}),
        ("1,-1,0", {}, {"1": "1"}),
        ("", TWO, {}),
        ("0,0", {}, {"0": "0"}),
    ],
)
def test_the_gpus_are_those_that_cuda_would_see(
    named: str | None, ids: Mapping[str, str], expected: Mapping[str, str]
) -> None:
    environ = {} if named is None else {"CUDA_VISIBLE_DEVICES": named}
    assert list_devices(environ, lambda: ids) == expected


# Processes.


HOLD = """
import sys
from pathlib import Path
from vtspec.pipelines.execution.local.queue_turns import Ticket
from vtspec.pipelines.execution.local.run_queue import RunQueue
from vtspec.pipelines.execution.steps import StopSignal
import os, subprocess
folder, name, among, count, child = sys.argv[1:]
wish = Ticket(number=0, run=name, root="/", pid=os.getpid(), among=tuple(among), count=int(count))
with StopSignal().handle_signals() as stop:
    told = lambda turn: print("waits", turn.position, flush=True)
    with RunQueue(folder=Path(folder)).take_turn(wish, stop, told) as place:
        if child == "yes":
            # What an adapter is: a process that goes on where its vtspec was killed.
            training = subprocess.Popen(["sleep", "60"], pass_fds=[place.fd])
        print("has", "".join(place.devices), flush=True)
        if child == "yes":
            print("child", training.pid, flush=True)
        sys.stdin.read()
"""


class Place:
    """A process that waits for a place and keeps it until it is let go."""

    def __init__(self, folder: Path, name: str, among: str, count: int, child: bool) -> None:
        words = [str(folder), name, among, str(count), "yes" if child else "no"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def comes_to(self, words: str) -> bool:
        """Whether it says that in the end, whatever it waits for until then."""
        while (said := self.says()).startswith("waits") and said != words:
            continue
        return said == words

    def let_go(self) -> int:
        self.process.communicate()
        return self.process.returncode

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        self.process.send_signal(number)
        self.process.communicate()
        return self.process.returncode


Start = Callable[..., Place]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "queue"


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    places: list[Place] = []

    def start_one(name: str, among: str = "0", count: int = 1, *, child: bool = False) -> Place:
        places.append(Place(folder, name, among, count, child))
        return places[-1]

    yield start_one
    for place in places:
        if place.process.poll() is None:
            place.kill()


def runs_in(folder: Path) -> list[str]:
    return [one.run for one in RunQueue(folder=folder).list_tickets()]


@pytest.mark.slow
def test_each_waits_for_those_before_and_kills_hold_nobody_up(start: Start, folder: Path) -> None:
    first = start("first")
    assert first.says() == "has 0"
    second = start("second")
    assert second.says() == "waits 1"
    third = start("third")
    assert third.says() == "waits 2"
    fourth = start("fourth")
    assert fourth.says() == "waits 3"
    assert runs_in(folder) == ["first", "second", "third", "fourth"]
    # One that waits is killed, and one that is at work.
    assert second.kill() == -signal.SIGKILL
    assert third.comes_to("waits 1")
    assert first.kill() == -signal.SIGKILL
    assert third.comes_to("has 0")
    assert runs_in(folder) == ["third", "fourth"]
    assert third.let_go() == 0
    assert fourth.comes_to("has 0")
    fourth.let_go()
    assert [path.name for path in folder.iterdir()] == ["lock"]


@pytest.mark.slow
def test_who_leaves_the_queue_leaves_nothing_behind(start: Start, folder: Path) -> None:
    first = start("first")
    assert first.says() == "has 0"
    for number, code, error in (
        (signal.SIGINT, 1, "KeyboardInterrupt"),
        (signal.SIGTERM, 1, "left the queue before its turn"),
    ):
        second = start("second")
        assert second.says() == "waits 1"
        second.process.send_signal(number)
        _, told = second.process.communicate()
        assert (second.process.returncode in (code, -signal.SIGINT), error in told) == (True, True)
        # Before anybody looks, who would remove what is left over.
        assert sorted(path.name for path in folder.iterdir()) == ["00000001.ticket", "lock"]


@pytest.mark.slow
def test_two_gpus_are_waited_for_and_two_run_side_by_side(start: Start) -> None:
    first, second = start("first", "01"), start("second", "01")
    assert {first.says(), second.says()} == {"has 0", "has 1"}
    both = start("both", "01", 2)
    assert both.says() == "waits 1"
    later = start("later", "01")
    assert later.says() == "waits 2"
    first.let_go()
    second.let_go()
    assert both.comes_to("has 01")
    both.let_go()
    assert later.comes_to("has 0")


@pytest.mark.slow
def test_a_gpu_is_not_free_while_the_training_of_a_killed_vtspec_uses_it(
    start: Start, folder: Path
) -> None:
    first = start("first", child=True)
    assert first.says() == "has 0"
    second = start("second")
    assert second.says() == "waits 1"
    training = int(first.says().removeprefix("child "))
    first.process.kill()
    first.process.wait()
    # Longer than those who wait look again.
    time.sleep(1)
    assert runs_in(folder) == ["first", "second"]
    os.kill(training, signal.SIGKILL)
    first.process.communicate()
    assert second.comes_to("has 0")


def a_gpu_plan(gpus: int) -> Plan:
    return build_plan(an_experiment(resources={"gpus": gpus}), some_inputs())


def callbacks(watcher: Watcher) -> RunCallbacks:
    return RunCallbacks(report=watcher.said.append, on_event=watcher.told, stop=watcher.stop)


def test_a_run_is_given_its_gpu_by_the_variable_that_cuda_reads(tmp_path: Path) -> None:
    environ = {"VTSPEC_CACHE": str(tmp_path), "CUDA_VISIBLE_DEVICES": "3,1"}
    given: list[dict[str, str]] = []
    with ExitStack() as stack:
        for gpus in (1, 1, 0):
            place = wait_for_turn(a_gpu_plan(gpus), tmp_path, callbacks(Watcher()), environ)
            given.append(dict(stack.enter_context(place).variables))
    # Without a GPU the CPU is waited for, and nothing hides the GPUs from whoever asked for none.
    assert given == [{"CUDA_VISIBLE_DEVICES": "3"}, {"CUDA_VISIBLE_DEVICES": "1"}, {}]
    with wait_for_turn(a_gpu_plan(2), tmp_path, callbacks(Watcher()), environ) as both:
        assert both.variables == {"CUDA_VISIBLE_DEVICES": "3,1"}


def test_more_gpus_than_there_are_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    environ = {"VTSPEC_CACHE": str(tmp_path), "CUDA_VISIBLE_DEVICES": "0"}
    wait = wait_for_turn(a_gpu_plan(2), tmp_path, callbacks(Watcher()), environ)
    with (
        pytest.raises(Refused, match=r"asks for 2 GPUs, and this machine shows 1 GPU \(CUDA_VIS"),
        wait,
    ):
        pass
    assert not (tmp_path / "queue").exists()


def test_a_machine_that_is_needed_for_something_else_ends_the_waiting(tmp_path: Path) -> None:
    stop = StopSignal()
    queue, wish = RunQueue(folder=tmp_path), a_ticket(0, "c")
    with queue.take_turn(wish, stop, lambda turn: None):
        wait = queue.take_turn(wish, stop, lambda turn: stop.request("interrupted"))
        with pytest.raises(Temporary, match="left the queue before its turn"), wait:
            pass
        assert len(queue.list_tickets()) == 1
    stop.close()


@pytest.mark.slow
def test_the_framework_sees_the_gpus_that_were_given_and_keeps_the_place(tmp_path: Path) -> None:
    # So long that its process is still there when it is looked at.
    repository, watcher = a_repository(tmp_path, training={"epochs": 3000}), Watcher()
    seen: list[tuple[str | None, bool]] = []
    place = tmp_path / "place"
    fd = os.open(place, os.O_RDWR | os.O_CREAT)

    def look(event: Any, state: Any) -> None:
        watcher.told(event, state)
        holder = repository.runs.find(repository.name).find_holder()
        if event.kind == "train.epoch" and holder is not None and holder.adapter is not None:
            proc = Path(f"/proc/{holder.adapter}")
            try:
                words = (proc / "environ").read_text().split("\0")
                files = {os.readlink(link) for link in (proc / "fd").iterdir()}
            # What was told may be of a process that is over by now.
            except (ProcessLookupError, FileNotFoundError):
                return
            named = [
                each.removeprefix("CUDA_VISIBLE_DEVICES=")
                for each in words
                if each.startswith("CUDA_VISIBLE_DEVICES=")
            ]
            seen.append((named[0] if named else None, str(place) in files))
            watcher.stop.request("stopped")

    local = a_local(
        repository,
        watcher,
        told=look,
        variables={"CUDA_VISIBLE_DEVICES": "GPU-aaaa"},
        heirs=(fd,),
    )
    local.run(repository.planned, RunOptions(), "vtspec run shapes")
    os.close(fd)
    assert seen[0] == ("GPU-aaaa", True)
