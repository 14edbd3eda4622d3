# Everything on a fresh machine with Python >= 3.11: `make demo` or `make test`. VENV and PYTHON can be set.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# families of methods, and a worked example of an organ: installed for the tests, left out of the demo
METHODS := flow score latent comparators inverse anomaly downstream paired private masks volumes
EXAMPLES := plugins/mribench-knee $(wildcard $(METHODS:%=plugins/mribench-%))
ORGANS := $(filter-out $(EXAMPLES),$(sort $(wildcard plugins/mribench-*)))
EMPTY :=
COMMA := ,
NAMES := $(subst $(EMPTY) $(EMPTY),$(COMMA),$(ORGANS:plugins/mribench-%=%))
STAMP := $(VENV)/.installed
TESTED := $(VENV)/.examples

# dozens of processes would each compile the package anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test slow lint clean

demo: $(STAMP)
	$(BIN)/mribench run --modalities $(NAMES) --profile quick --within 15 --out runs/demo

test: $(TESTED)
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

slow: $(TESTED)
	$(BIN)/python -m pytest -m "slow or network or gpu"

lint: $(STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt ruff
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy

# one pip call, so that the plugins find the core beside them
$(STAMP): pyproject.toml constraints.txt $(addsuffix /pyproject.toml,$(ORGANS))
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mribench needs Python >= 3.11; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[test]" $(addprefix -e ./,$(ORGANS))
	touch $@

$(TESTED): $(STAMP) $(addsuffix /pyproject.toml,$(EXAMPLES))
	$(BIN)/python -m pip install -q -c constraints.txt $(addprefix -e ./,$(EXAMPLES))
	touch $@

clean:
	rm -rf $(VENV) runs
