# make reproduce-{asli,attrec,sine,sair,cafe} | audit | test | test-slow | tensorboard | bench | lint        Variables: see `make help`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PAPER ?= asli
PROFILE ?= quick
STRATEGY ?= none
PRECISION ?= float32
RUNS ?= runs
LOGDIR ?= $(RUNS)
PORT ?= 6006
DATA_DIR ?=
DATASETS ?=
SEEDS ?=
RESULTS ?=
FLAGS ?=

PASS = --profile=$(PROFILE) --strategy=$(STRATEGY) --precision=$(PRECISION) --runs=$(RUNS) \
  $(if $(DATA_DIR),--data_dir=$(DATA_DIR)) $(if $(DATASETS),--datasets=$(DATASETS)) \
  $(if $(SEEDS),--seeds=$(SEEDS)) $(if $(RESULTS),--results=$(RESULTS)) $(FLAGS)

.PHONY: help setup report audit test test-slow tensorboard bench lint clean

help:
	@echo "make reproduce-asli   set up, find or generate data, train, evaluate, write the report (PROFILE=quick|paper)"
	@echo "make reproduce-attrec, reproduce-sine, reproduce-sair, reproduce-cafe: the same for AttRec, SINE, SAIR, CAFE"
	@echo "make audit            which rows of the published tables no ranking can make, which statistics contradict themselves"
	@echo "make report           the report of the records that are there (PAPER=asli|attrec|sine|sair|cafe)"
	@echo "make test             the test suite (make test-slow: convergence anchors, full-size checks)"
	@echo "make tensorboard      losses, metrics and attention maps of what was trained (PORT=$(PORT))"
	@echo "make bench            speed, as ratios"
	@echo "make clean            deletes the environment and $(RUNS): checkpoints, records and reports in it too"
	@echo "Variables: PROFILE DATA_DIR DATASETS SEEDS STRATEGY=none|mirrored PRECISION=float32|mixed_bfloat16 RUNS RESULTS"

setup: $(VENV)/.installed

$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else \
	  "error: Python 3.11, 3.12 or 3.13 is needed, this is %d.%d; run make PYTHON=/path/to/python3.12" % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the requirements into $(VENV) (about a minute, 2 GB)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

# Not .PHONY: make would not look for a pattern rule then.
reproduce-%: setup
	@$(BIN)/python -m experiments.reproduce --paper=$* $(PASS)

report: setup
	@$(BIN)/python -m experiments.report --paper=$(PAPER) --profile=$(PROFILE) --out=$(RUNS)/reports/$(PAPER)-$(PROFILE) \
	  --results=$(if $(RESULTS),$(RESULTS),$(RUNS)/results)

audit: setup
	@$(BIN)/python -m experiments.audit

test: setup
	@$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-slow: setup
	@$(BIN)/python -m pytest -m slow

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

tensorboard: setup
	@$(BIN)/tensorboard --logdir $(LOGDIR) --port $(PORT)

bench: setup
	@$(BIN)/python -m experiments.bench

clean:
	rm -rf $(VENV) $(RUNS)
