"""What `validate` finds no error in is carried out, or ends in words of a named class."""

from pathlib import Path

import pytest

from random_specs import hold_specs, list_experiments
from sample_repository import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

EACH = 8
"""With those of `ultralytics/test_random_specs` more than 200."""


@pytest.mark.parametrize("name", list_experiments(ROOT, "timm", "transformers"))
def test_most_random_specs_are_carried_out(name: str, tmp_path: Path) -> None:
    hold_specs(name, tmp_path, EACH)
