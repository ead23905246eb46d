"""A plan as a Workflow of Argo, and a Workflow as what has come of it. Pure."""

from .completion import Completion, find_completion
from .cron_workflow import render_cron_workflow
from .settings import RenderSettings, find_settings
from .workflow import render, render_completion, render_plan_config, render_semaphores
from .workflow_state import WorkflowState, observe

__all__ = [
    "Completion",
    "RenderSettings",
    "WorkflowState",
    "find_completion",
    "find_settings",
    "observe",
    "render",
    "render_completion",
    "render_cron_workflow",
    "render_plan_config",
    "render_semaphores",
]
