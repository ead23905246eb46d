"""The model-backed drafter over the providers' own SDKs and real HTTP, scenario by scenario."""

import asyncio
import gc
import json
import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from llm_server import AUTH, DIALECTS, PATHS, Dialect, LlmServer, Raw, Reply, Slow, running
from llm_world import (
    KEY,
    WORDS,
    Naps,
    a_drafter,
    a_provider,
    a_repository,
    an_experiment,
    asks,
    person,
    proposes,
    refuses,
    script,
    vtspec,
    whole,
)
from vtspec.pipelines.drafting.checks import filter_errors, find_problems
from vtspec.pipelines.drafting.drafter import draft
from vtspec.pipelines.drafting.llm import LlmDrafter, Settings, Unavailable
from vtspec.pipelines.drafting.llm.providers import MODELS
from vtspec.pipelines.drafting.result import Assumption, Draft, Question
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.project.repository import Repository
from vtspec.schema.load import LoadedSpec

pytestmark = pytest.mark.slow

GOOD = an_experiment()
BAD = an_experiment(training={"epochs": 0})


@pytest.fixture
def around(tmp_path: Path) -> Repository:
    return a_repository(tmp_path)


@pytest.fixture(params=DIALECTS)
def server(request: pytest.FixtureRequest) -> Iterator[LlmServer]:
    dialect: Dialect = request.param
    with running(dialect) as fake:
        yield fake


@pytest.fixture(autouse=True, scope="module")
def everything_is_closed() -> Iterator[None]:
    """A client or a loop that was left open warns when it is collected; a warning is an error."""
    yield
    gc.collect()


def test_words_become_the_spec_that_the_model_proposes(
    server: LlmServer, around: Repository
) -> None:
    why = {"field": "spec.model.pretrained", "value": "true", "why": "it has published weights"}
    script(server, proposes(GOOD, why))
    sketch = a_drafter(server).make_draft(WORDS, around)
    assert sketch == Draft(
        status="complete",
        data=whole(GOOD),
        assumptions=(
            Assumption(field="spec.model.pretrained", value=True, why="it has published weights"),
        ),
    )


def test_the_key_goes_into_the_providers_own_header_and_nowhere_else(
    server: LlmServer, around: Repository
) -> None:
    script(server, proposes(GOOD))
    a_drafter(server).make_draft(WORDS, around)
    (seen,) = server.seen
    assert seen.path == PATHS[server.dialect]
    holders = [name for name, value in seen.headers.items() if KEY in value]
    assert holders == [AUTH[server.dialect]]
    assert KEY not in seen.body


@pytest.mark.parametrize("secret", ["AKIAIOSFODNN7EXAMPLE", "ghp_0123456789abcdefghijABCDEF"])
@pytest.mark.parametrize("where", ["value", "key", "lookup"])
def test_a_secret_that_the_model_makes_up_is_not_sent_back_to_it(
    server: LlmServer, around: Repository, secret: str, where: str
) -> None:
    bad = an_experiment(training={"epochs": 0})
    if where == "lookup":
        looks = Reply(calls=[("search_models", {"words": f"it is {secret}"})])
        script(server, looks, proposes(GOOD))
    else:
        bad["spec"]["params"] = {"note": secret} if where == "value" else {secret: 1}
        script(server, proposes(bad), proposes(GOOD))
    sketch = a_drafter(server).make_draft(WORDS, around)
    assert (sketch.status, len(server.seen)) == ("complete", 2)
    assert not [seen for seen in server.seen if secret in seen.body]
    assert "[hidden]" in server.seen[1].body


def test_where_the_repository_lies_is_not_sent(server: LlmServer, around: Repository) -> None:
    script(server, proposes(GOOD))
    place = f"{around.root}/data/digits"
    a_drafter(server).make_draft([person(f"resnet18 on the digits in {place}, 3 epochs")], around)
    (seen,) = server.seen
    assert str(around.root) not in seen.body
    assert "./data/digits" in seen.body


def test_a_dataset_is_proposed_where_data_is_to_be_registered(
    server: LlmServer, around: Repository
) -> None:
    draft = {
        "metadata": {"name": "birds"},
        "spec": {
            "tasks": ["image-classification"],
            "format": "imagefolder",
            "source": {"dvc": {"path": "data/birds"}},
            "classes": ["crow", "jay"],
            "splits": {"train": {"path": "train"}, "val": {"path": "val"}},
        },
    }
    script(server, proposes(draft, kind="dataset"))
    sketch = a_drafter(server).make_draft(
        [person("data/birds를 birds로 등록, crow jay 두 종류")], around
    )
    assert (sketch.status, sketch.data) == ("complete", whole(draft, "Dataset"))


def test_problems_go_back_to_the_model_which_mends_them(
    server: LlmServer, around: Repository
) -> None:
    script(server, proposes(BAD), proposes(GOOD))
    sketch = a_drafter(server).make_draft(WORDS, around)
    assert (sketch.status, sketch.data, sketch.repairs) == ("complete", whole(GOOD), 1)
    sent_back = server.seen[1].body
    assert "spec.training.epochs" in sent_back
    assert "set epochs to 1 or more" in sent_back


def test_a_spec_that_is_never_valid_ends_in_one_question_after_three_repairs(
    server: LlmServer, around: Repository
) -> None:
    script(server, proposes(BAD))
    sketch = a_drafter(server).make_draft(WORDS, around)
    assert len(server.seen) == 4
    assert (sketch.status, sketch.repairs) == ("question", 3)
    assert sketch.question is not None
    assert sketch.question.field == "spec.training.epochs"
    assert "set epochs to 1 or more" in sketch.question.text
    assert sketch.data == whole(an_experiment(training={}))


def test_without_repairs_the_first_answer_counts(server: LlmServer, around: Repository) -> None:
    script(server, proposes(BAD), proposes(GOOD))
    sketch = a_drafter(server, settings=Settings(repairs=0)).make_draft(WORDS, around)
    assert (sketch.status, sketch.repairs, len(server.seen)) == ("question", 0, 1)


def test_the_question_about_what_could_not_be_mended_is_in_the_persons_language(
    server: LlmServer, around: Repository
) -> None:
    script(server, proposes(an_experiment(dataset={"ref": "tulips"})))
    sketch = a_drafter(server).make_draft([person("튤립 분류, resnet50")], around)
    assert sketch.question is not None
    assert sketch.question.text.startswith("다음을 정해 주세요: 데이터셋")
    assert sketch.question.choices == ("cats", "chest-xray", "digits", "flowers")


def test_a_question_keeps_the_choices_that_exist_and_what_is_known(
    server: LlmServer, around: Repository
) -> None:
    known = {"spec": {"task": "image-classification", "training": {"epochs": 50}}}
    script(
        server,
        asks("spec.dataset.ref", "어느 데이터셋인가요?", ("cats", "dogs", "flowers"), known),
    )
    sketch = a_drafter(server).make_draft([person("50 에폭 분류")], around)
    assert sketch == Draft(
        status="question",
        data=whole(known),
        question=Question(
            field="spec.dataset.ref", text="어느 데이터셋인가요?", choices=("cats", "flowers")
        ),
    )


def test_what_is_no_request_is_refused(server: LlmServer, around: Repository) -> None:
    script(server, refuses("I can draft specs; say what to train."))
    sketch = a_drafter(server).make_draft([person("what is the weather?")], around)
    assert sketch == Draft(status="refused", reason="I can draft specs; say what to train.")


def test_several_look_ups_in_a_row_are_answered(server: LlmServer, around: Repository) -> None:
    script(
        server,
        Reply(calls=[("list_datasets", {"task": "image-classification"})]),
        Reply(calls=[("inspect_dataset", {"name": "flowers"})]),
        Reply(calls=[("search_models", {"words": "resnet50", "framework": "timm"})]),
        proposes(GOOD),
    )
    sketch = a_drafter(server).make_draft(WORDS, around)
    assert (sketch.status, sketch.repairs) == ("complete", 0)
    assert "garden flowers" in server.seen[1].body
    assert "dandelion" in server.seen[2].body
    assert "25557032" in server.seen[3].body


def test_look_ups_at_once_are_all_answered(server: LlmServer, around: Repository) -> None:
    script(
        server,
        Reply(
            calls=[
                ("show_spec", {"name": "cats-resnet50"}),
                ("explain_field", {"path": "training.batchSize"}),
                ("estimate", {"draft": GOOD}),
            ]
        ),
        proposes(GOOD),
    )
    assert a_drafter(server).make_draft(WORDS, around).status == "complete"
    for words in ("cats-resnet50", "Images per forward pass", "basis"):
        assert words in server.seen[1].body


def test_an_unknown_tool_is_told_and_the_work_goes_on(
    server: LlmServer, around: Repository
) -> None:
    script(server, Reply(calls=[("run_shell", {"command": "id"})]), proposes(GOOD))
    assert a_drafter(server).make_draft(WORDS, around).status == "complete"
    assert "Unknown tool name" in server.seen[1].body


@pytest.mark.parametrize("step", [Reply(), Reply(text="Sure! Here is your spec.")])
def test_an_answer_without_a_tool_is_asked_for_again(
    server: LlmServer, around: Repository, step: Reply
) -> None:
    script(server, step, proposes(GOOD))
    assert a_drafter(server).make_draft(WORDS, around).status == "complete"


@pytest.mark.parametrize("step", [Reply(), Reply(text="No."), Reply(text="half a", cut=True)])
def test_a_model_that_never_calls_a_tool_is_given_up(
    server: LlmServer, around: Repository, step: Reply
) -> None:
    script(server, step)
    with pytest.raises(Unavailable, match="gave no answer that can be used"):
        a_drafter(server).make_draft(WORDS, around)
    assert len(server.seen) <= 5


def test_a_proposal_that_was_cut_short_is_not_taken(around: Repository) -> None:
    with running("openai") as server:
        script(server, Reply(calls=[("propose_experiment", '{"draft": {"metada')], cut=True))
        with pytest.raises(Unavailable):
            a_drafter(server).make_draft(WORDS, around)


@pytest.mark.parametrize("dialect", ["openai", "responses"])
def test_arguments_that_are_no_json_are_asked_for_again(
    dialect: Dialect, around: Repository
) -> None:
    with running(dialect) as server:
        script(server, Reply(calls=[("propose_experiment", "{draft: oops")]), proposes(GOOD))
        assert a_drafter(server).make_draft(WORDS, around).status == "complete"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (Raw(body=b"<html>"), "in a form that cannot be read"),
        (Raw(body=b"[]"), "in a form that cannot be read"),
        (Raw(body=b"[" * 100_000), "in a form that cannot be read"),
        (Raw(body=b'{"a":' * 5_000 + b"1" + b"}" * 5_000), "in a form that cannot be read"),
        (Raw(body=b'{"a": "b"}'), "gave no answer that can be used"),
        (Raw(body=b"{}"), "gave no answer that can be used"),
        (Raw(body=b'{"candidates": 1, "content": 1, "choices": 1, "output": 1}'), "that can"),
        (Raw(body=b'{"id": "x"', lack=500), "broke off its answer"),
        (Raw(body=b"x" * (2**20 + 1)), "more than 1,048,576 bytes"),
        (Raw(status=401, body=b"bad key"), "does not accept the key"),
        (Raw(status=403, body=b"{}"), "does not accept the key"),
        (Raw(status=400, body=b'{"reason": "API_KEY_INVALID"}'), "does not accept the key"),
        (Raw(status=404, body=b"{}"), "has no model 'the-model'"),
        (Raw(status=400, body=b"{}"), "refused the request"),
        (Raw(status=302, headers={"Location": "http://127.0.0.1:1/"}), "refused the request"),
        (Raw(status=500, body=b"{}"), "is down"),
        (Raw(status=503, body=b"oops"), "is down"),
        (Raw(status=429, body=b"{}"), "no quota left"),
    ],
)
def test_a_provider_that_does_not_answer_is_unavailable_and_says_why(
    server: LlmServer, around: Repository, raw: Raw, why: str
) -> None:
    script(server, raw)
    with pytest.raises(Unavailable, match=why) as caught:
        a_drafter(server).make_draft(WORDS, around)
    assert KEY not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_a_redirect_is_not_followed(server: LlmServer, around: Repository) -> None:
    with running(server.dialect) as elsewhere:
        script(elsewhere, proposes(GOOD))
        location = elsewhere.base_url + "/" + PATHS[server.dialect].rpartition("/")[2]
        script(server, Raw(status=307, headers={"Location": location}))
        with pytest.raises(Unavailable):
            a_drafter(server).make_draft(WORDS, around)
        assert elsewhere.seen == []


@pytest.mark.parametrize("step", [Slow(), Slow(drip=True)])
def test_a_slow_provider_is_given_up_at_the_time_limit(
    server: LlmServer, around: Repository, step: Slow
) -> None:
    script(server, step)
    with pytest.raises(Unavailable, match=r"did not answer within 0\.4 s"):
        a_drafter(server, settings=Settings(timeout_s=0.4)).make_draft(WORDS, around)
    assert len(server.seen) == 1


def test_a_provider_that_cannot_be_reached_is_unavailable(around: Repository) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    for dialect in DIALECTS:
        drafter = LlmDrafter(a_provider(dialect, address))
        with pytest.raises(Unavailable, match="cannot be reached"):
            drafter.make_draft(WORDS, around)


def test_a_busy_provider_is_asked_again_when_it_says(
    server: LlmServer, around: Repository
) -> None:
    naps = Naps()
    soon = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)
    script(
        server,
        Raw(status=429, headers={"Retry-After": "3"}),
        Raw(status=503, headers={"Retry-After": soon}),
        proposes(GOOD),
    )
    assert a_drafter(server, naps=naps).make_draft(WORDS, around).status == "complete"
    assert naps.told == [3.0, 0.0]


def test_without_a_word_from_the_provider_the_waits_grow(
    server: LlmServer, around: Repository
) -> None:
    naps = Naps()
    script(server, Raw(status=500))
    with pytest.raises(Unavailable, match="is down"):
        a_drafter(server, naps=naps).make_draft(WORDS, around)
    assert (naps.told, len(server.seen)) == ([1.0, 2.0], 3)


def test_a_wait_that_is_too_long_is_not_waited(server: LlmServer, around: Repository) -> None:
    naps = Naps()
    script(server, Raw(status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(Unavailable, match="wait 3600 s"):
        a_drafter(server, naps=naps).make_draft(WORDS, around)
    assert (naps.told, len(server.seen)) == ([], 1)


def test_a_budget_that_is_used_up_ends_in_the_question_that_is_left(
    server: LlmServer, around: Repository
) -> None:
    script(server, proposes(BAD))
    sketch = a_drafter(server, settings=Settings(tokens=2_000)).make_draft(WORDS, around)
    assert sketch.question is not None
    assert (sketch.question.field, len(server.seen)) == ("spec.training.epochs", 2)


def test_a_budget_that_is_used_up_before_a_draft_is_unavailable(
    server: LlmServer, around: Repository
) -> None:
    script(server, Reply(calls=[("list_datasets", {})]))
    with pytest.raises(Unavailable, match="used up its budget"):
        a_drafter(server, settings=Settings(tokens=2_000)).make_draft(WORDS, around)
    assert len(server.seen) == 2


def test_look_ups_without_end_are_not_answered(server: LlmServer, around: Repository) -> None:
    script(server, Reply(calls=[("list_datasets", {})] * 4))
    settings = Settings(lookups=2, tokens=10**6)
    with pytest.raises(Unavailable, match="used up its budget"):
        a_drafter(server, settings=settings).make_draft(WORDS, around)
    assert "enough was looked up" in server.seen[1].body
    assert len(server.seen) == 2


def test_a_conversation_has_so_many_answers(around: Repository) -> None:
    long = [person("cats"), vtspec("?", draft={})] * 3 + [person("cats")]
    drafter = LlmDrafter(a_provider("openai", "http://127.0.0.1:1"), settings=Settings(answers=3))
    with pytest.raises(Unavailable, match="answered 3 times"):
        drafter.make_draft(long, around)


@pytest.mark.parametrize("conversation", [[], [person("cats"), vtspec("?", draft={})]])
def test_nothing_new_said_is_refused(conversation: list[Any], around: Repository) -> None:
    drafter = LlmDrafter(a_provider("openai", "http://127.0.0.1:1"))
    with pytest.raises(Refused, match="nothing was said"):
        drafter.make_draft(conversation, around)


def test_an_earlier_draft_and_its_question_go_along(server: LlmServer, around: Repository) -> None:
    notes = {"annotations": {"vtspec.dev/draft-words": "sha256:00"}, "name": "flowers-vit-2"}
    draft = whole({"metadata": notes, "spec": {"task": "image-classification"}})
    question = Question(field="spec.dataset.ref", text="Which?", choices=("cats", "flowers"))
    script(server, proposes(GOOD))
    conversation = [
        person("train a classifier"),
        vtspec("Which?", draft, question),
        person("the second"),
        person("and 50 epochs"),
    ]
    assert a_drafter(server).make_draft(conversation, around).status == "complete"
    (seen,) = server.seen
    for words in ("train a classifier", "flowers-vit-2", "Which?", "the second", "and 50 epochs"):
        assert words in seen.body
    assert "sha256:00" not in seen.body


def test_a_conversation_may_start_from_a_draft(server: LlmServer, around: Repository) -> None:
    script(server, proposes(GOOD))
    conversation = [vtspec("", whole(an_experiment("base"))), person("50 epochs")]
    assert a_drafter(server).make_draft(conversation, around).status == "complete"
    assert "start from this draft" in server.seen[0].body


def test_of_a_very_long_conversation_the_oldest_is_left_out(around: Repository) -> None:
    with running("openai") as server:
        script(server, proposes(GOOD))
        old = [person(f"{number} " + "words " * 3_000) for number in range(5)]
        conversation = [*old, vtspec("so?", whole(GOOD)), person("yes, flowers")]
        a_drafter(server).make_draft(conversation, around)
    sent = [json.loads(each["content"]) for each in server.seen[0].data["messages"][1:]]
    assert [each["words"][0].split()[0] for each in sent if each.get("words")] == [
        "2",
        "3",
        "4",
        "yes,",
    ]


def test_it_drafts_where_a_loop_is_running(server: LlmServer, around: Repository) -> None:
    script(server, proposes(GOOD))

    async def within() -> Draft:
        return a_drafter(server).make_draft(WORDS, around)

    assert asyncio.run(within()).status == "complete"


def test_an_error_within_a_running_loop_comes_out(around: Repository) -> None:
    async def within() -> Draft:
        drafter = LlmDrafter(a_provider("openai", "http://127.0.0.1:1"))
        return drafter.make_draft(WORDS, around)

    with pytest.raises(Unavailable, match="cannot be reached"):
        asyncio.run(within())


class Broken(Repository):
    """A repository that nothing can be checked in."""

    def with_specs(
        self, specs: Sequence[LoadedSpec], paths: Mapping[str, str] | None = None
    ) -> Repository:
        raise LookupError("a bug of ours")


@pytest.mark.parametrize("steps", [[proposes(GOOD)], [proposes(GOOD), Raw(status=500)]])
def test_an_error_of_our_own_is_not_taken_for_the_providers(
    server: LlmServer, around: Repository, steps: list[Any]
) -> None:
    script(server, *steps)
    parts = {name: getattr(around, name) for name in ("root", "config", "anchor", "here", "index")}
    with pytest.raises(LookupError, match="a bug of ours"):
        a_drafter(server).make_draft(WORDS, Broken(**parts))


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "http://elsewhere.example/v1/chat/completions"),
        ("POST", "http://127.0.0.1:1/v1/chat/completions?key=1"),
        ("POST", "https://127.0.0.1:1/v1/chat/completions"),
        ("GET", "http://127.0.0.1:1/v1/models"),
    ],
)
def test_nothing_but_the_one_address_is_asked(method: str, url: str) -> None:
    import httpx2

    from vtspec.pipelines.drafting.llm.transport import ProviderTransport

    async def ask() -> None:
        exchange = ProviderTransport(a_provider("openai", "http://127.0.0.1:1/v1"), Settings())
        async with httpx2.AsyncClient(transport=exchange) as client:
            await client.request(method, url)

    with pytest.raises(Unavailable, match="in a way that is not allowed"):
        asyncio.run(ask())


def test_a_server_without_a_key_is_sent_none(around: Repository) -> None:
    with running("openai") as server:
        script(server, proposes(GOOD))
        LlmDrafter(a_provider("openai", server.base_url, key=None)).make_draft(WORDS, around)
    assert "authorization" not in server.seen[0].headers


def test_too_much_to_send_is_not_sent(around: Repository) -> None:
    with running("openai") as server:
        drafter = a_drafter(server, settings=Settings(longest_request_bytes=1_000))
        with pytest.raises(Unavailable, match="too much to send"):
            drafter.make_draft(WORDS, around)
    assert server.seen == []


def test_the_default_models_are_asked_as_they_want_to_be(
    server: LlmServer, around: Repository
) -> None:
    provider = a_provider(server.dialect, server.base_url)
    server.model = MODELS[provider.name]
    script(server, Reply(calls=[("list_datasets", {})]), proposes(BAD), proposes(GOOD))
    drafter = LlmDrafter(replace(provider, model=server.model))
    assert drafter.make_draft(WORDS, around).status == "complete"


def test_an_answer_takes_so_long_altogether(server: LlmServer, around: Repository) -> None:
    for longest_s in (0.4, 1.6, 6.4, 25.6, 102.4):
        script(server, proposes(BAD), Slow())
        settings = Settings(longest_s=longest_s)
        # What comes of it depends on whether this machine is through with the first one by then.
        with suppress(Unavailable):
            sketch = a_drafter(server, settings=settings).make_draft(WORDS, around)
            break
    else:
        pytest.fail("no answer came while there was any time")
    assert sketch.question is not None
    assert (sketch.question.field, sketch.repairs) == ("spec.training.epochs", 1)
    script(server, Slow())
    with pytest.raises(Unavailable, match=r"had no draft after 0\.4 s"):
        a_drafter(server, settings=Settings(longest_s=0.4)).make_draft(WORDS, around)


def test_no_log_holds_the_key(
    server: LlmServer, around: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    script(server, Raw(status=500), Raw(status=401))
    with caplog.at_level(logging.DEBUG), pytest.raises(Unavailable):
        a_drafter(server).make_draft(WORDS, around)
    assert "HTTP Request: POST" in caplog.text
    assert KEY not in caplog.text


def test_the_answer_is_checked_and_signed_as_any_other(
    server: LlmServer, around: Repository
) -> None:
    script(server, proposes(BAD), proposes(GOOD))
    drafter = a_drafter(server)
    drafted = draft(WORDS, around, drafter)
    assert (drafted.status, drafted.provenance.repairs) == ("complete", 1)
    notes = (drafted.draft or {})["metadata"]["annotations"]
    assert notes["vtspec.dev/draft-prompt"] == drafter.prompt_hash
    assert notes["vtspec.dev/draft-model"] == "the-model"
    assert filter_errors(find_problems(drafted.draft or {}, around)) == []


def test_where_the_provider_is_down_the_grammar_drafts_and_says_so(
    server: LlmServer, around: Repository
) -> None:
    script(server, Raw(status=500))
    drafted = draft(WORDS, around, a_drafter(server))
    assert drafted.provenance.drafter == "offline"
    assert drafted.provenance.instead_of == a_drafter(server).provider
    assert "is down" in (drafted.provenance.because or "")


def test_the_prompt_hash_covers_the_same_prompt_each_time() -> None:
    hashes = {LlmDrafter(a_provider(each, "http://127.0.0.1:1")).prompt_hash for each in DIALECTS}
    assert len(hashes) == 1
    assert next(iter(hashes)).startswith("sha256:")
    assert len(next(iter(hashes))) == 7 + 64
