# make dev, then make test. CONTRIBUTING.md says more.
.PHONY: dev test full lint fix

dev:
	python3 -m venv .venv
	.venv/bin/pip install --quiet --editable '.[dev]'

test:
	.venv/bin/pytest -n auto

full:
	.venv/bin/pytest -n auto -m 'sweep or not sweep'

lint:
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

fix:
	.venv/bin/ruff check --fix
	.venv/bin/ruff format
