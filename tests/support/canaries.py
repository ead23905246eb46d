"""Secrets that nobody has a use for but the program that they are for, and the search for them."""

import base64
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

# A step's process may be over in a tenth of a second.
_POLL_S: Final = 0.05


@dataclass(frozen=True, order=True)
class Finding:
    """A secret, by its slot, and where it stands."""

    slot: str
    place: str


class Canaries:
    """Values by their slots, each like no other text anywhere."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[bytes, ...]] = {}

    def make(self, slot: str, shape: str = "{}") -> str:
        """A value for a slot; `shape` is what values of that kind look like."""
        # Letters and digits alone: no escaping of JSON or of an address hides it.
        secret = f"Canary{os.urandom(12).hex()}Q{len(self._made):02}"
        return self.add(slot, shape.format(secret), secret)

    def add(self, slot: str, value: str, searched: str | None = None) -> str:
        """Take in a value that somebody else has made."""
        self._made[slot] = tuple(_encode((searched or value).encode()))
        return value

    def search(self, place: str, content: bytes) -> Iterator[Finding]:
        """Those that stand in the bytes, plain or in base64."""
        for slot, forms in self._made.items():
            if any(form in content for form in forms):
                yield Finding(slot, place)

    def search_files(self, folders: Iterable[Path], slots: Iterable[Path]) -> Iterator[Finding]:
        """Those in the files below folders, but for the files that are slots themselves."""
        left_out = {path.resolve() for path in slots}
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                yield from self.search(f"the name of {path}", path.name.encode())
                if path.is_file() and path.resolve() not in left_out:
                    yield from self.search(str(path), path.read_bytes())


def _encode(secret: bytes) -> Iterator[bytes]:
    yield secret
    # Wherever it stands in what is encoded; the first and last digits are its neighbours' too.
    for before in range(3):
        whole = base64.b64encode(b"x" * before + secret)
        yield whole[4 if before else 0 : -4]


@dataclass
class SeenProcess:
    """A process that ran for a while: how it was started."""

    command: bytes
    environment: bytes

    @property
    def names(self) -> set[str]:
        """The names of its variables."""
        parts = self.environment.split(b"\0")
        return {part.partition(b"=")[0].decode(errors="replace") for part in parts if part}


@dataclass
class ProcessWatch:
    """Every process of this machine, those in pods among them, looked at many times a second."""

    seen: dict[tuple[int, bytes], SeenProcess] = field(default_factory=dict)
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "ProcessWatch":
        self._done.clear()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        assert self._thread is not None
        self._thread.join()

    def find(self, *words: str) -> list[SeenProcess]:
        """Those whose command has all of the words."""
        return [
            one
            for one in self.seen.values()
            if all(word in one.command.split(b"\0") for word in map(str.encode, words))
        ]

    def _watch(self) -> None:
        while not self._done.wait(_POLL_S):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    command = (folder / "cmdline").read_bytes()
                    if (int(folder.name), command) in self.seen or not command:
                        continue
                    environment = (folder / "environ").read_bytes()
                except OSError:
                    continue
                # Of one that has only begun it cannot be seen yet.
                if not environment:
                    continue
                found = SeenProcess(command=command, environment=environment)
                self.seen[int(folder.name), command] = found
