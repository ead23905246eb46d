"""`python -m vtspec.pipelines.tracker RUN_DIR URI`: follow one run into MLflow."""

import sys

from .follow import main

sys.exit(main(sys.argv[1:]))
