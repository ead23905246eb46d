"""What checks may know: datasets and experiments by name, catalogs, the project."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vtspec.pipelines import catalog
from vtspec.schema.load import LoadedSpec

if TYPE_CHECKING:
    from vtspec.adapters.contract import Param
    from vtspec.schema.kinds.project import Project

ModelMatch = tuple[catalog.Framework, catalog.CatalogModel]

FindParams = Callable[[catalog.Framework], "Mapping[str, Param] | None"]


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """A dataset, as far as experiments are checked against it; fields as in the kind Dataset."""

    name: str
    tasks: tuple[str, ...]
    format: str
    classes: tuple[str, ...]
    statistics: Mapping[str, Any] | None


def extract_dataset(loaded: LoadedSpec) -> DatasetFacts | None:
    """The dataset in a file, or None where it holds no sound one."""
    if loaded.kind != "Dataset" or loaded.problems:
        return None
    # Plain data that was found sound; the model would cost more than all that is asked of it.
    spec = loaded.document.data["spec"]
    return DatasetFacts(
        name=loaded.document.data["metadata"]["name"],
        tasks=tuple(spec["tasks"]),
        format=spec["format"],
        classes=tuple(spec.get("classes") or ()),
        statistics=spec.get("statistics"),
    )


@dataclass(frozen=True, kw_only=True)
class ValidationContext:
    """The world that specs are checked in.

    `datasets` holds None for a dataset that is there and is not sound. `experiments` are names.
    `project` is asked for when something of it is needed.
    `params_of` says None where the framework's adapter is not installed. `doubles` maps the file
    of a spec to another file, not among those checked, that claims the same kind and name.
    """

    datasets: Mapping[str, DatasetFacts | None]
    experiments: Mapping[str, object]
    project: "Callable[[], Project]"
    frameworks: Mapping[str, catalog.Framework]
    params_of: FindParams
    doubles: Mapping[str, str]
    _models: dict[tuple[str | None, str], list[ModelMatch]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def find_model(self, name: str, framework: str | None = None) -> list[ModelMatch]:
        """The frameworks that have a model of that name, or the one asked for; found once."""
        key = (framework, name)
        if key not in self._models:
            among = {
                each: self.frameworks[each]
                for each in self.frameworks
                if framework in (None, each)
            }
            self._models[key] = catalog.find_model(name, among)
        return self._models[key]


def find_params(framework: catalog.Framework) -> "Mapping[str, Param] | None":
    """The settings that the framework's adapter declares, or None where it is not installed."""
    from vtspec.adapters.contract import AdapterError

    try:
        return catalog.load_params(framework)
    except AdapterError:
        # Whoever asks says so: it is no reason to refuse to look at the rest of a spec.
        return None
