"""Random specs of Ultralytics' networks are carried out, or end in words of a named class."""

from pathlib import Path

import pytest

from random_specs import hold_specs, list_experiments
from sample_repository import ROOT

pytestmark = pytest.mark.framework

EACH = 8


@pytest.mark.parametrize("name", list_experiments(ROOT, "ultralytics"))
def test_most_random_specs_are_carried_out(name: str, tmp_path: Path) -> None:
    hold_specs(name, tmp_path, EACH)
