"""Standard output that is closed, full, without a reader or in ASCII: no command dies of it."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vtspec.cli.output_streams import OutputFile
from vtspec.pipelines.project.scaffold import scaffold
from vtspec.pipelines.runs import Runs

MAIN = [sys.executable, "-c", "from vtspec.cli.main import main; main()"]

COMMANDS = [["--help"], ["models", "search", "res"]]


def redirected(
    words: list[str], redirection: str, *, cwd: Path | None = None, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """The command as a shell starts it with that redirection."""
    return subprocess.run(
        ["bash", "-c", f'"$@" {redirection}', "bash", *MAIN, *words],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("redirection", "why"),
    [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")],
)
def test_output_that_cannot_be_written_is_told_on_the_other_stream(
    words: list[str], redirection: str, why: str
) -> None:
    done = redirected(words, redirection)
    assert done.returncode == 74
    assert done.stderr.startswith(f"standard output could not be written: {why}\n  fix: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_reader_that_has_read_enough_is_no_failure(words: list[str]) -> None:
    done = redirected(words, "| true; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_commands_own_exit_code_is_kept_where_it_says_more(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("kind: Experiment\n")
    for redirection in (">/dev/full", ">&-", "| true; exit ${PIPESTATUS[0]}"):
        done = redirected(["validate", "wrong.yaml"], redirection, cwd=tmp_path)
        assert done.returncode == 2, redirection


def test_a_question_to_nobody_is_refused_where_standard_input_is_closed(tmp_path: Path) -> None:
    done = redirected(["validate", "-"], "<&-", cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot be read: bad file descriptor" in done.stdout


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["PYTHONIOENCODING", "LC_ALL"],
)
def test_letters_that_the_terminal_does_not_know_are_replaced(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    scaffold(tmp_path / "mine", "mine", lambda line: None, lambda name: None)
    done = redirected(["plan", "shapes"], "", cwd=tmp_path / "mine", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u2026.dir" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["2>&1 | head -n 1", ">&- 2>&-", ">/dev/full 2>&1"])
def test_a_run_goes_on_without_its_view(tmp_path: Path, redirection: str) -> None:
    scaffold(tmp_path / "mine", "mine", lambda line: None, lambda name: None)
    redirected(["run", "shapes-short", "--no-tracking"], redirection, cwd=tmp_path / "mine")
    (run,) = Runs(tmp_path / "mine" / "runs").list_runs()
    assert run.ending == "succeeded"


def test_a_shared_pipe_that_does_not_block_is_waited_for() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    data, found = b"x" * 300_000, bytearray()

    def read() -> None:
        while block := os.read(reader, 1 << 16):
            found.extend(block)

    thread = threading.Thread(target=read)
    thread.start()
    file, left = OutputFile(writer), memoryview(data)
    while left:
        left = left[file.write(left) :]
    os.close(writer)
    thread.join()
    os.close(reader)
    assert (bytes(found), file.lost) == (data, None)


def test_the_first_loss_is_told_once_and_nothing_is_written_after_it() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    file, told = OutputFile(writer), []
    file.on_loss = lambda: told.append(file.lost)
    assert (file.write(b"one"), file.write(b"two")) == (3, 3)
    os.close(writer)
    assert len(told) == 1
    assert isinstance(file.lost, BrokenPipeError)


def test_both_streams_through_one_pipe_stand_in_the_order_of_what_was_said() -> None:
    program = (
        "import sys, click\n"
        "from vtspec.cli.output_streams import open_streams\n"
        "from vtspec.cli.terminal import show_visibly\n"
        "open_streams()\n"
        "with show_visibly():\n"
        "    print('plan')\n"
        "    click.echo('ran', err=True)\n"
        "    print('done')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    assert done.stdout == "plan\nran\ndone\n"


def test_a_plan_stands_before_what_is_said_of_its_run(tmp_path: Path) -> None:
    scaffold(tmp_path, "mine", lambda line: None, lambda name: None)
    # Refused before anything begins: nothing is trained for a matter of order.
    words = ["apply", "shapes", "--set", "resources.gpus=1", "--yes"]
    done = redirected(words, "2>&1 | cat", cwd=tmp_path)
    assert done.stdout.index("digest sha256:") < done.stdout.index(
        "toy cannot do gpus 1", done.stdout.index("Steps")
    )
