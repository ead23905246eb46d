"""What holds for all tests."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from vtspec.pipelines.cache_folder import get_cache_folder

if TYPE_CHECKING:
    from object_storage import BreakableStorage

# How long an example takes says how busy the machine is: several processes test beside each other.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_configure() -> None:
    """Take signals as usual: a shell's `&` and `nohup` have some of them ignored, and each process
    that a test starts would inherit that and never hear what the test sends it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first: one at the end would keep one process busy and the others
    waiting."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Keep all tests and what they import out of every later look for garbage: of thousands of
    tests that takes a tenth of their time."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Let what was kept go: libraries of C++ look at their end for what nobody freed."""
    gc.unfreeze()


@pytest.fixture(scope="module", autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a file's tests mirror and queue meets no other file's, nor what an earlier run of the
    tests left: only the frameworks' environments, which take minutes to make, are the user's."""
    environments = get_cache_folder(os.environ) / "environments"
    environments.mkdir(parents=True, exist_ok=True)
    cache: Path = tmp_path_factory.mktemp("cache")
    (cache / "environments").symlink_to(environments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VTSPEC_CACHE", str(cache))
        yield


@pytest.fixture(scope="module")
def storage() -> "Iterator[BreakableStorage]":
    """An S3 server on loopback, which a test may take away and bring back."""
    # Not for tests that need none: it brings a web server.
    from object_storage import BreakableStorage

    found = BreakableStorage()
    yield found
    found.stop()
