# What a newcomer and a contributor type. Needs Linux, make and Python 3.11 or newer; brings the rest.
#
#   make demo               a real video through the real system; Ctrl-C stops it
#   make demo VIDEO=a.mov   one's own
#   make demo ONCE=1        ends when it is ready; the last line is JSON
#   make test               all tests
#   make bench              what is fast and what is not; takes more than half an hour, see docs/benchmarks.md
#   make soak N=200         kills everything at N random moments each, and uploads 5 GiB; takes hours
#   make lint               style, types, import layers
#   make infra              what the Pulumi program and spool-env need; see docs/deploy.md
#   make images             container images, with Docker or Buildah; see docs/images.md
#   make web                what browsers need, from npm
#   make clean              removes what was installed and made, not .spool/, where videos are

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
SETUP := sh tools/with_python.sh tools/bootstrap.py
BIN := .venv/bin

.DEFAULT_GOAL := demo
.PHONY: demo test bench soak lint infra images web clean

# VIDEO reaches the shell by the environment, so that any file name is one word.
export VIDEO
demo:
	@$(SETUP) runtime web
	@exec $(BIN)/spool up --demo $(if $(ONCE),--once) $(if $(VIDEO),-- "$$VIDEO")

test:
	@$(SETUP) runtime dev web
	@exec $(BIN)/pytest $(ARGS)

bench:
	@$(SETUP) runtime dev web
	@exec $(BIN)/python -m tests.bench $(ARGS)

N ?= 20
soak:
	@$(SETUP) runtime dev
	@exec $(BIN)/pytest tests/e2e/system --rounds $(N) --mib 5120 -s $(ARGS)

lint:
	@$(SETUP) runtime dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

infra:
	@$(SETUP) infra

# TAG, PYTHON_BASE and NGINX_BASE as in docs/images.md; NAMES of api, worker, console.
images:
	@sh tools/with_python.sh tools/images.py $(if $(TAG),--tag $(TAG)) \
	  $(if $(PYTHON_BASE),--python-base $(PYTHON_BASE)) \
	  $(if $(NGINX_BASE),--nginx-base $(NGINX_BASE)) $(NAMES)

web:
	@rm -f .venv/.web-failed
	@$(SETUP) runtime web
	@$(BIN)/python tools/web_assets.py

clean:
	rm -rf .venv node_modules app/static/vendor test-results dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
