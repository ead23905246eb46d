"""The plan comment: what a pull request would have carried out, for how much, and how to say so.
Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from vtspec.pipelines.drafting.language import detect_language
from vtspec.pipelines.estimation.estimate import Estimate
from vtspec.pipelines.formatting import (
    MISSING,
    format_cost,
    format_duration,
    join_ends,
    pluralize,
)
from vtspec.pipelines.language import Sentence, Tongue
from vtspec.pipelines.operations.pull_request import Reach
from vtspec.pipelines.planning.diff import find_worst_effect
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.planning.plan_phrases import (
    EFFECTS,
    MEANINGS,
    UNKNOWN,
    describe_plan,
    format_costs,
    format_time,
    shorten_value,
)
from vtspec.pipelines.planning.prior_runs import Comparison
from vtspec.pipelines.reporting.escape import render_cell, render_code
from vtspec.pipelines.reporting.render.markdown_budget import (
    join_blocks,
    render_bullets,
    render_details,
    render_table,
)
from vtspec.schema.problem import Problem

from . import run_replies
from .approval import choose_team, describe_approvers, find_budget_problem
from .comment_text import render_sha, split_text
from .digests import (
    Target,
    list_changed,
    list_targets,
    shorten_digests,
    strip_digest,
    write_line,
    write_lines,
)
from .ledger import Ledger
from .markers import Shown, make_marker, render_shown
from .replies import describe_run, explain_help
from .request import find_bar, find_standing, list_open
from .view import PlannedSpec, PullRequestView, View

_SENTENCE: Final = 600
_ROOM: Final = 8_000
"""Characters of one list or table in the comment."""

_PLANS_ROOM: Final = 40_000
"""Those of the plans that one line carries out, each of which is to be seen."""

_MARKS: Final = {True: "✅", False: "❌", None: "❔"}


_HINT: Final = Sentence(
    en="`/vtspec plan SPEC` tells of one experiment",
    ko="`/vtspec plan SPEC`로 실험 하나를 볼 수 있습니다",
)


def render_plan_comment(
    seen: PullRequestView, view: View, ledger: Ledger, shown: Shown
) -> tuple[str, str]:
    """The comment, of at most 60,000 characters, and what did not fit into it."""
    tongue = detect_language([seen.pull.title])
    first = [spec for spec in seen.specs if spec.cause != "affected"]
    others = [spec for spec in seen.specs if spec.cause == "affected"]
    page = _Page(seen, view, ledger, tongue)
    head = join_blocks([f"{make_marker('plan')}\n{render_shown(shown)}", page.render_title()])
    body = [
        page.render_table(first),
        page.render_ending(),
        *(page.render_spec(spec) for spec in first),
        page.render_affected(others),
        page.render_removed(),
        page.tell_english(),
        page.render_help(),
    ]
    return split_text(
        join_blocks([head, *body]) + "\n", seen.full_text, hint=_HINT.say(tongue), tongue=tongue
    )


_ENGLISH_ONLY: Final = Sentence(
    en="Messages of validation and warnings are in English.",
    ko="검증 메시지와 경고는 영어로만 제공됩니다.",
)


class _Page:
    """The parts of a plan comment of one pull request, in one language."""

    def __init__(self, seen: PullRequestView, view: View, ledger: Ledger, tongue: Tongue) -> None:
        self._seen, self._view, self._ledger = seen, view, ledger
        self._tongue: Tongue = tongue
        self._short = shorten_digests(seen.specs)

    def _say(self, en: str, ko: str) -> str:
        return Sentence(en=en, ko=ko).say(self._tongue)

    def render_title(self) -> str:
        sha = render_sha(self._seen.pull.head_sha)
        title = self._say(f"## Plan of {sha}", f"## {sha}의 계획")
        notes = [title]
        if not self._seen.specs:
            notes.append(
                self._say(
                    "This pull request changes no experiment, and no plan becomes another by it.",
                    "이 풀 리퀘스트는 실험을 바꾸지 않으며, 달라지는 계획도 없습니다.",
                )
            )
        if self._seen.changes_project:
            notes.append(
                self._say(
                    "> ⚠️ It changes `vtspec.yaml`. Who may approve, limits and clusters are those "
                    "of the default branch until it is merged.",
                    "> ⚠️ `vtspec.yaml`을 바꿉니다. 병합 전까지 승인 권한, 한도, 클러스터는 기본 "
                    "브랜치의 것을 따릅니다.",
                )
            )
        return join_blocks(notes)

    def render_table(self, specs: Sequence[PlannedSpec]) -> str:
        rows = [
            row
            for spec in specs
            for row in (
                [self._render_row(target) for target in list_targets([spec])]
                or [
                    [
                        render_cell(spec.name),
                        MISSING,
                        self._say("no plan", "계획 없음"),
                        MISSING,
                        MISSING,
                    ]
                ]
            )
        ]
        header = (
            ["실험", "다이제스트", "상태", "시간", "비용"]
            if self._tongue == "ko"
            else ["experiment", "digest", "what comes of it", "time", "cost"]
        )
        return render_table(header, rows, _PLANS_ROOM, tongue=self._tongue) if rows else ""

    def _render_row(self, target: Target) -> list[str]:
        plan = target.plan
        seed = f" {self._say('seed', '시드')} {plan.training.seed}"
        seeds = seed if len(target.spec.plans) > 1 else ""
        digest = self._short[strip_digest(plan.digest)]
        return [
            f"{render_cell(plan.name)}{seeds}",
            render_cell(digest, 64),
            self._describe_standing(target),
            *self._tell_expense(target),
        ]

    def _tell_expense(self, target: Target) -> tuple[str, str]:
        """The time and the cost of a plan: what they are thought to be, or, once it has run and
        is not run again, what they were."""
        plan, standing = target.plan, find_standing(target, self._ledger)
        attempt = standing.attempt
        if standing.is_completion:
            return MISSING, self._say("counts for no limit", "한도에 세지 않음")
        if standing.begin is not None or attempt is None or attempt.is_at_work:
            return format_time(plan.estimate, self._tongue), format_costs(plan, self._tongue)
        took, spent = attempt.state.clock.seconds, attempt.spent
        time, cost = MISSING, MISSING
        if took > 0:
            told = format_duration(took, tongue=self._tongue)
            time = self._say(f"took {told}", f"{told} 걸림")
        if spent is not None:
            amount = format_cost(spent, attempt.currency)
            cost = self._say(f"cost about {amount}", f"약 {amount} 사용")
        return time, cost

    def _describe_standing(self, target: Target) -> str:
        standing = find_standing(target, self._ledger)
        attempt = standing.attempt
        run = "" if attempt is None else render_cell(attempt.run, 63)
        if target.spec.obstacles and standing.begin is not None:
            return self._say("❌ cannot be carried out", "❌ 실행할 수 없음")
        match standing.begin:
            case "new":
                return self._say("a new run", "새 실행")
            case "again":
                return self._say(f"a new run; {run} failed", f"새 실행 ({run} 실패)")
            case "resume":
                return self._say(f"goes on with {run}", f"{run} 이어서")
            case "completion":
                return self._say(f"same result, other policy: {run}", f"결과는 {run}, 정책만 다름")
            case None if standing.is_at_work:
                return self._say(f"runs: {run}", f"실행 중: {run}")
            case None:
                told = "" if attempt is None else describe_run(attempt).say(self._tongue)
                return self._say(f"already run: {run}, {told}", f"이미 실행됨: {run}, {told}")

    def _tell_why_none(self) -> str:
        stuck = [one for one in self._seen.specs if one.obstacles or one.refusal or not one.plans]
        if any(one.cause == "changed" for one in stuck):
            return self._say(
                "Nothing can be carried out; why stands below.",
                "실행할 수 있는 것이 없습니다. 이유는 아래에 있습니다.",
            )
        return self._say("Nothing is left to carry out.", "더 실행할 것이 없습니다.")

    def render_ending(self) -> str:
        """Who may approve, and the line to paste."""
        who = describe_approvers(self._view.project).say(self._tongue)
        approvers = self._say(f"**Who may approve:** {who}.", f"**승인할 수 있는 사람:** {who}.")
        if not list_changed(self._seen.specs):
            return approvers if list_targets(self._seen.specs) else ""
        targets = list_open(list_changed(self._seen.specs), self._ledger)
        if not targets:
            return join_blocks([approvers, self._tell_why_none()])
        bar = find_bar(self._seen, self._view)
        told = self._render_lines(targets) if bar is None else (bar.say(self._tongue),)
        return join_blocks([approvers, self._tell_whole(targets), self._warn(targets), *told])

    def _tell_whole(self, targets: Sequence[Target]) -> str:
        """What plans come to together; of one alone its row says it."""
        estimates = [one.plan.estimate for one in self._list_costly(targets)]
        if len(estimates) < 2:
            return ""
        costs = _add_costs(estimates, self._tongue)
        seconds = [one.whole_seconds for one in estimates if one.whole_seconds is not None]
        # One after another, as a team with a small quota has them.
        known = len(seconds) == len(estimates)
        time = (
            format_duration(sum(seconds), "rough", self._tongue)
            if known
            else UNKNOWN.say(self._tongue)
        )
        many = pluralize(len(estimates), "plan")
        return self._say(
            f"{many} together: {costs}, and {time} one after another.",
            f"계획 {len(estimates)}개를 모두 실행하면: {costs}, 차례로 실행하면 {time}.",
        )

    def _list_costly(self, targets: Sequence[Target]) -> list[Target]:
        """Those that are not what a result lacks alone, which counts for nothing."""
        return [one for one in targets if not find_standing(one, self._ledger).is_completion]

    def _warn(self, targets: Sequence[Target]) -> str:
        """Which limits of teams the plans would pass, where the team is known beforehand."""
        found, spent = [], dict[str, float]()
        for target in self._list_costly(targets):
            team = choose_team(target.plan, "", self._view.project)
            if team is None:
                continue
            before = spent.setdefault(team, self._ledger.count_spent(team))
            cost = target.plan.estimate.cost
            problem = find_budget_problem(team, cost, before, self._view.project)
            if problem is None:
                spent[team] += cost or 0.0
            else:
                found.append(f"⚠️ {run_replies.put_before(target, problem).say(self._tongue)}")
        return render_bullets(found, _ROOM, self._tongue) if found else ""

    def _render_lines(self, targets: Sequence[Target]) -> Iterator[str]:
        sha = render_sha(self._seen.pull.head_sha)
        match self._view.project.approval.when:
            case "approval":
                yield self._say(
                    f"A review that approves {sha} carries these plans out.",
                    f"{sha}을(를) 승인하는 리뷰가 이 계획들을 실행합니다.",
                )
            case "merge":
                yield self._say(
                    "The merge carries these plans out, if it leaves them as they are here.",
                    "병합하면 이 계획들이 실행됩니다 (병합 결과가 여기와 같을 때).",
                )
            case "comment":
                names = sorted({one.plan.name for one in targets})
                what = ", ".join(map(render_code, names)) if len(names) < 4 else "all of it"
                line = write_line(targets, self._seen.specs)
                is_one = "\n" not in line
                each = "as a comment" if is_one else "each line as a comment of its own"
                yield self._say(
                    f"To carry {what} out, paste {each}:",
                    "실행하려면 댓글로 붙여 넣으세요"
                    + (":" if is_one else " (한 줄마다 새 댓글로):"),
                )
                yield f"```\n{line}\n```"

    def render_spec(self, spec: PlannedSpec) -> str:
        title = f"### {render_code(spec.name)}"
        plan = spec.plans[0] if spec.plans else None
        return join_blocks(
            [
                title,
                "" if plan is None else render_code(describe_plan(plan, self._tongue), _SENTENCE),
                render_bullets(list(self._list_notes(spec, plan)), _ROOM, self._tongue),
                self._render_changes(spec.base),
                self._render_comparisons(spec),
            ]
        )

    def _list_notes(self, spec: PlannedSpec, plan: Plan | None) -> Iterator[str]:
        for problem in spec.problems:
            yield _render_problem(problem, self._tongue)
        if spec.refusal is not None:
            yield f"❌ {render_code(spec.refusal, _SENTENCE)}"
        for reach in spec.reach:
            yield self._render_reach(reach)
        for obstacle in spec.obstacles:
            yield f"❌ {render_code(obstacle.say(self._tongue), _SENTENCE)}"
        beside = spec.beside
        unknown = () if beside is None else beside.unknown
        changed = () if beside is None or beside.changed_data is None else (beside.changed_data,)
        for warning in (*(plan.warnings if plan is not None else ()), *unknown, *changed):
            yield f"⚠️ {render_code(warning, _SENTENCE)}"
        if beside is not None and beside.update is not None:
            again = self._say("made anew of the result", "결과에서 새로 만드는 것")
            yield f"{again}: {render_code(beside.update, _SENTENCE)}"

    def _render_reach(self, reach: Reach) -> str:
        what = self._say(reach.what, {"data": "데이터", "weights": "가중치"}[reach.what])
        where = {
            True: self._say("can be fetched from the cluster", "클러스터에서 가져올 수 있음"),
            False: self._say("cannot be fetched from the cluster", "클러스터에서 가져올 수 없음"),
            None: self._say("not known, it could not be asked", "확인할 수 없었음"),
        }[reach.is_reached]
        note = f" ({render_code(reach.note, _SENTENCE)})" if reach.note else ""
        return f"{_MARKS[reach.is_reached]} {what}: {where}{note}"

    def _render_changes(self, other: Comparison | None) -> str:
        if other is None:
            return ""
        if not other.changes:
            return self._say(
                "Nothing of its plan differs from the base.", "기준 브랜치와 같은 계획입니다."
            )
        many = pluralize(len(other.changes), "change")
        summary = self._say(
            f"{many} against the base", f"기준 브랜치와 다른 점 {len(other.changes)}개"
        )
        return render_details(summary, _render_comparison(other, self._tongue))

    def _render_comparisons(self, spec: PlannedSpec) -> str:
        beside = spec.beside
        found = () if beside is None else (beside.baseline, beside.last)
        return join_blocks(
            [
                render_details(
                    # A name of a spec or of a run, which is a DNS label.
                    self._say(f"against {other.name}", f"{other.name}과(와) 비교"),
                    _render_comparison(other, self._tongue),
                )
                for other in found
                if other is not None and other.changes
            ]
        )

    def render_affected(self, specs: Sequence[PlannedSpec]) -> str:
        """The experiments whose plan becomes another, which nobody has asked for."""
        if not specs:
            return ""
        title = self._say(
            "### Experiments whose plan becomes another", "### 계획이 달라지는 다른 실험"
        )
        note = self._say(
            "What this pull request changes (data, lock, image or `vtspec.yaml`) is part of them. "
            "None of them runs unasked.",
            "이 풀 리퀘스트가 바꾸는 것(데이터, 잠금 파일, 이미지, `vtspec.yaml`)이 포함된 "
            "실험입니다. 따로 요청하지 않으면 실행되지 않습니다.",
        )
        why = [line for spec in specs for line in self._list_reasons(spec)]
        rows = join_blocks([self.render_table(specs), render_bullets(why, _ROOM, self._tongue)])
        targets = list_open(list_targets(specs), self._ledger)
        if not targets:
            return join_blocks([title, note, rows])
        told, costly = "", self._list_costly(targets)
        if costly:
            whole = _add_costs([one.plan.estimate for one in costly], self._tongue)
            told = self._say(
                f"To bring {pluralize(len(costly), 'plan')} up to date costs about {whole}.",
                f"계획 {len(costly)}개를 최신으로 만드는 비용은 약 {whole}입니다.",
            )
        return join_blocks([title, note, rows, told, *self._render_affected_lines(targets)])

    def _list_reasons(self, spec: PlannedSpec) -> Iterator[str]:
        """What makes the plan of a spec whose file stays another, or keeps it from being one."""
        name = render_code(spec.name)
        for line in self._list_notes(spec, None):
            yield f"{name}: {line}"
        for one in spec.base.changes if spec.base is not None else ():
            values = (render_code(shorten_value(value)) for value in (one.before, one.after))
            yield f"{name}: {render_code(one.path, 100)} {' → '.join(values)}"

    def _render_affected_lines(self, targets: Sequence[Target]) -> Iterator[str]:
        bar = find_bar(self._seen, self._view)
        when = self._view.project.approval.when
        if bar is not None:
            yield bar.say(self._tongue)
            return
        if when == "approval":
            yield run_replies.REVIEWS_ITS_OWN.say(self._tongue)
            return
        if when == "merge" and self._seen.pull.state == "open":
            yield run_replies.AFTER_MERGE.say(self._tongue)
        else:
            yield self._say("For that, paste as a comment:", "실행하려면 댓글로 붙여 넣으세요:")
        for line in write_lines(targets, self._seen.specs):
            yield f"```\n{line}\n```"

    def tell_english(self) -> str:
        """That what is quoted in English is so in either language."""
        notes = [line for spec in self._seen.specs for line in self._list_english(spec)]
        if self._tongue == "en" or not notes:
            return ""
        return _ENGLISH_ONLY.say(self._tongue)

    def _list_english(self, spec: PlannedSpec) -> Iterator[str]:
        yield from (one.message for one in spec.problems)
        yield from (one.note for one in spec.reach if one.note)
        yield from (warning for plan in spec.plans[:1] for warning in plan.warnings)
        if spec.refusal is not None:
            yield spec.refusal
        beside = spec.beside
        if beside is not None:
            yield from (*beside.unknown, *filter(None, (beside.changed_data, beside.update)))

    def render_removed(self) -> str:
        """The experiments that it takes away, of which nothing runs."""
        removed = self._seen.removed
        if not removed:
            return ""
        title = self._say("### Experiments that it removes", "### 삭제되는 실험")
        note = self._say(
            "What has run of them stays, and is found by the name of its run.",
            "이미 실행된 결과는 남으며, 실행 이름으로 찾을 수 있습니다.",
        )
        return join_blocks(
            [
                title,
                render_bullets([render_code(one) for one in removed], _ROOM, self._tongue),
                note,
            ]
        )

    def render_help(self) -> str:
        return render_details(self._say("Commands", "명령"), explain_help().say(self._tongue))


def _render_problem(problem: Problem, tongue: Tongue) -> str:
    mark = "❌" if problem.severity == "error" else "⚠️"
    where = f"{problem.file}:{problem.line}" if problem.line else problem.file
    what = f"{problem.path}: {problem.message}" if problem.path else problem.message
    label = Sentence(en="fix", ko="해결").say(tongue)
    fix = f"; {label}: {render_code(problem.fix, _SENTENCE)}" if problem.fix else ""
    return f"{mark} {render_code(where, 200)} {render_code(what, _SENTENCE)}{fix}"


def _render_comparison(other: Comparison, tongue: Tongue) -> str:
    rows = [
        [
            render_cell(one.path, 100),
            render_cell(shorten_value(one.before), 100),
            render_cell(shorten_value(one.after), 100),
            EFFECTS[one.effect].say(tongue),
        ]
        for one in other.changes
    ]
    worst = find_worst_effect(other.changes)
    meaning = (
        "" if worst is None else f"{EFFECTS[worst].say(tongue)}: {MEANINGS[worst].say(tongue)}"
    )
    english, korean = ["field", "before", "after", "effect"], ["필드", "이전", "이후", "영향"]
    header = korean if tongue == "ko" else english
    return join_blocks([render_table(header, rows, _ROOM, tongue=tongue), meaning])


def _add_costs(estimates: Iterable[Estimate], tongue: Tongue) -> str:
    """What several plans cost together; not known where one of them is not."""
    found = list(estimates)
    costs = [one.cost for one in found if one.cost is not None]
    if len(costs) < len(found):
        return UNKNOWN.say(tongue)
    bounds = [one.whole_range for one in found]
    whole, currency = sum(costs), found[0].currency
    if any(one is None for one in bounds):
        return format_cost(whole, currency)
    low = high = 0.0
    for one in found:
        if one.whole_range is not None and one.whole_seconds and one.cost is not None:
            low += one.cost * one.whole_range[0] / one.whole_seconds
            high += one.cost * one.whole_range[1] / one.whole_seconds
    ends = join_ends(f"{low:,.2f}", format_cost(high, currency), tongue)
    return f"{format_cost(whole, currency)} ({ends})"
