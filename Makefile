# One command for each thing one does here; "make help" lists them. Needs python3 >= 3.11 with venv, and nothing else.
PYTHON ?= python3
PORT ?= 5000
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
VAR := $(or $(LINJU_VAR_DIR),var)
ROOMS := core community volunteers services app.py
TEMPLATES := templates

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-reset test check format e2e bench

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## make .venv and install the package

demo: $(VENV)/.installed ## load the demo estate and serve it on http://127.0.0.1:$PORT
	@exec env LINJU_ENV=demo PORT=$(PORT) $(BIN)/python -m core.serve

demo-reset: ## throw the demo data away
	@if [ -f "$(VAR)/demo.env" ]; then rm -rf "$(VAR)" && echo "$(VAR)/ removed"; else echo "no demo data in $(VAR)/"; fi

test: $(VENV)/.installed-test ## run the whole suite on SQLite and on PostgreSQL
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

check: $(VENV)/.installed-test ## ruff, mypy, djlint, import contracts, migrations in step with the models
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict $(ROOMS)
	$(BIN)/djlint --check --lint $(TEMPLATES)
	@PATH="$(abspath $(BIN)):$$PATH" lint-imports
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && export LINJU_ENV=demo LINJU_VAR_DIR="$$dir" LINJU_DATABASE_URL= \
	  LINJU_SECRET_KEY=only-for-the-migration-check-0000 LINJU_SEAL_KEY=only-for-the-migration-check-0000 && \
	  $(BIN)/flask --app app db upgrade && $(BIN)/flask --app app db check

format: $(VENV)/.installed-test ## write sources and templates the way check wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint --quiet --reformat $(TEMPLATES)

e2e: $(VENV)/.installed-e2e ## browser journeys in headless Chromium, with accessibility checks
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	  { echo "Chromium is missing. Install it first: sudo apt-get install chromium fonts-noto-cjk" >&2; exit 1; }
	@$(BIN)/python -m pytest tests/e2e -n $(JOBS) --dist worksteal

bench: $(VENV)/.installed-bench ## the measured figures, as ratios
	@$(BIN)/python -m bench

$(VENV)/.installed: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Cannot make a virtual environment. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "installing into $(VENV) …"
	@$(PIP) -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@$(PIP) -e '.[test]'
	@touch $@

$(VENV)/.installed-e2e: $(VENV)/.installed-test
	@$(PIP) -e '.[test,e2e]'
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed-test
	@$(PIP) -e '.[test,bench]'
	@touch $@
