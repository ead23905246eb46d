"""Collections of garbage in a process that keeps much for long."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from vtspec.pipelines.controller import garbage
from vtspec.pipelines.controller.garbage import short_collections


@pytest.fixture(autouse=True)
def _without_others() -> Iterator[None]:
    """What the tests before have left is not collected in the midst of one, and seen again after
    by no one else's count."""
    gc.disable()
    yield
    gc.enable()


class _Ring:
    """It refers to itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_what_outlives_a_long_collection_is_not_gone_through_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(garbage, "_LONG_S", 0.0)
    with short_collections():
        kept = [[each] for each in range(10_000)]
        assert any(one is kept for one in gc.get_objects())
        gc.collect()
        assert not any(one is kept for one in gc.get_objects())
    assert any(one is kept for one in gc.get_objects())


def test_garbage_is_freed_before_the_rest_is_put_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "_LONG_S", 0.0)
    with short_collections():
        ring = weakref.ref(_Ring())
        assert ring() is not None
        gc.collect()
        assert ring() is None


def test_a_short_collection_puts_nothing_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "_LONG_S", 60.0)
    with short_collections():
        kept = [[each] for each in range(10)]
        gc.collect()
        assert any(one is kept for one in gc.get_objects())
        ring = weakref.ref(_Ring())
        gc.collect()
        assert ring() is None
    assert not any(one.__name__ == "note" for one in gc.callbacks if hasattr(one, "__name__"))
