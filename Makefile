# Everything runs in .venv, made from pyproject.toml whenever it is missing or older.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/installed
LOWEST := .venv-lowest
BEAM := .venv-beam
VERDICTS := .venv-verdicts
DOCS := .venv/docs

.PHONY: demo test test-slow quick migrated lowest beam browser package verify frameworks verdicts vectors docs docs-serve mutants bench quality lint extended clean

demo: $(INSTALLED)  ## a photograph, a bad start, invented digits and a vote; writes out/*.png
	@$(BIN)/python -m examples.demo

test: $(INSTALLED)  ## all tests but those of `test-slow`, the docstrings' examples included
	$(BIN)/python -m pytest -n 2 --dist loadgroup --hypothesis-profile=ci -m "not process and not training and not long and not install and not browser"

REPLICAS := $(BIN)/python -X faulthandler -m pytest tests/replicas

test-slow: $(INSTALLED) beam  ## what starts processes of its own, and trainings: the demonstration, the wheel, examples, replicas
	$(BIN)/python -m pytest -n 2 --dist loadgroup --hypothesis-profile=ci -m "process or training or long" --ignore tests/replicas
	$(REPLICAS) || { test $$? -eq 139 && $(REPLICAS); }  # once more after a crash in native code, not after a failure

quick: $(INSTALLED)  ## a few examples of each law, nothing compiled and no processes; within a minute
	$(BIN)/python -m pytest -n 2 --dist loadgroup --hypothesis-profile=quick -m "not slow and not process and not training and not long and not install and not browser"

MIGRATED := $(BIN)/python -m pytest --hypothesis-profile=few --implementation vq_verify.adapters.migrated

migrated: $(INSTALLED)  ## the laws in a program of TensorFlow 1, which no other test can share a process with
	$(MIGRATED):MigratedGraphFunctions tests/property tests/parity
	$(MIGRATED):compiled tests/parity/test_many_rows.py

lowest: $(LOWEST)/installed  ## the same with few random cases, on the lowest versions that pyproject.toml admits
	$(LOWEST)/bin/python -m pytest -n 2 --dist loadgroup --hypothesis-profile=few -m "not training and not install and not browser"

package: $(INSTALLED)  ## wheel and sdist, built and tried in empty environments, with TensorFlow and without
	$(BIN)/python -m pytest -m install tests/package

beam: $(BEAM)/installed  ## the example of encoding in bulk, in an environment of its own: Apache Beam holds protobuf below 7
	$(BEAM)/bin/python -m pytest tests/package/test_bulk_encoding.py

CHROMIUM := { test $$(id -u) = 0 || { echo "error: install the Debian packages chromium and chromium-driver"; exit 1; }; \
  apt-get update && apt-get install --yes chromium chromium-driver; }

browser: $(INSTALLED)  ## the site and its playground in Chromium; installs that, if it may
	@test -f docs/_build/built || $(MAKE) docs
	@which chromium chromedriver > /dev/null || $(CHROMIUM)
	$(BIN)/pip install --quiet --editable '.[browser]'
	BROWSER_REQUIRED=1 $(BIN)/python -m pytest -m browser tests/browser

extended: $(INSTALLED)  ## all tests with far more random cases
	$(BIN)/python -m pytest -n 2 --dist loadgroup --hypothesis-profile=extended -m "not training and not install and not browser"

verify: $(INSTALLED)  ## IMPLEMENTATION=package.module:factory, or what is shipped; a report by clause in out/verification
	$(BIN)/python -m pytest -n 2 --dist loadgroup --hypothesis-profile=ci tests/property tests/parity --report out/verification \
	  $(addprefix --implementation=,$(IMPLEMENTATION))

frameworks: $(VERDICTS)/installed  ## the runners of vectors/ in PyTorch and JAX
	$(VERDICTS)/bin/python -m pytest tests/suite/test_vectors.py -k runner

verdicts: $(VERDICTS)/installed  ## the suite on layers of others, in an environment of its own; writes docs/verdicts
	$(VERDICTS)/bin/python -m verdicts $(ARGUMENTS)

vectors: $(INSTALLED)  ## write the fixed cases in vectors/ anew, from the oracle
	$(BIN)/python -m vq_verify.vectors

mutants: $(INSTALLED)  ## mutation testing of the pure modules; takes more than an hour
	$(BIN)/pip install --quiet --editable '.[mutants]'
	$(BIN)/mutmut run
	$(BIN)/mutmut results

bench: $(INSTALLED)  ## times and memory beside those of rivals; takes up to an hour; ARGUMENTS=--help for more
	$(BIN)/pip install --quiet --editable '.[bench]'
	$(BIN)/python -m benchmarks $(ARGUMENTS)

quality: $(INSTALLED)  ## what the layer learns, beside what its peers learn; takes about a quarter of an hour
	$(BIN)/pip install --quiet --editable '.[bench]'
	$(BIN)/python -m benchmarks.quality $(ARGUMENTS)

docs: $(DOCS)  ## the site, into docs/_build/html; warnings, failing code and broken links are errors
	@rm -rf docs/_build docs/api/generated docs/gallery  # pages of what is no more would stay
	PYTHONPATH=docs $(BIN)/python -m pytest --quiet docs/extensions verdicts/pages.py
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -b html docs docs/_build/html
	@touch docs/_build/built
	@echo "docs/_build/html/index.html; make docs-serve shows it on localhost"

docs-serve:  ## the site on http://localhost:8000
	@test -f docs/_build/built || $(MAKE) docs
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory docs/_build/html 8000

lint: $(INSTALLED)  ## style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(INSTALLED): EXTRAS := test,examples,lint
$(INSTALLED): OPTIONS :=
$(LOWEST)/installed: EXTRAS := test,examples
$(LOWEST)/installed: OPTIONS := --constraint $(LOWEST)/constraints.txt
$(LOWEST)/installed: $(LOWEST)/constraints.txt
$(BEAM)/installed: EXTRAS := test,examples,beam
$(BEAM)/installed: OPTIONS :=
$(VERDICTS)/installed: EXTRAS := test
$(VERDICTS)/installed: OPTIONS := --requirement verdicts/requirements.txt
$(VERDICTS)/installed: verdicts/requirements.txt

$(INSTALLED) $(LOWEST)/installed $(BEAM)/installed $(VERDICTS)/installed: pyproject.toml
	@echo "Installing into $(@D) (some minutes the first time) ..."
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install $(OPTIONS) --editable '.[$(EXTRAS)]' > $(@D)/install.log 2>&1 \
	  || { echo "error: installing failed; is the package index reachable? The last line of $(@D)/install.log:"; \
	       grep -i error $(@D)/install.log | tail -n 1; exit 1; }
	@touch $@

$(DOCS): $(INSTALLED)
	@$(BIN)/pip install --quiet --editable '.[docs]'
	@touch $@

$(LOWEST)/constraints.txt: pyproject.toml tests/lowest.py
	@mkdir -p $(@D)
	@$(PYTHON) -m tests.lowest > $@

clean:
	rm -rf .venv $(LOWEST) $(BEAM) $(VERDICTS) out build dist docs/_build
