"""What holds for all tests."""

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

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


@pytest.fixture(scope="module")
def storage() -> "Iterator[BreakableStorage]":
    """An S3 server on loopback, which a test may take away and bring back."""
    # Not for tests that need none: it brings a web server.
    from object_storage import BreakableStorage

    found = BreakableStorage()
    yield found
    found.stop()
