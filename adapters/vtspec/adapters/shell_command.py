"""A command for a person to type, quoted so that it does what it says whatever names are in it."""

import os
import re
import shlex


def format_command(*words: "str | os.PathLike[str]") -> str:
    """The words as one line for a shell.

    What cannot be seen or typed (controls, bytes that are no text, marks that turn the reading
    direction) is written as an escape in `$'…'`, which bash, zsh and ksh read.
    """
    return " ".join(quote_word(os.fspath(word)) for word in words)


def quote_word(word: str) -> str:
    """One word, quoted where a shell would read anything into it."""
    if word.isprintable():
        return shlex.quote(word)
    escaped = re.sub(r"[\\\\']", lambda found: "\\" + found[0], word)
    return "$'" + "".join(_escape(one) for one in escaped) + "'"


def _escape(letter: str) -> str:
    if letter.isprintable():
        return letter
    # Byte by byte: a name need not be text at all, and half a pair is in no file's name.
    errors = "surrogateescape" if "\udc80" <= letter <= "\udcff" else "surrogatepass"
    return "".join(f"\\{byte:03o}" for byte in letter.encode("utf-8", errors))
