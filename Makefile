# Everything on a fresh machine with Python >= 3.11: `make demo` or `make test`. VENV and PYTHON can be set.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PLUGINS := $(sort $(wildcard plugins/mribench-*))
STAMP := $(VENV)/.installed

.PHONY: demo test slow lint clean

demo: $(STAMP)
	$(BIN)/mribench run --modalities all --profile quick --out runs/demo

test: $(STAMP)
	$(BIN)/python -m pytest

slow: $(STAMP)
	$(BIN)/python -m pytest -m "slow or network or gpu"

lint: $(STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt ruff
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

# one pip call, so that the plugins find the core beside them
$(STAMP): pyproject.toml constraints.txt $(addsuffix /pyproject.toml,$(PLUGINS))
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mribench needs Python >= 3.11; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[test]" $(addprefix -e ./,$(PLUGINS))
	touch $@

clean:
	rm -rf $(VENV) runs
