"""A plan as a Workflow of Argo. Pure."""

from .settings import RenderSettings, find_settings
from .workflow import render, render_plan_config, render_semaphores

__all__ = [
    "RenderSettings",
    "find_settings",
    "render",
    "render_plan_config",
    "render_semaphores",
]
