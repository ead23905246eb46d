"""Of what is to be written in a pull request only the last word counts, and none is lost."""

import threading
from collections.abc import Sequence

from vtspec.pipelines.controller.actions import Action, React, Reply, SetStatus, WriteComment
from vtspec.pipelines.controller.write_queue import Key, WriteQueue
from vtspec.pipelines.forge.forge import Status

SHA = "a" * 40


def a_comment(number: int, body: str) -> WriteComment:
    return WriteComment(pull_request=number, kind="plan", body=body)


def a_status() -> SetStatus:
    return SetStatus(sha=SHA, status=Status(context="x", state="success", description=""))


class Written:
    """A queue, and what came of it."""

    def __init__(self, delay_s: float | None = None) -> None:
        self.some: list[list[Action]] = []
        self.heard: list[tuple[Key, float | None]] = []
        self.delay_s = delay_s
        self.queue = WriteQueue(write=self.write, on_written=self.hear)

    def write(self, actions: Sequence[Action]) -> float | None:
        self.some.append(list(actions))
        return self.delay_s

    def hear(self, key: Key, delay_s: float | None) -> None:
        self.heard.append((key, delay_s))
        if not self.queue.count():
            self.queue.stop()

    def run(self) -> "Written":
        thread = threading.Thread(target=self.queue.run)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
        return self


def test_what_waits_longest_is_written_first_as_it_was_decided_last() -> None:
    written = Written()
    written.queue.put([1], [a_comment(1, "old")])
    written.queue.put([2], [a_comment(2, "other")])
    written.queue.put([1], [a_comment(1, "new")])
    assert written.run().some == [[a_comment(1, "new")], [a_comment(2, "other")]]
    assert written.heard == [(1, None), (2, None)]


def test_who_has_much_written_waits_and_not_everybody() -> None:
    written = Written()
    many = [a_comment(1, str(number)) for number in range(25)]
    written.queue.put([1], many)
    written.queue.put([2], [a_comment(2, "other")])
    assert written.run().some == [many[:10], [a_comment(2, "other")], many[10:20], many[20:]]


def test_what_answers_a_command_is_written_at_once() -> None:
    written = Written()
    answers = [
        one
        for cause in range(7)
        for one in (
            Reply(pull_request=1, word=cause, body="x", cause=cause),
            React(pull_request=1, comment_id=cause, content="rocket", cause=cause),
        )
    ]
    written.queue.put([1], answers[1:])
    assert written.run().some == [answers[1:12], answers[12:]]


def test_what_a_later_look_does_not_want_is_not_written() -> None:
    written = Written()
    written.queue.put(None, [a_comment(1, "a"), a_comment(2, "b"), a_status()])
    written.queue.put([1], [])
    assert written.queue.count() == 2
    assert written.run().some == [[a_comment(2, "b")], [a_status()]]


def test_a_look_at_everything_settles_everything() -> None:
    written = Written()
    written.queue.put(None, [a_comment(1, "a"), a_status()])
    written.queue.put(None, [a_comment(2, "b")])
    assert written.run().some == [[a_comment(2, "b")]]


def test_what_failed_is_told_with_its_delay() -> None:
    written = Written(delay_s=30.0)
    written.queue.put([1], [a_comment(1, "a")])
    assert written.run().heard == [(1, 30.0)]


def test_who_is_stopped_leaves_what_waits() -> None:
    written = Written()
    written.queue.put([1], [a_comment(1, "a")])
    written.queue.stop()
    assert written.run().some == []
