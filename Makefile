# Everything a developer runs. `make` lists it; .ci/run calls `make test`. Needs only make and Python 3.11 or newer.
.PHONY: help setup inspect test check fix docs bench accuracy selftest
unexport PYTHONDONTWRITEBYTECODE  # with it, every process would compile all it imports anew, and start three times as slowly
BIN := $(CURDIR)/.venv/bin
WITH_VENV := PATH="$(BIN):$$PATH"
STAMP := .venv/.installed
ENOUGH := import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))

help: ## list what there is
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' Makefile | expand -t 12
setup: $(STAMP) ## build .venv from requirements.lock
$(STAMP): requirements.lock pyproject.toml $(wildcard packages/*/pyproject.toml services/*/pyproject.toml)
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 none; do \
		"$$python" -c '$(ENOUGH)' 2>/dev/null && break; done; \
	test "$$python" != none || { echo "setup: expected Python 3.11 or newer with venv and ensurepip, found $$(python3 --version 2>&1)." \
		"Install one, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }; \
	"$$python" -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e packages/roadworthy -e packages/chassis -e services/spyne
	@touch $@
inspect: setup ## inspect Spyne on SQLite and on PostgreSQL with Valkey, and write a report
	@$(WITH_VENV) roadworthy inspect --budget 1800 services/spyne || test $$? = 3  # 3: unproven; the manifest says why
test: check ## run check, then the suite with its coverage
	@$(BIN)/python -m pytest --cov --cov-report=term-missing
check: setup ## lint, types and import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
fix: setup ## repair what ruff can repair
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .
docs: setup ## write the generated pages, docs/claims
	@$(BIN)/python docs/generate_claims.py
bench: setup ## run every benchmark
	@for each in benchmarks/*.py benchmarks/chassis/[!hs]*.py benchmarks/chassis/shutdown.py; do \
		echo "== $$each"; $(WITH_VENV) python $$each || failed=1; done; test -z "$$failed"
accuracy: setup ## compare verdicts on services of others with labels made by hand
	@$(WITH_VENV) python accuracy/run.py
selftest: setup ## inspect the two specimens of every claim
	@$(WITH_VENV) roadworthy selftest
