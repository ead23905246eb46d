"""A language model that drafts: asked, repaired, and bounded in time, tokens and turns."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vtspec.pipelines.drafting.result import Data, Draft, Message, Unavailable
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.project.repository import Repository
from vtspec.pipelines.redaction import Redactor, make_redactor

from .instructions import INSTRUCTIONS
from .messages import build_history, build_prompt, hide_secrets
from .output import RejectedAnswer, ask_about_problem, parse_answer
from .output_schema import ANSWERS, build_answer_schema
from .providers import Provider, find_provider
from .request import DraftRequest
from .settings import Settings, load_settings
from .tools import LOOKUPS, Lookup, run_lookup

if TYPE_CHECKING:
    from pydantic_ai import Agent, AgentRunResult, Tool, ToolOutput
    from pydantic_ai.models import Model

    from .transport import ProviderTransport, Sleep

_T = TypeVar("_T")

_SPENT = "used up its budget before a draft was done"


class LlmDrafter:
    """Drafts with the model of a provider. Holds no state: a conversation is all the memory.

    `hidden` says what must not be sent or come back; `sleep` waits between retries.
    """

    name = "model"

    def __init__(
        self,
        provider: Provider,
        *,
        settings: Settings | None = None,
        hidden: Redactor | None = None,
        sleep: "Sleep" = asyncio.sleep,
    ) -> None:
        self._provider = provider
        self._settings = settings or Settings()
        # Hidden also where nobody gave the environment that it came from.
        key = frozenset({provider.key} if provider.key else ())
        self._hidden = replace(hidden or Redactor(), secrets=(hidden or Redactor()).secrets | key)
        self._sleep = sleep

    @property
    def provider(self) -> str:
        """`google`, `anthropic` or `openai`."""
        return self._provider.name

    @property
    def model(self) -> str:
        """The model's name at the provider."""
        return self._provider.model

    @property
    def prompt_hash(self) -> str:
        """`sha256:…` over the instructions and the schemas of all tools."""
        return _hash_prompt()

    def make_draft(self, conversation: Sequence[Message], repository: Repository) -> Draft:
        """What the model makes of a conversation.

        Raises `Unavailable` where the provider does not answer in time, in form or at all, or
        the packages to ask it are not installed, and `Refused` where nobody has said anything
        since the last answer.
        """
        self._require_budget(conversation)
        # Errors name the folder as it was typed, or as it is behind links.
        places = {str(repository.root), str(repository.root.resolve())}
        hidden = replace(self._hidden, places=self._hidden.places | places)
        turn = DraftRequest(conversation=conversation, repository=repository, hidden=hidden)
        run = _AgentRun(turn=turn, settings=self._settings)
        return _await_coroutine(run.ask_model(self._provider, self._sleep))

    def _require_budget(self, conversation: Sequence[Message]) -> None:
        if not conversation or conversation[-1].author != "person":
            raise Refused(
                "nothing was said since the last answer",
                fix="say what to train, or answer the question",
            )
        answers = sum(each.author == "vtspec" for each in conversation)
        if answers >= self._settings.answers:
            raise Unavailable(f"the model has answered {answers} times in this conversation")


def find_drafter(environment: Mapping[str, str]) -> LlmDrafter | None:
    """The drafter that the environment asks for, or None where drafting is to be offline.

    Raises `Refused` where the environment says what cannot be meant.
    """
    provider = find_provider(environment)
    if provider is None:
        return None
    hidden = make_redactor(environment, places={str(Path.home()), environment.get("HOME", "")})
    return LlmDrafter(provider, settings=load_settings(environment), hidden=hidden)


@cache
def _hash_prompt() -> str:
    told = {
        "instructions": INSTRUCTIONS,
        "answers": {
            name: [description, build_answer_schema(name)] for name, description in ANSWERS.items()
        },
        "lookups": {each.name: [each.description, each.arguments] for each in LOOKUPS},
    }
    text = json.dumps(told, ensure_ascii=False, sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@dataclass(kw_only=True)
class _AgentRun:
    """One answer in the making: what came back last, how often, and how much was looked up."""

    turn: DraftRequest
    settings: Settings
    repairs: int = 0
    lookups: int = 0
    rejected: RejectedAnswer | None = None
    bug: Exception | None = field(default=None, repr=False)

    async def ask_model(self, provider: Provider, sleep: "Sleep") -> Draft:
        """The sketch that the model ends with."""
        try:
            # Here, and no earlier: the SDKs take long to import, and drafting offline needs none.
            from .sdk_clients import open_model
            from .transport import ProviderTransport

            exchange = ProviderTransport(provider, self.settings, sleep)
            async with open_model(provider, exchange, self.settings.timeout_s) as model:
                return await self._await_draft(self._build_agent(), model, exchange)
        except ImportError as error:
            absent = isinstance(error, ModuleNotFoundError)
            why = "are not installed" if absent else f"cannot be imported ({error})"
            raise Unavailable(f"the packages for it {why}: pip install 'vtspec[draft]'") from error

    async def _await_draft(
        self, agent: "Agent[object, Draft]", model: "Model", exchange: "ProviderTransport"
    ) -> Draft:
        from pydantic_ai.exceptions import UsageLimitExceeded

        asked = self._run_agent(agent, model)
        why = "gave no answer that can be used"
        try:
            async with asyncio.timeout(self.settings.longest_s):
                return replace((await asked).output, repairs=self.repairs)
        except TimeoutError:
            why = f"had no draft after {self.settings.longest_s:g} s"
        except UsageLimitExceeded:
            why = _SPENT
        except Exception as error:
            # Our own first: errors of a kind that SDKs raise, too, would pass for a provider's.
            if self.bug is not None:
                raise self.bug from None
            # Then the budget: running out of it is a failure of the exchange as well, and no
            # reason to throw away the draft that was made until then.
            if exchange.is_spent:
                why = _SPENT
            elif exchange.failure is not None:
                # What the SDKs made of it may quote more than is ours to tell.
                raise exchange.failure from None
            elif not _is_parse_error(error):
                raise
        # A draft with a fault that is asked about is worth more to a person than none.
        if self.rejected is not None:
            return replace(ask_about_problem(self.rejected, self.turn), repairs=self.repairs)
        raise Unavailable(f"the model {why}")

    def _run_agent(
        self, agent: "Agent[object, Draft]", model: "Model"
    ) -> "Coroutine[Any, Any, AgentRunResult[Draft]]":
        from pydantic_ai import UsageLimits
        from pydantic_ai.settings import ModelSettings

        return agent.run(
            build_prompt(self.turn),
            message_history=build_history(self.turn),
            model=model,
            usage_limits=UsageLimits(
                request_limit=self.settings.requests,
                # Beyond `lookups` a model is told to answer; this ends one that does not listen.
                tool_calls_limit=3 * self.settings.lookups,
            ),
            # Each turn sends the instructions and schemas again, which cost a tenth from a cache.
            model_settings=ModelSettings(max_tokens=self.settings.answer_tokens, cache=True),
        )

    def _build_agent(self) -> "Agent[object, Draft]":
        from pydantic_ai import Agent
        from pydantic_ai.capabilities import ProcessHistory
        from pydantic_ai.messages import ModelMessage

        # Not quoted: pydantic-ai looks the names up, and only in the module.
        def hide(messages: list[ModelMessage]) -> list[ModelMessage]:
            return hide_secrets(messages, self.turn.hidden)

        return Agent(
            output_type=[self._build_output(name) for name in ANSWERS],
            instructions=INSTRUCTIONS,
            tools=[self._build_tool(each) for each in LOOKUPS],
            # pydantic-ai counts on its own, and would give up after one repair.
            retries={"tools": 2, "output": self.settings.repairs},
            # Of two answers at once the first that stands is taken, and nothing is looked up.
            end_strategy="early",
            capabilities=[ProcessHistory(hide)],
            name="drafter",
        )

    def _build_output(self, name: str) -> "ToolOutput[Draft]":
        from pydantic_ai import ModelRetry, StructuredDict, ToolOutput

        async def answer(arguments: Data) -> Draft:
            made = self._guard(lambda: parse_answer(name, arguments, self.turn))
            if isinstance(made, Draft):
                return made
            self.rejected = made
            if self.repairs >= self.settings.repairs:
                return self._guard(lambda: ask_about_problem(made, self.turn))
            self.repairs += 1
            raise ModelRetry(json.dumps(made.to_json(self.turn), ensure_ascii=False))

        # pydantic-ai takes the schema from the argument's type, which is made here.
        answer.__annotations__["arguments"] = StructuredDict(build_answer_schema(name), name=name)
        return ToolOutput(answer, name=name, description=ANSWERS[name], strict=False)

    def _build_tool(self, lookup: Lookup) -> "Tool[object]":
        from pydantic_ai import Tool

        async def look(**arguments: object) -> Data:
            self.lookups += 1
            if self.lookups > self.settings.lookups:
                return {"error": "enough was looked up; answer now"}
            return self._guard(lambda: run_lookup(lookup, self.turn, arguments))

        return Tool.from_schema(
            look,
            name=lookup.name,
            description=lookup.description,
            json_schema=lookup.arguments,
        )

    def _guard(self, act: Callable[[], _T]) -> _T:
        """What our own code does within the agent's run; its errors are not the provider's."""
        try:
            return act()
        except Exception as error:
            self.bug = error
            raise


def _is_parse_error(error: Exception) -> bool:
    """Whether an error comes from reading an answer that has another form than its provider's."""
    from pydantic_ai.exceptions import AgentRunError

    return isinstance(
        error,
        AgentRunError | ValueError | TypeError | LookupError | AttributeError | RecursionError,
    )


def _await_coroutine(work: Coroutine[Any, Any, _T]) -> _T:
    """The result of a coroutine, in a loop of its own; in a thread where one runs here already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    # A notebook or a bot runs a loop, and within one asyncio starts no other.
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="drafting")
    try:
        return pool.submit(asyncio.run, work).result()
    finally:
        # Whoever presses Ctrl-C meanwhile does not wait for a model.
        pool.shutdown(wait=False)
