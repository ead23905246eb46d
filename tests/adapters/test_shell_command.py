"""A command that a person is told to type does what it says, whatever the names are."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtspec.adapters.contract import AdapterError
from vtspec.adapters.data.content_hash import hash_content
from vtspec.adapters.shell_command import format_command

NAMES = [
    "plain.png",
    "x';touch PWNED;'.png",
    "$(touch PWNED)",
    "`touch PWNED`.png",
    "a b\tc",
    "two\nlines",
    "\x1b]0;title\x07.png",
    "right\u202eleft",
    "-rf",
    "back\\slash'",
    "*",
    "\udcff",
]


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8")))
def test_a_shell_reads_the_word_that_was_meant(word: str) -> None:
    command = format_command("printf", "%s", word)
    assert command.isprintable()
    said = subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout
    assert word.encode() == said


def test_plain_words_stay_as_they_are() -> None:
    assert "rm -- data/a.png" == format_command("rm", "--", Path("data/a.png"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_the_fix_of_odd_data_removes_that_and_runs_nothing(
    tmp_path: Path, name: str, kind: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    odd = data / name
    if kind == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to("nowhere")
    with pytest.raises(AdapterError) as raised:
        hash_content(data)
    assert raised.value.fix is not None
    subprocess.run(["bash", "-c", raised.value.fix], cwd=tmp_path, check=True)
    assert ([], ["data"]) == (os.listdir(data), os.listdir(tmp_path))
