"""`python -m vtspec.pipelines.data.samples NAME FOLDER`: one sample dataset to a folder."""

import sys
from pathlib import Path

from .datasets import WRITERS, write_sample


def main(arguments: list[str]) -> None:
    """Write the dataset, or exit with what to type instead."""
    if len(arguments) != 2 or arguments[0] not in WRITERS:
        sys.exit(
            f"expected a name and a folder, got {' '.join(arguments) or 'nothing'}\n"
            f"  fix: python -m vtspec.pipelines.data.samples {'|'.join(WRITERS)} FOLDER"
        )
    name, folder = arguments
    try:
        write_sample(name, Path(folder))
    except ImportError as error:
        sys.exit(f"{error}\n  fix: pip install 'vtspec[samples]'")
    print(f"{name} in {folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
