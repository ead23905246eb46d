"""Specs by name, each read when it is first asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from vtspec.schema.problem import SpecError

from .spec_index import SpecFile

if TYPE_CHECKING:
    from vtspec.schema.load import LoadedSpec

_T = TypeVar("_T")


class SpecLookup(Mapping[str, _T | None], Generic[_T]):
    """What `extract` makes of the first bearer of each name; None where it is not sound."""

    def __init__(
        self,
        bearers: Mapping[str, Sequence[SpecFile]],
        load: "Callable[[SpecFile], LoadedSpec]",
        extract: "Callable[[LoadedSpec], _T]",
    ) -> None:
        self._bearers = bearers
        self._load = load
        self._extract = extract
        self._read: dict[str, _T | None] = {}

    def __getitem__(self, name: str) -> _T | None:
        if name not in self._read:
            self._read[name] = self._extract_spec(self._bearers[name][0])
        return self._read[name]

    def _extract_spec(self, file: SpecFile) -> _T | None:
        try:
            loaded = self._load(file)
        except SpecError:
            return None
        return None if loaded.problems else self._extract(loaded)

    def __contains__(self, name: object) -> bool:
        # The one of `Mapping` would get the item, and so read the file.
        return name in self._bearers

    def __iter__(self) -> Iterator[str]:
        return iter(self._bearers)

    def __len__(self) -> int:
        return len(self._bearers)
