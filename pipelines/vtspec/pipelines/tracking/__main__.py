"""`python -m vtspec.pipelines.tracking RUN_DIR URI`: follow one run into MLflow."""

import sys

from .follower import main

sys.exit(main(sys.argv[1:]))
