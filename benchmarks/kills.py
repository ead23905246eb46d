"""Kills vtspec, its adapter, its tracker and all of them, at every step, and counts the damage.

A run of the toy framework is killed several times, each time at one file operation or event that
is drawn from those of a step that is still to come; it is resumed until it is done, and then asked
for with one policy and another, killed as often, until it has the first. It is held against a run
that nobody killed: weights, checkpoints, epochs, evaluation, plans, the points and versions in
MLflow, what lies in its folder, and what processes live. Prints

- lost: runs that do not end well, or whose weights, epochs, evaluation, plans or points lack
  something;
- doubled: epochs and updates, and points and versions in MLflow, that are there twice;
- left over: files that the unbroken run does not have, and processes that outlive the run.

vtspec and the tracker are forked from this process, which has imported all that they need, since
starting Python 1,000 times would take most of the time; they run the code of the commands. The
pictures of the report, which are drawn in memory, are those of the first run.

Run: python benchmarks/kills.py [--kills N] [--seed N]
"""

import argparse
import collections
import importlib
import itertools
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast

import sqlalchemy.orm

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from local_repository import Repository, Watcher, a_local, a_repository  # noqa: E402
from toy_runs import name_plan  # noqa: E402
from vtspec.pipelines.address import parse_address  # noqa: E402
from vtspec.pipelines.execution.local import RunOptions  # noqa: E402
from vtspec.pipelines.operations.run import write_run_report  # noqa: E402
from vtspec.pipelines.operations.sync import refuse_edited_plan  # noqa: E402
from vtspec.pipelines.reporting import writer  # noqa: E402
from vtspec.pipelines.reporting.plots.charts import draw_plots  # noqa: E402
from vtspec.pipelines.runs import Run  # noqa: E402
from vtspec.pipelines.runs.events import RunUpdated  # noqa: E402
from vtspec.pipelines.runs.state import PLAN_FILE  # noqa: E402
from vtspec.pipelines.tracking import follower  # noqa: E402

PHASES: Final = ("begin", "data", "train", "evaluate", "export", "report", "end")
UPDATE: Final = "update "
"""What the phases of an update begin with."""
VICTIMS: Final = {"vtspec": 3, "adapter": 3, "tracker": 1, "all": 3}
"""How often each is drawn; without its tracker a run goes on, and is over after the kill."""

KILLS_A_RUN: Final = 14
KILLS_AN_UPDATE: Final = 6
"""Of the policies that a run is asked for in turn once it is done."""

POLICIES: Final[tuple[dict[str, Any], ...]] = (
    {
        "report": {"baseline": None, "gates": ["accuracy >= 0.1"]},
        "tracking": {"experiment": "shapes", "registerAs": "shapes"},
    },
    {"description": "Why not?"},
)
"""What a run that is done is asked for; it ends with the first."""

SYNC_S: Final = 60.0
"""How long `sync` is tried after a run; a failure then shows as what MLflow lacks."""

COUNTED: Final = frozenset(
    "open os.rename os.remove os.mkdir os.rmdir os.truncate os.link subprocess.Popen".split()
)
"""Python's audit events that a process is killed at; writes are met between two of them."""

ADAPTER_HOOK: Final = """
import os, sys
step, at = os.environ.get("KILL_STEP"), int(os.environ.get("KILL_AT", 0))
if "vtspec.adapters" in sys.orig_argv and (step in sys.orig_argv or "KILL_COUNT" in os.environ):
    counted, where = set(os.environ["KILL_COUNTED"].split()), os.environ["KILL_WHERE"]
    file = os.environ.get("KILL_COUNT")
    seen = 0
    def hook(event, arguments):
        global seen
        if event in counted and where in str(arguments[0]):
            seen += 1
            if seen == at:
                open(os.environ["KILL_MARK"], "w").close()
                os.kill(os.getpid(), 9)
            elif file:
                os.write(log, (sys.orig_argv[3] + "\\n").encode())
    if file:
        log = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    sys.addaudithook(hook)
"""
"""The same in the adapter, which Python imports as its `sitecustomize`."""


@dataclass(kw_only=True)
class Bomb:
    """Kills at the `at`-th operation of a phase; counts the operations of each where `at` is 0."""

    victim: str = "nobody"
    phase: str = ""
    at: int = 0
    prefix: str = ""
    now: str = ""
    seen: collections.Counter[str] = field(default_factory=collections.Counter)
    others: list[int] = field(default_factory=list)
    mark: Path = Path(os.devnull)

    def __post_init__(self) -> None:
        self.now = f"{self.prefix}begin"

    def tick(self) -> None:
        """One more operation of the present phase."""
        self.seen[self.now] += 1
        if self.at and self.now == self.phase and self.seen[self.now] == self.at:
            # The others first: what is dead kills nobody.
            self.mark.touch()
            for pid in self.others if self.victim == "all" else ():
                kill(pid)
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, where: str) -> None:
        """Count this process's operations below the folder `where`."""

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event in COUNTED and (event == "subprocess.Popen" or where in str(arguments[0])):
                self.tick()

        sys.addaudithook(hook)


class Forked:
    """A child of this process, as far as a `Follower` looks at it."""

    def __init__(self, pid: int, *, is_spared: bool = False) -> None:
        self.pid, self.is_spared, self.code = pid, is_spared, cast("int | None", None)

    def poll(self) -> int | None:
        """Its exit status, None while it lives."""
        if self.code is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = status if found else None
        return self.code

    def kill(self) -> None:
        """SIGKILL, unless it has ended or still has to write down what it counted."""
        if self.poll() is None and not self.is_spared:
            kill(self.pid)

    def wait(self) -> int:
        """Wait for its end."""
        while self.poll() is None:
            time.sleep(0.005)
        return self.code or 0


def kill(pid: int) -> None:
    """SIGKILL, to whoever is still there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def fork(work: Callable[[], object]) -> int:
    """A child that does `work` and ends; of this process's files it has the first three."""
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    os.closerange(3, 200)
    code = 1
    try:
        work()
        code = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


@dataclass(kw_only=True)
class Stage:
    """A repository, its MLflow, and where children write down what they counted."""

    repository: Repository
    scratch: Path
    policy: Mapping[str, Any] = field(default_factory=dict)

    @property
    def asked(self) -> Repository:
        """The repository, its plan with the policy that is asked for now."""
        plan = name_plan({**self.repository.plan, **self.policy})
        return replace(self.repository, plan=plan)

    @property
    def uri(self) -> str:
        """The MLflow of the runs."""
        return f"sqlite:///{self.database}"

    @property
    def database(self) -> Path:
        """The file of that MLflow."""
        return Path(self.where) / "mlflow.db"

    @property
    def where(self) -> str:
        """The folder that operations are counted in."""
        return str(self.repository.root / "runs")

    def carry_out(self, choice: RunOptions, bomb: Bomb) -> bool:
        """Do what `vtspec run` does, in a child, until it ends; whether somebody was killed."""
        bomb.mark = self.scratch / "killed"
        bomb.mark.unlink(missing_ok=True)
        pid = fork(lambda: self._run(choice, bomb))
        os.waitpid(pid, 0)
        return bomb.mark.exists()

    def sync(self) -> None:
        """Do what `vtspec sync` does with the last run, and again while it says to."""
        run = self.repository.runs.list_runs()[-1]
        # A tracker whose vtspec was killed makes its last try; sync says to wait for it.
        deadline = time.monotonic() + SYNC_S
        while time.monotonic() < deadline:
            pid = fork(lambda: follower.sync_run(run.path, parse_address(self.uri)))
            if os.waitpid(pid, 0)[1] == 0:
                return
            time.sleep(0.5)

    def _run(self, choice: RunOptions, bomb: Bomb) -> None:
        log = os.open(self.scratch / "output.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        path = [str(self.scratch / "hook"), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ |= {"PYTHONPATH": os.pathsep.join(path), "KILL_WHERE": self.where}
        os.environ |= {"KILL_COUNTED": " ".join(sorted(COUNTED)), "KILL_MARK": str(bomb.mark)}
        if bomb.victim == "adapter":
            os.environ |= {"KILL_STEP": bomb.phase, "KILL_AT": str(bomb.at)}
        elif bomb.victim == "nobody":
            os.environ["KILL_COUNT"] = str(self.scratch / "adapter.txt")
        mine = bomb if bomb.victim in ("vtspec", "all", "nobody") else Bomb()
        watcher = Watcher()
        runner = a_local(
            self.asked,
            watcher,
            write_report=write_run_report,
            track=lambda folder: self._track(folder, bomb, mine),
            told=lambda event, state: _follow_phase(mine, event, self.repository),
        )
        mine.watch(self.where)
        result = runner.run(self.asked.planned, choice, "vtspec run shapes")
        if bomb.victim == "nobody":
            (self.scratch / "vtspec.json").write_text(json.dumps(mine.seen))
        if result.outcome is None or not result.outcome.is_good:
            print("ended as", result.outcome, flush=True)

    def _track(self, folder: Path, bomb: Bomb, mine: Bomb) -> follower.Follower:
        def follow() -> None:
            counted = bomb if bomb.victim in ("tracker", "nobody") else Bomb()
            inner = replace(counted, phase=f"{bomb.prefix}begin", seen=collections.Counter())
            inner.watch(self.where)
            # On a busy machine a nice process takes minutes, which every run would wait for.
            os.nice = lambda _: 0
            follower.main([str(folder), self.uri], refuse_edited_plan)
            if bomb.victim == "nobody":
                (self.scratch / "tracker.json").write_text(json.dumps(inner.seen))

        pid = fork(follow)
        mine.others.append(pid)
        spared = Forked(pid, is_spared=bomb.victim == "nobody")
        return follower.Follower(folder, cast(Any, spared), parse_address(self.uri))


def _follow_phase(bomb: Bomb, event: Any, repository: Repository) -> None:
    if event.kind == "step.started":
        bomb.now = f"{bomb.prefix}{event.step}"
    elif event.kind == "run.finished":
        bomb.now = f"{bomb.prefix}end"
    if bomb.victim == "all":
        holder = repository.runs.list_runs()[-1].find_holder()
        adapter = None if holder is None else holder.adapter
        bomb.others = [*bomb.others[:1], *([] if adapter is None else [adapter])]
    bomb.tick()


CARD = "model/README.md"


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What two runs of one plan must agree in."""

    artifacts: Mapping[str, str]
    card: str
    epochs: Any
    evaluation: Any
    checkpoints: Mapping[str, Any]
    plans: tuple[object, ...]
    updates: tuple[str | None, ...]
    versions: int
    points: Mapping[tuple[str, int], int]
    files: frozenset[str]
    status: tuple[str, str]


def read_traits(run: Run, database: Path) -> Traits:
    """The traits of a run that is done."""
    state = run.read_state()
    folder = run.path / "checkpoints"
    trained = json.loads((run.path / PLAN_FILE).read_text())
    with closing(sqlite3.connect(database)) as mlflow:
        ids = [
            row[0]
            for row in mlflow.execute(
                "select run_uuid from tags where key = 'vtspec.run' and value = ?", [run.name]
            )
        ]
        statuses = list(mlflow.execute("select status from runs where run_uuid = ?", ids[:1]))
        (versions,) = mlflow.execute(
            "select count(*) from model_versions where run_id = ?", ids[:1]
        ).fetchone()
        points = collections.Counter(
            (str(key), int(step))
            for key, step in mlflow.execute(
                f"select key, step from metrics where run_uuid in ({','.join('?' * len(ids))})",
                ids,
            )
            # How fast it was is told as often as there is time to.
            if not key.startswith(("progress", "speed", "images_per", "train_progress"))
        )
    metrics = json.loads((run.path / "metrics.json").read_text())
    for row in (*metrics["epochs"], metrics["best"]):
        row.pop("seconds", None)
    return Traits(
        artifacts={
            k: v for k, v in state.artifacts.items() if k.startswith("model/") and k != CARD
        },
        # It names its run, as the command that asks it.
        card=(run.path / CARD).read_text().replace(run.name, "RUN"),
        epochs=metrics,
        evaluation=json.loads((run.path / "evaluation.json").read_text()),
        checkpoints={
            path.name: json.loads(path.read_text())
            for path in sorted((*folder.glob("*.json"), *folder.glob("*/manifest.json")))
        },
        plans=(trained, run.read_plan()),
        updates=tuple(
            one.body.completion for one in run.read_events() if isinstance(one.body, RunUpdated)
        ),
        versions=int(versions),
        points=points,
        files=frozenset(
            str(path.relative_to(run.path)).replace(run.name, "RUN")
            for path in run.path.rglob("*")
        ),
        status=(state.status, str(statuses[0][0]) if len(ids) == 1 and statuses else "?"),
    )


def judge(found: Traits, whole: Traits) -> Iterator[tuple[str, str]]:
    """What of a killed run differs from the unbroken one: (lost, doubled or left over; what)."""
    if found.status != whole.status:
        yield "lost", f"it is {found.status}"
    for name in ("artifacts", "card", "epochs", "evaluation", "checkpoints", "plans"):
        if getattr(found, name) != getattr(whole, name):
            yield "lost", f"its {name} differ"
    lacking = sorted(key for key in whole.points if key not in found.points)
    if lacking:
        yield "lost", f"MLflow lacks {lacking[:3]}"
    doubled = sorted(key for key, count in found.points.items() if count > whole.points[key])
    if doubled:
        yield "doubled", f"MLflow has {len(doubled)} points too many: {doubled[:3]}"
    if found.versions != whole.versions:
        kind = "lost" if found.versions < whole.versions else "doubled"
        yield kind, f"MLflow has {found.versions} versions of its model"
    if any(one == other for one, other in itertools.pairwise(found.updates)):
        yield "doubled", f"it was updated to {found.updates}"
    epochs = collections.Counter(row["epoch"] for row in found.epochs["epochs"])
    if any(count > 1 for count in epochs.values()):
        yield "doubled", f"epochs {epochs}"
    more = sorted(found.files - whole.files)
    if more:
        yield "left over", f"{more[:4]}"


def list_processes(where: str) -> list[int]:
    """Processes whose command line names the folder: adapters that outlive their run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if where.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def measure(stage: Stage) -> dict[str, dict[str, int]]:
    """Carry out a run and its updates that nobody kills; the operations of each process in each
    phase."""
    stage.carry_out(RunOptions(again=True), Bomb())
    stage.sync()
    vtspec, tracker = read_counts(stage)
    lines = (stage.scratch / "adapter.txt").read_text().split()
    for policy in (*POLICIES, POLICIES[0]):
        stage.policy = policy
        stage.carry_out(RunOptions(), Bomb(prefix=UPDATE))
        stage.sync()
    stage.policy = {}
    update, following = read_counts(stage)
    counts = {phase: vtspec[phase] for phase in PHASES if vtspec.get(phase)} | update
    return {
        "vtspec": counts,
        "all": counts,
        "adapter": dict(collections.Counter(lines)),
        "tracker": {"begin": tracker["begin"], **following},
    }


def read_counts(stage: Stage) -> tuple[dict[str, int], dict[str, int]]:
    """What vtspec and the tracker counted last, by phase."""
    files = [stage.scratch / f"{name}.json" for name in ("vtspec", "tracker")]
    vtspec, tracker = (json.loads(file.read_text()) for file in files)
    return vtspec, tracker


def draw_bomb(
    draw: random.Random, run: Run | None, counts: Mapping[str, Mapping[str, int]]
) -> Bomb:
    """A kill in one of the next phases: farther ones would leave the run few to be killed in."""
    state = None if run is None else run.read_state()
    victim = draw.choices(list(VICTIMS), list(VICTIMS.values()))[0]
    phases = [phase for phase in counts[victim] if not phase.startswith(UPDATE)]
    ahead = [one for one in phases if state is None or not state.has_done(one)]
    phase = draw.choice(ahead[:3] or ["end"])
    return Bomb(victim=victim, phase=phase, at=draw.randint(1, counts[victim].get(phase, 1)))


def draw_update_bomb(draw: random.Random, counts: Mapping[str, Mapping[str, int]]) -> Bomb:
    """A kill in an update, in which no adapter works."""
    victim = draw.choice([one for one in VICTIMS if one != "adapter"])
    phase = draw.choice([one for one in counts[victim] if one.startswith(UPDATE)])
    at = draw.randint(1, counts[victim][phase])
    return Bomb(victim=victim, phase=phase, at=at, prefix=UPDATE)


@dataclass(kw_only=True)
class Tally:
    """What came of the kills so far."""

    kills: int = 0
    by: collections.Counter[str] = field(default_factory=collections.Counter)
    faults: dict[str, list[str]] = field(
        default_factory=lambda: {"lost": [], "doubled": [], "left over": []}
    )

    def show(self, runs: int) -> None:
        """Print the figures."""
        print(f"{self.kills} kills over {runs} runs: {dict(sorted(self.by.items()))}")
        for kind, found in self.faults.items():
            print(f"{kind}: {len(found)}" + (f" {found[:5]}" if found else ""))


def find_open_run(stage: Stage, before: int) -> tuple[Run | None, RunOptions | None]:
    """The run that was begun last, and how it goes on; None where it is done."""
    every = stage.repository.runs.list_runs()
    run = every[-1] if len(every) > before else None
    if run is not None and run.ending == "succeeded":
        return run, None
    return run, RunOptions(again=run is None, resume=run is not None)


def kill_run(stage: Stage, draw: random.Random, counts: Any, tally: Tally, most: int) -> list[str]:
    """One run, killed until it is done or `most` kills are over, and then let go on in peace."""
    before = len(stage.repository.runs.list_runs())
    told: list[str] = []
    while len(told) < min(KILLS_A_RUN, most):
        run, choice = find_open_run(stage, before)
        if choice is None:
            break
        bomb = draw_bomb(draw, run, counts)
        if stage.carry_out(choice, bomb):
            tally.by[f"{bomb.victim} in {bomb.phase}"] += 1
            told.append(f"{bomb.victim}@{bomb.phase}:{bomb.at}")
    for _ in range(3):
        _, choice = find_open_run(stage, before)
        if choice is not None:
            stage.carry_out(choice, Bomb(victim="none"))
    stage.sync()
    told += kill_updates(stage, draw, counts, tally, most - len(told))
    tally.kills += len(told)
    return told


def kill_updates(
    stage: Stage, draw: random.Random, counts: Any, tally: Tally, most: int
) -> list[str]:
    """The last run, asked for with one policy and another while it is killed, then in peace."""
    told: list[str] = []
    for policy in itertools.islice(itertools.cycle(POLICIES), 2 * KILLS_AN_UPDATE):
        stage.policy, was_killed = policy, True
        while was_killed and len(told) < min(KILLS_AN_UPDATE, most):
            bomb = draw_update_bomb(draw, counts)
            was_killed = stage.carry_out(RunOptions(), bomb)
            if was_killed:
                tally.by[f"{bomb.victim} in {bomb.phase}"] += 1
                told.append(f"{bomb.victim}@{bomb.phase}:{bomb.at}")
    stage.policy = POLICIES[0]
    stage.carry_out(RunOptions(), Bomb(victim="none", prefix=UPDATE))
    stage.sync()
    stage.policy = {}
    return told


def find_faults(stage: Stage, whole: Traits) -> Iterator[tuple[str, str]]:
    """What is wrong with the last run."""
    run = stage.repository.runs.list_runs()[-1]
    try:
        yield from judge(read_traits(run, stage.database), whole)
    except (OSError, ValueError, KeyError) as error:
        yield "lost", f"{type(error).__name__}: {error}"
    alive = list_processes(str(run.path))
    if alive:
        yield "left over", f"processes {alive}"


def list_strangers(stage: Stage) -> list[str]:
    """What lies in the folder of the runs and is no run, nor MLflow's, nor the folder's own."""
    known = {run.name for run in stage.repository.runs.list_runs()}
    known |= {"mlartifacts", ".lock", ".gitignore"}
    names = [path.name for path in Path(stage.where).iterdir()]
    return [name for name in names if name not in known and not name.startswith("mlflow.")]


def main() -> int:
    """Kill, resume, compare; 1 where anything is lost, doubled or left over."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    # All that the children need, once.
    importlib.import_module("mlflow.store.tracking.sqlalchemy_store")
    sqlalchemy.orm.configure_mappers()
    draw, tally, runs = random.Random(options.seed), Tally(), 0
    with tempfile.TemporaryDirectory(prefix="vtspec-kills-") as name:
        scratch = Path(name)
        (scratch / "hook").mkdir()
        (scratch / "hook" / "sitecustomize.py").write_text(ADAPTER_HOOK)
        repository = a_repository(scratch / "repository", training={"epochs": 4})
        stage = Stage(repository=repository, scratch=scratch)
        stage.carry_out(RunOptions(), Bomb(victim="none"))
        drawn = draw_plots(writer.read_facts(repository.runs.list_runs()[-1].path))
        writer.__dict__["draw_plots"] = lambda facts: drawn
        counts = measure(stage)
        whole = read_traits(repository.runs.list_runs()[-1], stage.database)
        print(f"an unbroken run has the operations {counts}", flush=True)
        while tally.kills < options.kills:
            runs += 1
            told = kill_run(stage, draw, counts, tally, options.kills - tally.kills)
            for kind, what in find_faults(stage, whole):
                tally.faults[kind].append(what)
                print(f"run {runs}, {kind}: {what}, after {' '.join(told)}", flush=True)
            at = time.strftime("%H:%M:%S")
            print(f"{at} {tally.kills} kills, {runs} runs", file=sys.stderr, flush=True)
        tally.faults["left over"] += list_strangers(stage)
        tally.show(runs)
    return 1 if any(tally.faults.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
