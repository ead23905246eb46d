# Everything a person or CI types. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo quick test exhaustive-test frameworks frameworks-test check unit golden docs bench catalog lock browser clean \
	cluster-packages gitea github-description cluster-programs cluster-up cluster-test cluster-record cluster-demo cluster-down forge-test \
	lint format mypy pyright contracts generated quicktests exhaustive

# The system's uv where there is one, else one from PyPI in a venv of its own.
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
BIN := .venv/bin
# What DVC starts is found here too; and Go where go.dev's archive is unpacked.
export PATH := $(CURDIR)/.venv/bin:$(PATH):/usr/local/go/bin
# The tests start hundreds of processes; without bytecode each of them compiles what it imports,
# which is two thirds of the whole suite's time.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/pip install --quiet uv

.venv/.synced: pyproject.toml uv.lock | $(filter .uv/bin/uv,$(UV))
	$(UV) sync --locked --compile-bytecode
	touch $@

setup: .venv/.synced ## make .venv with all that tests and bench need

demo: setup ## train the sample for real on the CPU and show the results (about 5 minutes after setup)
	$(BIN)/dvc repro --quiet digits
	$(BIN)/vtspec validate specs
	$(BIN)/vtspec plan digits-resnet18
	$(BIN)/vtspec run digits-resnet10t
	$(BIN)/vtspec run digits-resnet18

# Two parts at a time: the tests take about as long as all the checks one after the other.
CHECKS := mypy contracts generated lint format
BESIDE := +@$(MAKE) --no-print-directory --jobs=2 --keep-going

quick: setup ## checks, and the tests that take little: no training, no server, no browser
	$(BESIDE) quicktests $(CHECKS)

test: setup browser ## set up what is missing; lint, types, import contracts and tests
	$(BESIDE) unit $(CHECKS)

# Pyright reads 6,000 files, most of them of the packages that are used.
exhaustive-test: setup ## what `make test` shows by a few examples, by many; pyright
	$(BESIDE) exhaustive pyright

check: setup ## lint, types (by mypy and pyright), import contracts, generated files
	$(BESIDE) $(CHECKS) pyright

# A part says how long it took, and what it said only where it failed.
define part
	@start=$$SECONDS; said=$$($(1) 2>&1) || { echo "$$said"; echo "$@: failed"; exit 1; }; \
	echo "$@: $$((SECONDS - start)) s"
endef

lint:
	$(call part,$(BIN)/ruff check .)

format:
	$(call part,$(BIN)/ruff format --check .)

mypy:
	$(call part,$(BIN)/mypy)

pyright:
	$(call part,$(BIN)/pyright)

contracts:
	$(call part,$(BIN)/lint-imports)

generated:
	$(call part,$(BIN)/python -m vtspec.schema --check)

# A file's tests stay in one process and share what is made for them. Many wait for a process or a
# server, and meanwhile one process more than there are cores has work for the core.
PROCESSES := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PARALLEL := --numprocesses=$(PROCESSES) --maxprocesses=5 --dist=loadfile --no-loadscope-reorder

# Several processes whose tensors take all cores get in each other's way.
quicktests unit exhaustive: export OMP_NUM_THREADS := 1

quicktests:
	@start=$$SECONDS; \
	$(BIN)/python -m pytest -q $(PARALLEL) -m "not slow and not live and not images and not cluster and not forge and not framework and not exhaustive" --ignore=tests/adapters/timm; \
	echo "$@: $$((SECONDS - start)) s"

# Coverage doubles what the tests cost, so only who asks for it pays: `make test COVERAGE=1`, as CI.
unit:
	@start=$$SECONDS; \
	if [ -z "$(COVERAGE)" ]; then $(BIN)/python -m pytest -q $(PARALLEL) --durations=15; else \
		$(BIN)/coverage erase; \
		$(BIN)/coverage run -m pytest -q $(PARALLEL) --durations=15; \
		$(BIN)/coverage combine --quiet; \
		$(BIN)/coverage report; \
	fi; \
	echo "$@: $$((SECONDS - start)) s"

exhaustive:
	@start=$$SECONDS; \
	$(BIN)/python -m pytest -q $(PARALLEL) --durations=15 -m exhaustive $$(grep -lr mark.exhaustive tests --include="test_*.py"); \
	echo "$@: $$((SECONDS - start)) s"

# Ultralytics is AGPL-3.0 and is in no environment but its own.
ULTRALYTICS := .frameworks/ultralytics
frameworks: setup
	@UV_PROJECT_ENVIRONMENT=$(ULTRALYTICS) $(UV) sync --locked --quiet --no-default-groups --group test --extra ultralytics --extra samples

frameworks-test: frameworks ## train, resume, predict and export with every framework that has an environment of its own
	OMP_NUM_THREADS=1 $(ULTRALYTICS)/bin/python -m pytest -q $(PARALLEL) -m framework --durations=10 tests/adapters/ultralytics

# What the tests of images need beside Python: Podman, a tool that makes a Debian, a registry. Kept
# outside of the clone, as is the Debian, which takes minutes to make.
IMAGE_TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vtspec-tests
CRANE := github.com/google/go-containerregistry/cmd/crane@v0.22.1

images-tools:
	@command -v podman >/dev/null && command -v mmdebstrap >/dev/null \
	|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends podman runc mmdebstrap; }
	@test -x $(IMAGE_TOOLS)/bin/crane || GOBIN=$(IMAGE_TOOLS)/bin go install $(CRANE)

# Not in CI: other sources than the last time's take more than five minutes.
images-test: setup images-tools ## build the images with Podman, push them to a registry, run them (6 to 15 minutes)
	VTSPEC_IMAGE_TOOLS=$(IMAGE_TOOLS) $(BIN)/python -m pytest -q -m images --durations=5 tests/images

golden: setup ## write the golden files anew, to be read as a diff
	$(BIN)/python -m vtspec.schema
	VTSPEC_REGENERATE=1 $(BIN)/python -m pytest -q $$(grep -lE 'VTSPEC_REGENERATE|report_data' -r tests --include='test_*.py')

# The programs are built on the first call, which takes half an hour; docs/test-cluster.md.
CLUSTER := PYTHONPATH=tests/support $(BIN)/python -m local_cluster
# Of what failed it has notes of its own, since other suites run beside it.
CLUSTER_TESTS = $(CLUSTER) run $(CURDIR)/$(BIN)/python -m pytest -q -rs -m cluster -o cache_dir=.pytest_cache/cluster \
	--durations=10 $(OPTIONS) tests/cluster

# Who may, installs what is missing; who may not, is told by the target what that is.
cluster-packages: setup
	@packages=$$($(CLUSTER) missing); [ -z "$$packages" ] || [ "$$(id -u)" != 0 ] \
	|| ! command -v apt-get >/dev/null \
	|| { apt-get update -qq && apt-get install -y -qq --no-install-recommends $$packages; }

cluster-programs: setup ## build the cluster's programs that are not in the cache (up to half an hour)
	@$(CLUSTER) build

cluster-up: cluster-packages ## start a one-node Kubernetes with Argo Workflows and Kueue on this machine
	@$(CLUSTER) up

# Within the cluster's network nothing can be fetched.
gitea: setup
	@PYTHONPATH=tests/support $(BIN)/python -c "from gitea_program import build_gitea; build_gitea()"

github-description: setup
	@PYTHONPATH=tests/support $(BIN)/python -c "from github_description import load_description; load_description()"

cluster-test: cluster-packages gitea github-description ## test on that cluster; one that is not up is started and stopped again
	@$(CLUSTER_TESTS)

cluster-record: cluster-packages gitea github-description ## record anew what workflows look like in every end, to be read as a diff
	@VTSPEC_REGENERATE=1 $(CLUSTER_TESTS)

# Another cluster than that of the tests, so that it can be stopped with all there is in it.
cluster-demo: cluster-packages gitea ## a pull request on this machine: planned, approved, trained in pods, told; leaves nothing behind
	@VTSPEC_CLUSTER=$${VTSPEC_CLUSTER:-demo} $(CLUSTER) run --light $(CURDIR)/$(BIN)/python -m pull_request_demo

cluster-down: ## stop the cluster and leave nothing of it behind
	@$(CLUSTER) down

# Gitea is built on the first call, in some minutes, and kept outside of the clone.
forge-test: setup ## test on a real Gitea, which is built from its Go module
	$(BIN)/python -m pytest -q -m forge --durations=5 tests/forge

docs: setup ## write the JSON Schemas and docs/spec.md anew from the models
	$(BIN)/python -m vtspec.schema

bench: setup ## run the benchmarks; each prints its ratio
	for each in benchmarks/*.py; do echo "== $$each"; $(BIN)/python $$each; done
	$(BIN)/python benchmarks/words/score.py

EXPORT := $(UV) export --frozen --no-dev --no-emit-project --quiet

lock: ## lock the dependencies anew, and each image's environment from them
	$(UV) lock
	$(EXPORT) --extra step --output-file images/base/requirements.txt
	$(EXPORT) --only-group build --output-file images/base/build-requirements.txt
	$(EXPORT) --extra controller --extra draft --prune dvc --output-file images/vtspec/requirements.txt
	$(EXPORT) --extra timm --prune pydantic --prune rich --prune rapidfuzz --output-file images/timm/requirements.txt
	$(EXPORT) --extra ultralytics --prune pydantic --prune rich --output-file images/ultralytics/requirements.txt
	$(EXPORT) --extra transformers --output-file images/transformers/requirements.txt

catalog: setup ## write images/timm/catalog.json anew from timm itself (about 20 minutes)
	$(BIN)/python -m vtspec.adapters.catalogs timm --into images/timm/catalog.json

# The report is looked at in a real browser; without one that test says so and is skipped.
browser:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	     && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver; } \
	|| echo "no Chromium here: the report is not looked at in a browser (apt-get install chromium chromium-driver)"

clean: ## remove what was made here, except runs
	rm -rf .venv .uv dist .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
