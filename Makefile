# Everything here sets itself up: a virtual environment in .venv, made once and again when pyproject.toml changes.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help night test test-containers quick lint attacks bench money soak study study-gpt study-gpu example clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/night: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make night PYTHON=python3.12"; exit 1; }
	@echo "setting up .venv (once, about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[saas,search]'
	@touch $@

# GitHub's description of its API, which the tests hold every message against; npm brings it.
.venv/github-openapi.json: tests/github/fetch.py | .venv/night
	@$(BIN)/python tests/github/fetch.py $@

# A stand-in for providers of models, not written here; npm brings it, node runs it.
.venv/aimock: tests/models/fetch_aimock.py | .venv/night
	@$(BIN)/python tests/models/fetch_aimock.py $@

.venv/test: .venv/night .venv/github-openapi.json .venv/aimock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps lifetimes==0.11.3
	@touch $@

TARGET ?= churn-risk
night: .venv/night  ## a night on real customer data: branch, page, records (TARGET=compiler-flags: another target)
	@$(BIN)/autoresearch night $(TARGET)

test: .venv/test lint  ## lint, types and every test
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

quick: .venv/test  ## the tests that take seconds
	$(BIN)/python -m pytest tests/unit -m "not slow"

test-containers: .venv/test  ## containers of Tag Manager in a folder of yours (GTM_CONTAINERS=DIR): each scores, is audited and repaired
	@GTM_CONTAINERS='$(GTM_CONTAINERS)' $(BIN)/python -m pytest -q -s tests/gtm/given_containers.py

lint: .venv/test  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/test  ## speed in medians and ratios measured in one run, and what of a prompt a cache can hold
	$(BIN)/python -m tests.benchmarks
	$(BIN)/python -m tests.benchmarks.saas
	$(BIN)/python -m tests.benchmarks.pages
	$(BIN)/python -m tests.benchmarks.planning
	$(BIN)/python -m tests.benchmarks.prompt_economy
	$(BIN)/python -m tests.benchmarks.containers

money: .venv/test  ## 500 simulated nights that spend: is a cap ever exceeded, is anything paid for left unjudged?
	$(BIN)/python -m tests.benchmarks.money

soak: .venv/test  ## kill -9 at 300 random instants: every night goes on, nothing is lost or counted twice
	$(BIN)/python -m tests.benchmarks.soak

study-gpt: .venv/test  ## gpt-training: how runs scatter, what a screen loses, train.py beside a plain GPT
	$(BIN)/python -m tests.benchmarks.gpt_noise
	$(BIN)/python -m tests.benchmarks.gpt_screen
	$(BIN)/python -m tests.benchmarks.gpt_corpus

study-gpu: .venv/test  ## a card: a baseline at 60 seconds, then a small night; started again it goes on where it was
	$(BIN)/python -m tests.benchmarks.gpu

study: .venv/test  ## how often is a night wrong, and how often right? About half an hour on two free cores
	$(BIN)/python -m tests.benchmarks.permuted
	$(BIN)/python -m tests.benchmarks.few_accounts
	$(BIN)/python -m tests.benchmarks.nulls
	$(BIN)/python -m tests.benchmarks.nights_through_the_door
	$(BIN)/python -m tests.benchmarks.ablation
	$(BIN)/python -m tests.benchmarks.lasting
	$(BIN)/python -m tests.benchmarks.power
	$(BIN)/python -m tests.benchmarks.planted

EXAMPLE := .venv/example
example: .venv/night  ## makes the example in results/churn-risk again, from the last commit
	@rm -rf $(EXAMPLE) && git clone --quiet . $(EXAMPLE)
	@$(BIN)/autoresearch night -C $(EXAMPLE) churn-risk --seed 2026 --quiet
	@night=$$(git -C $(EXAMPLE) for-each-ref --format='%(refname:short)' 'refs/heads/autoresearch/2*') && \
	  git -C $(EXAMPLE) archive "$$night" results/churn-risk | tar x
	@printf '> An example: the real night that \140make example\140 runs, from commit %s. The first night you merge replaces it.\n\n' \
	  "$$(git rev-parse --short HEAD)" | cat - results/churn-risk/README.md > .venv/page && mv .venv/page results/churn-risk/README.md

clean:  ## removes .venv; nights and records stay
	rm -rf .venv
