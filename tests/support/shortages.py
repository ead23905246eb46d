"""What a machine runs out of, made so for this process."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_descriptors(more: int = 0) -> Iterator[None]:
    """Within, no file can be opened, or only so many: the limit of open files is reached."""
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    # The lowest number that is free is the next one's.
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + more, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
