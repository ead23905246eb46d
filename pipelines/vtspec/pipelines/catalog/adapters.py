"""What the adapters that are here train, of all that the catalogs know."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.schema.suggestions import format_choices

from .framework import TO_COME, Framework

if TYPE_CHECKING:
    from vtspec.adapters.contract import SettingConflict

    from .models import CatalogModel


def list_trained_tasks(framework: Framework) -> tuple[str, ...]:
    """The tasks that the framework's adapter trains; none where it is not installed.

    Imports neither the adapter nor the framework, whose packages may still be missing.
    """
    from vtspec.adapters.discovery import has_adapter

    # An image lists the tasks of its adapter: a test holds the two together.
    trained = framework.trained_tasks or framework.tasks
    return trained if has_adapter(framework.adapter) else ()


def find_training_problem(
    framework: Framework,
    model: "CatalogModel | None" = None,
    task: str | None = None,
    *,
    from_weights: bool = False,
) -> Permanent | Refused | None:
    """Why no adapter here trains this; None where one does.

    Without a `task` any that the model does will do, without a `model` any that the adapter
    trains. `from_weights` asks whether it can start from the published weights, too.
    """
    trained = list_trained_tasks(framework)
    asked = (task,) if task is not None else () if model is None else model.tasks
    message = None
    if not trained:
        message = f"the adapter for {framework.name} is not there yet"
    elif model is not None and model.listed and not model.tasks:
        message = f"'{model.name}' has no classifier"
    elif asked and not set(asked) & set(trained):
        message = f"the adapter for {framework.name} does not train {', '.join(asked)}"
    elif (
        model is not None
        and model.untrained_tasks
        and set(asked) & set(trained) <= set(model.untrained_tasks)
    ):
        # Of one that it trains for other tasks, which it is not for.
        others = set(model.tasks) - set(model.untrained_tasks)
        message = f"the adapter for {framework.name} does not train '{model.name}'"
        message += f" for {task}" * bool(others and task)
    if message is not None:
        return Permanent(message, fix=_suggest_search(task))
    weights = model.chosen_weights if model is not None and from_weights else None
    if weights is not None and weights.hub_id is None:
        return refuse_download(str(weights.url))
    return None


def find_unsupported(
    framework: Framework, settings: Mapping[str, object]
) -> "list[SettingConflict]":
    """What the framework's adapter can never do of settings, by dotted path below `spec`."""
    return [
        _make_unsupported(framework, path, settings[path], possible)
        for path, possible in framework.supported.items()
        if path in settings and not _is_supported(path, settings[path], possible)
    ]


def find_conflicts(
    framework: Framework, settings: Mapping[str, object]
) -> "list[SettingConflict]":
    """What the framework's adapter says of settings that do not go together. Imports the adapter.

    `settings` has a value for `task`, `model.name`, every field of `training`, `resources.gpus`
    and the `params`.
    """
    from vtspec.adapters.contract import AdapterError
    from vtspec.adapters.discovery import load_adapter

    if framework.adapter_version == TO_COME:
        return []
    try:
        find = getattr(load_adapter(framework.adapter), "find_conflicts", None)
    except AdapterError:
        # That there is none is told already.
        return []
    return [] if find is None else list(find(settings))


def _is_supported(path: str, value: object, possible: tuple[object, ...]) -> bool:
    # Of formats every one is made; of all else the value is one thing.
    if path == "export.formats" and isinstance(value, list | tuple):
        return all(one in possible for one in value)
    return value in possible


def _make_unsupported(
    framework: Framework, path: str, value: object, possible: tuple[object, ...]
) -> "SettingConflict":
    from vtspec.adapters.contract import SettingConflict

    name = path.rpartition(".")[2]
    # A mapping is shown by who wrote it.
    shown = f"[{', '.join(map(str, value))}]" if isinstance(value, list | tuple) else value
    what = name if isinstance(value, Mapping) else f"{name} {shown}"
    choices = [str(each) for each in possible if each is not None]
    wanted = f"[{', '.join(choices)}]" if path == "export.formats" else format_choices(choices)
    fix = f"set {name} to {wanted}, or leave it out"
    return SettingConflict(
        path=path,
        message=f"{framework.name} cannot do {what}",
        fix=fix if choices else f"leave {name} out",
    )


def refuse_download(source: str) -> Refused:
    """Make the refusal of weights that are a plain download."""
    return Refused(
        f"the weights {source} are a plain download that nothing pins",
        fix="name other weights (vtspec models search --pretrained), set model.pretrained: false, "
        "or save them as a .safetensors file here and set model.weights to its path",
    )


def _suggest_search(task: str | None) -> str:
    """The search that shows what can be trained here, of the task if anything of it can."""
    from . import load_frameworks

    here = {name: list_trained_tasks(each) for name, each in load_frameworks().items()}
    search = ("vtspec", "models", "search", "--task")
    for name, tasks in here.items():
        if task in tasks:
            return format_command(*search, task, "--framework", name)
    every = dict.fromkeys(each for tasks in here.values() for each in tasks)
    words = f"'{format_command(*search, *list(every)[:1])}' shows what is trained here"
    return words if task is None else f"nothing here trains {task} yet; {words}"
