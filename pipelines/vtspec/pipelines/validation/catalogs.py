"""The frameworks' models and settings that specs are checked against."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from vtspec.pipelines import catalog

if TYPE_CHECKING:
    from vtspec.adapters.contract import Param, SettingConflict

ModelMatch = tuple[catalog.Framework, catalog.CatalogModel]

FindParams: TypeAlias = Callable[[catalog.Framework], "Mapping[str, Param] | None"]


FindConflicts: TypeAlias = Callable[
    [catalog.Framework, Mapping[str, object]], "list[SettingConflict]"
]


def find_params(framework: catalog.Framework) -> "Mapping[str, Param] | None":
    """The settings that the framework's adapter declares, or None where it is not there."""
    from vtspec.adapters.contract import AdapterError

    if framework.adapter_version == catalog.TO_COME:
        return None
    try:
        return catalog.load_params(framework)
    except AdapterError:
        # Whoever asks says so: it is no reason to refuse to look at the rest of a spec.
        return None


class Catalogs:
    """Models and settings by framework, each found once: many specs ask for the same."""

    def __init__(
        self,
        frameworks: Mapping[str, catalog.Framework] | None = None,
        params_of: FindParams = find_params,
        conflicts_of: FindConflicts = catalog.find_conflicts,
    ) -> None:
        self.frameworks = catalog.load_frameworks() if frameworks is None else frameworks
        self.params_of = cache(params_of)
        self.conflicts_of = conflicts_of
        self._models: dict[tuple[str | None, str], list[ModelMatch]] = {}

    def find_model(self, name: str, framework: str | None = None) -> list[ModelMatch]:
        """The frameworks that have a model of that name, or the one asked for."""
        key = (framework, name)
        if key not in self._models:
            among = self.frameworks
            if framework is not None:
                found = among.get(framework)
                among = {} if found is None else {framework: found}
            self._models[key] = catalog.find_model(name, among)
        return self._models[key]
