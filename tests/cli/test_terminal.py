"""Whatever a name holds, a terminal is only ever given letters to show."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import pytest

from vtspec.cli.main import cli, main
from vtspec.cli.terminal import VisibleStream, get_styled_stream
from vtspec.cli.views.progress import make_progress
from vtspec.cli.views.styled_text import print_lines
from vtspec.pipelines.project.scaffold import scaffold

NAME = "x\x1b]0;title\x07\x1b[2J\x9b31m\x7f\ry"


class Terminal(io.TextIOWrapper):
    """A terminal, or a file, that remembers what it was given."""

    def __init__(self, *, is_terminal: bool = True, encoding: str = "utf-8") -> None:
        self._kept = io.BytesIO()
        super().__init__(self._kept, encoding=encoding, line_buffering=True)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def given(self) -> str:
        self.flush()
        return self._kept.getvalue().decode(self.encoding)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template") / "mine"
    scaffold(root, "mine", lambda line: None, lambda name: None)
    (root / ".git").mkdir()
    return root


@pytest.fixture
def repository(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Nothing is written into it that another of these tests could stumble over.
    monkeypatch.chdir(template)
    return template


def _called(monkeypatch: pytest.MonkeyPatch, *words: str, is_terminal: bool = True) -> str:
    """Everything that the command writes, as `main` runs it at the end of a terminal or pipe."""
    reader, writer = os.openpty() if is_terminal else os.pipe()
    monkeypatch.setattr(sys, "argv", ["vtspec", *words])
    for name in ("stdout", "stderr"):
        # `main` puts others in their place, which is undone with this.
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    monkeypatch.setattr(sys, "stdin", Terminal(is_terminal=False))
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with ThreadPoolExecutor(1) as pool, _redirected(writer):
        written = pool.submit(_read_all, reader)
        before = signal.getsignal(signal.SIGINT)
        try:
            with pytest.raises(SystemExit):
                main()
        finally:
            signal.signal(signal.SIGINT, before)
    # A terminal makes two characters of a line end.
    return written.result().decode().replace("\r\n", "\n")


@contextmanager
def _redirected(writer: int) -> Iterator[None]:
    """Descriptors 1 and 2 lead to `writer`, which is closed in the end."""
    kept = [os.dup(fd) for fd in (1, 2)]
    for fd in (1, 2):
        os.dup2(writer, fd)
    os.close(writer)
    try:
        yield
    finally:
        for fd, old in zip((1, 2), kept, strict=True):
            os.dup2(old, fd)
            os.close(old)


def _read_all(reader: int) -> bytes:
    found = b""
    with suppress(OSError):
        while more := os.read(reader, 4096):
            found += more
    os.close(reader)
    return found


def _commands(
    group: click.Group, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, (*words, name))
        else:
            yield (*words, name), command


def _arguments(command: click.Command, hostile: click.Parameter | None) -> list[str]:
    """A command line on which `hostile` is the name, and what is needed beside it is plain."""
    words: list[str] = []
    for parameter in command.params:
        value = NAME if parameter is hostile else "plain"
        needed = parameter.required or parameter.nargs == -1
        if isinstance(parameter, click.Option):
            takes_value = not parameter.is_flag
            if parameter is hostile or (needed and takes_value):
                words += [parameter.opts[0], *([value] if takes_value else [])]
        elif parameter is hostile or needed:
            words.append(value)
    return words


CASES = [
    pytest.param(words, _arguments(command, parameter), id=f"{'-'.join(words)}-{parameter.name}")
    for words, command in _commands(cli)
    for parameter in command.params
    if not (isinstance(parameter, click.Option) and parameter.is_flag)
]


def test_the_commands_were_found() -> None:
    assert len(CASES) > 50, "a list has gone quiet"


@pytest.mark.parametrize(("command", "arguments"), CASES)
def test_no_command_hands_a_hostile_word_on(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: tuple[str, ...],
    arguments: list[str],
) -> None:
    if command in (("init",), ("run",), ("apply",)):
        monkeypatch.chdir(tmp_path)
    written = _called(monkeypatch, *command, *arguments)
    assert written, "nothing was said, so nothing was tried"
    assert not [one for one in written if not one.isprintable() and one not in "\n\t"], written


@pytest.mark.parametrize("words", [(NAME,), ("run", f"--{NAME}"), ("models", NAME), (f"-{NAME}",)])
def test_nor_a_command_or_an_option_that_there_is_not(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    written = _called(monkeypatch, *words, is_terminal=False)
    assert "No such" in written or "no command" in written
    assert not {"\x1b", "\x07", "\x9b"} & set(written)


def test_a_name_that_cannot_be_seen_is_spelled_out_on_a_terminal() -> None:
    terminal = Terminal()
    stream = VisibleStream(terminal)
    print("c\u200bat\u202e\tx\udc80", file=stream)
    assert "c⟨U+200B⟩at⟨U+202E⟩\tx⟨U+DC80⟩\n" == terminal.given()


def test_data_for_a_program_keeps_what_is_no_control() -> None:
    file = Terminal(is_terminal=False)
    stream = VisibleStream(file)
    print("가\u3000나\u200b\x1b[2J", file=stream)
    assert "가\u3000나\u200b⟨U+001B⟩[2J\n" == file.given()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_of_another_alphabet_shows_what_it_can(encoding: str) -> None:
    terminal = Terminal(encoding=encoding)
    stream = VisibleStream(terminal)
    click.echo("about 3 … é", file=stream)
    assert terminal.given().startswith("about 3 \\u2026 ")


def test_colours_are_ours_and_words_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    terminal = Terminal()
    stream = VisibleStream(terminal)
    print("first", file=stream)
    print_lines([((NAME, "bold"),)], stream)
    with make_progress(stream) as progress:
        progress.show_line(NAME)
    written = terminal.given()
    assert written.startswith("first\n\x1b[1mx⟨U+001B⟩]0;title")
    assert not any(raw in written for raw in ("\x1b]0", "\x1b[2J\x9b", "\x07"))


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_TOKEN", "canary-4711-canary")
    terminal = Terminal()
    stream = VisibleStream(terminal)
    print("it said: canary-4711-canary at https://me:pass@host/x", file=stream)
    print_lines([(("it said: canary-4711-canary", ""),)], stream)
    assert "canary" not in terminal.given() and "me:pass" not in terminal.given()
    assert "[hidden]@host/x" in terminal.given()


def test_what_is_no_visible_stream_is_its_own_styled_one() -> None:
    plain = io.StringIO()
    assert plain is get_styled_stream(plain)
