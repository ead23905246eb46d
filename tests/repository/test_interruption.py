"""Who types Ctrl-C is told at once what is being stopped, however long that takes."""

import signal
import subprocess
import sys

import pytest

from helm_chart import ROOT

SUPPORT = ROOT / "tests" / "support"
PROGRAM = """\
import time
from local_cluster.interruption import announce_interruption
announce_interruption("stopping the pods")
try:
    print("at work", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    input()
    print("stopped", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_stopped_is_said_before_it_is(number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=SUPPORT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "at work\n"
        process.send_signal(number)
        # Nothing is stopped before this line is read.
        assert process.stdout.readline() == "stopping the pods\n"
        rest, _ = process.communicate("\n")
    assert rest == "stopped\n"
