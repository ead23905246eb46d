"""A language model that drafts: asked, repaired, and bounded in time, tokens and turns."""

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vtspec.pipelines.drafting.context import Surroundings
from vtspec.pipelines.drafting.result import Message, Sketch
from vtspec.pipelines.drafting.unavailable import Unavailable
from vtspec.pipelines.errors import Refused

from .instructions import INSTRUCTIONS
from .messages import history_of, prompt_of
from .output import Rejected, answered, stuck
from .output_schema import ANSWERS, answer_schema
from .providers import Provider, provider_of
from .redaction import Hidden, hidden_of
from .request import Turn
from .settings import Settings, settings_of
from .tools import LOOKUPS, Lookup, ask

if TYPE_CHECKING:
    from pydantic_ai import Agent, AgentRunResult, Tool, ToolOutput
    from pydantic_ai.models import Model

    from .transport import Exchange, Sleep

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
        hidden: Hidden | None = None,
        sleep: "Sleep" = asyncio.sleep,
    ) -> None:
        self._provider = provider
        self._settings = settings or Settings()
        key = frozenset({provider.key} if provider.key else ())
        self._hidden = replace(hidden or Hidden(), secrets=(hidden or Hidden()).secrets | key)
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
        return _prompt_hash()

    def sketch(self, conversation: Sequence[Message], surroundings: Surroundings) -> Sketch:
        """What the model makes of a conversation.

        Raises `Unavailable` where the provider does not answer in time, in form or at all, or
        the packages to ask it are not installed, and `Refused` where nobody has said anything
        since the last answer.
        """
        self._require_budget(conversation)
        places = {str(surroundings.workspace.root), str(surroundings.workspace.root.resolve())}
        hidden = replace(self._hidden, places=self._hidden.places | places)
        turn = Turn(conversation=conversation, surroundings=surroundings, hidden=hidden)
        return _run(
            lambda: _Work(turn=turn, settings=self._settings).asked(self._provider, self._sleep)
        )

    def _require_budget(self, conversation: Sequence[Message]) -> None:
        if not conversation or conversation[-1].author != "person":
            raise Refused(
                "nothing was said since the last answer",
                fix="say what to train, or answer the question",
            )
        answers = sum(each.author == "vtspec" for each in conversation)
        if answers >= self._settings.answers:
            raise Unavailable(f"the model has answered {answers} times in this conversation")


def drafter_of(environment: Mapping[str, str]) -> LlmDrafter | None:
    """The drafter that the environment asks for, or None where drafting is to be offline.

    Raises `Refused` where the environment says what cannot be meant.
    """
    provider = provider_of(environment)
    if provider is None:
        return None
    hidden = hidden_of(environment, places={str(Path.home()), environment.get("HOME", "")})
    return LlmDrafter(provider, settings=settings_of(environment), hidden=hidden)


@cache
def _prompt_hash() -> str:
    told = {
        "instructions": INSTRUCTIONS,
        "answers": {
            name: [description, answer_schema(name)] for name, description in ANSWERS.items()
        },
        "lookups": {each.name: [each.description, each.arguments] for each in LOOKUPS},
    }
    text = json.dumps(told, ensure_ascii=False, sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@dataclass(kw_only=True)
class _Work:
    """One answer in the making: what came back last, how often, and how much was looked up."""

    turn: Turn
    settings: Settings
    repairs: int = 0
    lookups: int = 0
    rejected: Rejected | None = None
    bug: Exception | None = field(default=None, repr=False)

    async def asked(self, provider: Provider, sleep: "Sleep") -> Sketch:
        """The sketch that the model ends with."""
        try:
            from .sdk_clients import opened
            from .transport import Exchange

            exchange = Exchange(provider, self.settings, sleep)
            async with opened(provider, exchange, self.settings.timeout_s) as model:
                return await self._ended(self._agent(), model, exchange)
        except ImportError as error:
            raise Unavailable(
                "the packages for it are not installed: pip install 'vtspec[draft]'"
            ) from error

    async def _ended(
        self, agent: "Agent[object, Sketch]", model: "Model", exchange: "Exchange"
    ) -> Sketch:
        from pydantic_ai.exceptions import UsageLimitExceeded

        asked = self._run(agent, model)
        why = "gave no answer that can be used"
        try:
            async with asyncio.timeout(self.settings.longest_s):
                return replace((await asked).output, repairs=self.repairs)
        except TimeoutError:
            why = f"had no draft after {self.settings.longest_s:g} s"
        except UsageLimitExceeded:
            why = _SPENT
        except Exception as error:
            if self.bug is not None:
                raise self.bug from None
            if exchange.is_spent:
                why = _SPENT
            elif exchange.failure is not None:
                # What the SDKs made of it may quote more than is ours to tell.
                raise exchange.failure from None
            elif not _is_foreign(error):
                raise
        if self.rejected is not None:
            return replace(stuck(self.rejected, self.turn), repairs=self.repairs)
        raise Unavailable(f"the model {why}")

    def _run(
        self, agent: "Agent[object, Sketch]", model: "Model"
    ) -> "Coroutine[Any, Any, AgentRunResult[Sketch]]":
        from pydantic_ai import UsageLimits
        from pydantic_ai.settings import ModelSettings

        return agent.run(
            prompt_of(self.turn),
            message_history=history_of(self.turn),
            model=model,
            usage_limits=UsageLimits(
                request_limit=self.settings.requests,
                tool_calls_limit=3 * self.settings.lookups,
            ),
            model_settings=ModelSettings(max_tokens=self.settings.answer_tokens, cache=True),
        )

    def _agent(self) -> "Agent[object, Sketch]":
        from pydantic_ai import Agent

        return Agent(
            output_type=[self._output(name) for name in ANSWERS],
            instructions=INSTRUCTIONS,
            tools=[self._tool(each) for each in LOOKUPS],
            retries={"tools": 2, "output": self.settings.repairs},
            end_strategy="early",
            name="drafter",
        )

    def _output(self, name: str) -> "ToolOutput[Sketch]":
        from pydantic_ai import ModelRetry, StructuredDict, ToolOutput

        async def answer(arguments: dict[str, Any]) -> Sketch:
            made = self._guarded(lambda: answered(name, arguments, self.turn))
            if isinstance(made, Sketch):
                return made
            self.rejected = made
            if self.repairs >= self.settings.repairs:
                return self._guarded(lambda: stuck(made, self.turn))
            self.repairs += 1
            raise ModelRetry(json.dumps(made.as_json(self.turn), ensure_ascii=False))

        # pydantic-ai takes the schema from the argument's type, which is made here.
        answer.__annotations__["arguments"] = StructuredDict(answer_schema(name), name=name)
        return ToolOutput(answer, name=name, description=ANSWERS[name], strict=False)

    def _tool(self, lookup: Lookup) -> "Tool[object]":
        from pydantic_ai import Tool

        async def look(**arguments: Any) -> Mapping[str, Any]:
            self.lookups += 1
            if self.lookups > self.settings.lookups:
                return {"error": "enough was looked up; answer now"}
            return self._guarded(lambda: ask(lookup, self.turn, arguments))

        return Tool.from_schema(
            look,
            name=lookup.name,
            description=lookup.description,
            json_schema=lookup.arguments,
        )

    def _guarded(self, act: Callable[[], _T]) -> _T:
        """What our own code does within the agent's run; its errors are not the provider's."""
        try:
            return act()
        except Exception as error:
            self.bug = error
            raise


def _is_foreign(error: Exception) -> bool:
    """Whether an error comes from reading an answer that has another form than its provider's."""
    from pydantic_ai.exceptions import AgentRunError

    return isinstance(
        error,
        AgentRunError | ValueError | TypeError | LookupError | AttributeError | RecursionError,
    )


def _run(make: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """The result of a coroutine, in a loop of its own; in a thread where one runs here already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(make())
    ended: list[_T] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            ended.append(asyncio.run(make()))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, name="drafting")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return ended[0]
