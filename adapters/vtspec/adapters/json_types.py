"""Plain data as JSON has it. A module of its own: both sides need it, and it costs no import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

JsonObject: TypeAlias = Mapping[str, Any]
"""A JSON object as Python reads it. Its keys are checked where they are used, not by a type."""
