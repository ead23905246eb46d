"""How long a forge is left alone, told from what it answers."""

from email.utils import formatdate

import pytest

from vtspec.pipelines.forge.answer_cache import AnswerCache, CachedAnswer
from vtspec.pipelines.forge.rate_limits import Answered, RateLimit, is_limit, note_answer

NOW = 1_800_000_000.0


def an_answer(status: int = 403, message: str = "", **headers: str) -> Answered:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answered(status=status, headers=named, message=message, time=NOW)


def _wait(answer: Answered, limit: RateLimit | None = None) -> float:
    return note_answer(limit or RateLimit(), answer).until - NOW


@pytest.mark.parametrize(
    ("told", "wait_s"),
    [
        ("30", 30),
        ("0", 1),
        ("999999", 3600),
        (formatdate(NOW + 45, usegmt=True), 45),
        (formatdate(NOW - 45, usegmt=True), 1),
        ("soon", 60),
        ("-5", 60),
    ],
)
def test_retry_after_is_seconds_or_a_date(told: str, wait_s: float) -> None:
    assert _wait(an_answer(429, retry_after=told)) == wait_s


def test_a_reset_that_lies_behind_is_a_clock_that_is_wrong() -> None:
    answer = an_answer(
        message="API rate limit exceeded", x_ratelimit_remaining="0", x_ratelimit_reset="1"
    )
    assert _wait(answer) == 60


def test_a_reset_that_lies_far_ahead_is_not_believed() -> None:
    answer = an_answer(x_ratelimit_remaining="0", x_ratelimit_reset=f"{NOW + 10**6:.0f}")
    assert _wait(answer) == 3600


def test_what_is_not_allowed_at_all_is_no_limit() -> None:
    answer = an_answer(message="Resource not accessible", x_ratelimit_remaining="4000")
    assert not is_limit(answer)
    assert note_answer(RateLimit(), answer) == RateLimit()


def test_an_answer_that_was_under_way_does_not_shorten_a_wait() -> None:
    known = RateLimit(until=NOW + 600, refusals=2)
    assert _wait(an_answer(200), known) == 600
    assert _wait(an_answer(429, retry_after="5"), known) == 600


def test_a_failure_of_the_server_does_not_end_a_row_of_refusals() -> None:
    assert note_answer(RateLimit(refusals=3), an_answer(502)).refusals == 3
    assert note_answer(RateLimit(refusals=3), an_answer(200)).refusals == 0


def test_the_answers_that_are_kept_have_a_bound() -> None:
    cache = AnswerCache(most_bytes=10)
    for url in ("a", "b", "c"):
        cache.keep(url, CachedAnswer(etag=url, body=b"1234", link=""))
    assert cache.find("a") is None
    assert cache.find("b") is not None
    cache.keep("d", CachedAnswer(etag="d", body=b"1234", link=""))
    assert (cache.find("c"), cache.find("b") is not None) == (None, True)
    cache.keep("e", CachedAnswer(etag="e", body=b"x" * 11, link=""))
    assert [cache.find(url) for url in "bde"] == [None, None, None]
