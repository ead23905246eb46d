"""Webhooks are lost, doubled, late, in another order, and sent again days later: two controllers
come to what they come to otherwise, whichever of them hears of what."""

import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pull_request_world import BOT, World, a_plan_of, a_spec
from stepped_worker import SteppedTime
from vtspec.pipelines.controller.actions import Action, OnCluster, find_subject
from vtspec.pipelines.controller.receiver import has_command, make_receiver
from vtspec.pipelines.controller.reconcile import find_next_looks, reconcile
from vtspec.pipelines.controller.worker import Pass
from vtspec.pipelines.forge.webhook import Subject, WebhookSecrets

SECRET = "a secret of the webhook"
PLANS = (a_plan_of(), a_plan_of("cats"))
SWEPT_S = 130.0
"""In which each controller has looked at everything once more."""

DAYS_S = 3 * 86_400.0

ACTS = ("push", "apply", "stop", "rerun", "talk", "close", "reopen", "merge", "succeed", "fail")


SAID = ("apply", "stop", "rerun", "talk")


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A webhook as it was sent first."""

    id: str
    event: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Fate:
    """One time that a webhook arrives: at which controller, and behind how many more acts."""

    controller: int
    acts_later: int
    has_new_id: bool


AT_ONCE = (Fate(controller=0, acts_later=0, has_new_id=False),)


@dataclass
class Theatre:
    """A world, two controllers that look after it, and the receiver of each."""

    world: World = field(default_factory=World)
    time: SteppedTime = field(init=False)
    clients: list[TestClient] = field(default_factory=list)
    acts: int = 0
    waiting: list[tuple[int, int, Delivery]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.time = SteppedTime(on_pass=self.world.pass_time)

    def add_controller(self) -> None:
        """One more, which remembers nothing but the pull requests that were open last."""
        opened: set[int] = set()
        site: Any = SimpleNamespace(
            forge=SimpleNamespace(repository="acme/vision"),
            metrics=None,
            surveyed=set(),
            told=set(),
        )

        def survey(site: object, report: object) -> Pass:
            view = self.world.see()
            now_open = {n for n, state in view.states.items() if state == "open"}
            wanted = {n for one in view.attempts for n in one.wanted_by}
            found = now_open | wanted | opened
            opened.clear()
            opened.update(now_open)
            return Pass(actions=0, delay_s=None, due=dict.fromkeys(found, 0.0))

        def serve(site: object, report: object, numbers: Any, hand_over: Any) -> Pass:
            view = self.world.see()
            pulls = tuple(one for one in view.pull_requests if one.pull.number in numbers)
            seen = replace(view, pull_requests=pulls)
            actions = reconcile(seen)
            begun = [one for one in actions if isinstance(one, OnCluster)]
            self.world.do(begun)
            hand_over(numbers, [one for one in actions if not isinstance(one, OnCluster)])
            due = {n: one.total_seconds() for n, one in find_next_looks(seen).items()}
            due |= {n: 0.0 for one in begun if isinstance(n := find_subject(one), int)}
            return Pass(actions=len(actions), delay_s=None, due=due)

        worker = self.time.add(site, serve=serve, survey=survey).worker
        worker.queue.write = self.write

        def tell(subject: Subject) -> None:
            worker.tell(subject.number, is_urgent=has_command(subject))

        app = make_receiver(WebhookSecrets([SECRET]), tell, BOT)
        self.clients.append(TestClient(app))

    def write(self, actions: Sequence[Action]) -> None:
        self.world.do(actions)

    def act(self, act: str, number: int, fates: Sequence[Fate]) -> None:
        """Somebody does something, of which it is told so; and time goes by."""
        if self.world.pulls[number].pull.state != "open" and act in SAID:
            # No sweep looks at what is over: of what is said there its webhook alone tells.
            fates = (*AT_ONCE, *fates)
        event, payload = self.do(act, number)
        delivery = Delivery(id=f"delivery-{self.acts}", event=event, payload=payload)
        self.waiting += [
            (
                self.acts + fate.acts_later,
                fate.controller,
                replace(delivery, id=f"again-{self.acts}") if fate.has_new_id else delivery,
            )
            for fate in fates
        ]
        # The later ones first.
        for one in [one for one in reversed(self.waiting) if one[0] <= self.acts]:
            self.waiting.remove(one)
            assert deliver(self.clients[one[1]], one[2]) == 202
        self.acts += 1
        self.time.live(SWEPT_S)

    def do(self, act: str, number: int) -> tuple[str, dict[str, Any]]:
        world, pull = self.world, self.world.pulls[number].pull
        said = {"apply": self.find_line(number), "talk": "thank you"}
        at_work = [run for run, one in world.attempts.items() if one.is_at_work]
        match act:
            case "push":
                world.push(number)
            case _ if act in SAID:
                line = said.get(act, f"/vtspec {act}")
                world.comment(number, line)
                issue = {"number": number, "pull_request": {}}
                return "issue_comment", {
                    "action": "created",
                    "issue": issue,
                    "comment": {"body": line},
                }
            case "close" | "reopen" | "merge":
                state = {"close": "closed", "reopen": "open", "merge": "merged"}[act]
                if pull.state != "merged":
                    world.set_state(number, state)  # type: ignore[arg-type]
            case "succeed" | "fail":
                for run in at_work:
                    is_stopping = world.attempts[run].is_stopping
                    ended = "succeeded" if act == "succeed" else "failed"
                    world.end(run, "stopped" if is_stopping else ended)  # type: ignore[arg-type]
        return "pull_request", {"action": act, "pull_request": {"number": number}}

    def find_line(self, number: int) -> str:
        """What the plan comment gives to be pasted."""
        plans = "\n".join(self.world.find(number, "plan"))
        found = re.search(r"^/vtspec apply .*$", plans, re.M)
        return found[0] if found else "/vtspec apply"

    def describe(self) -> Mapping[str, Any]:
        """All that is there, without times and ids."""
        world = self.world
        people: dict[int, int] = {}
        for pull in world.pulls.values():
            people |= {one.id: len(people) for one in pull.comments if one.author != BOT}
        return {
            "comments": {
                number: sorted(_mask(one.body, people) for one in at.comments if one.author == BOT)
                for number, at in world.pulls.items()
            },
            "reactions": {
                turn: sorted(
                    one.content
                    for at in world.pulls.values()
                    for one in at.reactions.get(comment, ())
                    if one.content != "eyes"
                )
                for comment, turn in people.items()
            },
            "runs": {
                run: (one.state.status, one.is_at_work, one.is_stopping, dict(one.wanted_by))
                for run, one in world.attempts.items()
            },
            "created": [(run, people[one.comment_id]) for run, one in world.created],
            "statuses": {
                sha: sorted((one.context, one.state) for one in told.values())
                for sha, told in world.statuses.items()
            },
        }


def _mask(text: str, people: Mapping[int, int]) -> str:
    text = re.sub(r"\b1[78]\d{8}\b", "TIME", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z?", "TIME", text)
    return re.sub(
        r"(vtspec:reply )(\d+)", lambda found: f"{found[1]}to-{people[int(found[2])]}", text
    )


def deliver(client: TestClient, delivery: Delivery) -> int:
    """What is answered to a webhook."""
    repository = {"id": 7, "full_name": "acme/vision"}
    body = json.dumps({**delivery.payload, "repository": repository}).encode()
    headers = {
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Delivery": delivery.id,
        "X-Hub-Signature-256": "sha256=" + hmac.digest(SECRET.encode(), body, "sha256").hex(),
    }
    return int(client.post("/webhook", content=body, headers=headers).status_code)


@contextmanager
def open_theatre() -> Iterator[Theatre]:
    theatre = Theatre()
    for _ in range(2):
        theatre.add_controller()
    theatre.world.open(a_spec(PLANS[0]))
    theatre.world.open(a_spec(PLANS[0]), a_spec(PLANS[1]), author="kim")
    theatre.time.live(SWEPT_S)
    yield theatre
    for client in theatre.clients:
        client.close()


def play(acts: Sequence[tuple[str, int, Sequence[Fate]]]) -> Mapping[str, Any]:
    """What comes of it, days later."""
    with open_theatre() as theatre:
        for act, number, fates in acts:
            theatre.act(act, number, fates)
        theatre.time.live(SWEPT_S)
        theatre.time.now += DAYS_S
        theatre.world.pass_time(DAYS_S)
        theatre.time.live(SWEPT_S)
        before = theatre.describe()
        for _, controller, delivery in theatre.waiting:
            assert deliver(theatre.clients[controller], delivery) == 202
        theatre.time.live(SWEPT_S)
        found = theatre.describe()
        # What is told of anew changes nothing.
        assert found == before
        assert [one.said for one in theatre.time.workers] == [[], []]
        return found


FATES = st.lists(
    st.builds(
        Fate,
        controller=st.integers(0, 1),
        # The last ones arrive days later.
        acts_later=st.sampled_from((0, 0, 1, 2, 99)),
        has_new_id=st.booleans(),
    ),
    max_size=3,
)
SCRIPTS = st.lists(
    st.tuples(st.sampled_from((*ACTS, "apply", "apply")), st.sampled_from((1, 2)), FATES),
    min_size=1,
    max_size=7,
)


def check_all_the_same(script: Sequence[tuple[str, int, Sequence[Fate]]]) -> None:
    faultless = play([(act, number, AT_ONCE) for act, number, _ in script])
    assert play(script) == faultless


QUICK = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.slow
@given(script=SCRIPTS)
@QUICK
def test_whatever_befalls_webhooks_they_come_to_the_same(script: Any) -> None:
    check_all_the_same(script)


@pytest.mark.exhaustive
@given(script=SCRIPTS)
@settings(QUICK, max_examples=200)
def test_whatever_befalls_webhooks_they_come_to_the_same_often(script: Any) -> None:
    check_all_the_same(script)


def test_a_burst_while_it_looks_is_one_more_look() -> None:
    """The same ones, at once and again and again; each is answered."""
    theatre = Theatre()
    theatre.add_controller()
    for _ in range(3):
        theatre.world.open(a_spec(PLANS[0]))
    theatre.time.live(SWEPT_S)
    (worker,) = theatre.time.workers
    answers: list[int] = []
    serve = worker.worker.serve

    def send(turn: int) -> int:
        number = turn % 3 + 1
        payload = {"action": "synchronize", "pull_request": {"number": number}}
        delivery = Delivery(id=f"{number}", event="pull_request", payload=payload)
        return deliver(theatre.clients[0], delivery)

    def serve_amid(*given: Any) -> Pass:
        if not answers:
            with ThreadPoolExecutor(8) as threads:
                answers.extend(threads.map(send, range(120)))
        return serve(*given)

    worker.worker.serve = serve_amid
    looks = worker.looks
    worker.worker.tell(1)
    theatre.time.live(1.0)
    assert answers == [202] * 120
    assert worker.looks == looks + 2
