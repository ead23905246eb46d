"""What the adapters that are here train, of all that the catalogs know."""

from typing import TYPE_CHECKING

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, Refused

from .framework import Framework

if TYPE_CHECKING:
    from .models import CatalogModel


def list_trained_tasks(framework: Framework) -> tuple[str, ...]:
    """The tasks that the framework's adapter trains; none where it is not installed.

    Imports neither the adapter nor the framework, whose packages may still be missing.
    """
    from vtspec.adapters.discovery import has_adapter

    # An image lists the tasks of its adapter: a test holds the two together.
    return framework.tasks if has_adapter(framework.adapter) else ()


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
    fix = _suggest_search(task)
    if not trained:
        return Permanent(f"the adapter for {framework.name} is not there yet", fix=fix)
    if model is not None and model.listed and not model.tasks:
        return Permanent(f"'{model.name}' has no classifier", fix=fix)
    asked = (task,) if task is not None else () if model is None else model.tasks
    if asked and not set(asked) & set(trained):
        message = f"the adapter for {framework.name} does not train {', '.join(asked)}"
        return Permanent(message, fix=fix)
    weights = model.chosen_weights if model is not None and from_weights else None
    if weights is not None and weights.hub_id is None:
        return refuse_download(str(weights.url))
    return None


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
