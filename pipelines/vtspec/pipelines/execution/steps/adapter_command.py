"""An adapter's command as it is in its environment, or in a container."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vtspec.pipelines.execution.container import ContainerCall, Mounts, name_container
from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.planning.plan_model import Plan

from .adapter_launch import AdapterCommand
from .process_env import build_container_variables, build_variables


def place_command(
    command: AdapterCommand,
    environment: Environment,
    plan: Plan,
    readable: Sequence[Path],
) -> AdapterCommand:
    """The command with the variables that the adapter is given of those it has, and in a container
    where the environment is one: that sees the `readable` paths beside the command's folder."""
    container = environment.container
    if container is None:
        variables = build_variables(plan, command.variables, environment.pythonpath)
        return replace(command, variables=variables)
    hub = container.cache / "huggingface" if plan.model.hub_files else None
    if hub is not None:
        hub.mkdir(parents=True, exist_ok=True)
    adapters = () if environment.pythonpath is None else (environment.pythonpath.absolute(),)
    folder = command.folder.absolute()
    return replace(
        command,
        variables=build_container_variables(plan, command.variables, environment.pythonpath, hub),
        call=ContainerCall(
            container=container,
            name=name_container(folder, command.step),
            mounts=Mounts(writable=folder, readable=(*readable, *adapters), cache=hub),
            gpus=plan.resources.gpus,
            has_network=hub is not None,
        ),
    )
