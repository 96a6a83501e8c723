# `make` alone lists the targets. Everything lives in .venv; nothing else is installed.
PYTHON3 ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help run test check fix openapi lock audit browser linters image

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1	\2/' | expand -t 16

.venv/pyvenv.cfg:
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; name it: make PYTHON3=python3.11"; exit 1; }
	@# A virtual environment without pip (Debian's python3 without python3-venv) is none.
	@$(PYTHON3) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/run: requirements.txt .venv/pyvenv.cfg
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/develop: requirements-dev.txt .venv/pyvenv.cfg
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ .venv/run

run: .venv/run ## serve on port 8000 with sample data (or DATA=folder [OWNER=user id])
	@$(BIN)/python demo/start.py --data "$(DATA)" --user-id "$(OWNER)"

browser: .venv/develop
	@$(BIN)/python -m demo.browser

# Where there is npm. Without them the test that runs them is left out.
.venv/linters/installed: tests/linters/package-lock.json .venv/pyvenv.cfg
	@mkdir -p .venv/linters && rm -f $@ && cp tests/linters/* .venv/linters
	@if command -v npm >/dev/null; then cd .venv/linters \
	  && npm ci --silent --ignore-scripts --no-audit --no-fund \
	  && node_modules/.bin/redocly --version >/dev/null 2>&1 && touch installed \
	  || echo "The OpenAPI description is not linted: npm could not install Redocly and Spectral."; fi

linters: .venv/linters/installed

test: browser linters check ## lint, types and the whole suite on SQLite and on PostgreSQL
	$(BIN)/python -m tests.both_engines -q -n auto

check: .venv/develop ## lint, types, migrations and the OpenAPI file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file .venv/openapi.yaml
	diff docs/openapi.yaml .venv/openapi.yaml || { echo "Run make openapi and commit it."; exit 1; }

fix: .venv/develop ## format, and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

image: ## build the container image, which knows its commit
	docker build --tag steward --build-arg STEWARD_RELEASE=$$($(PYTHON3) -m operations.release) .

openapi: .venv/develop ## write docs/openapi.yaml anew
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

lock: .venv/develop ## compile requirements*.txt, with hashes, from the .in files
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	  requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	  requirements-dev.in -o requirements-dev.txt

# A package that cannot be looked up fails it as well.
audit: .venv/develop ## look for known faults of the pinned packages (asks pypi.org)
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r requirements-dev.txt
