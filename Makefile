# Every target does its own set-up: tools/setup.sh says what that is.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# In native/; does nothing on a machine without it, which "machine cargo" says loudly.
CARGO := tools/setup.sh cargo
# How long to fuzz, in seconds.
SECONDS := 60
# More words for pytest: make test ARGS="-k wire"
ARGS :=
# On all processors, up to four: more of them find the tests that wait, not those that compute.
PYTEST := -m pytest -q -n auto --maxprocesses 4 --dist worksteal

.PHONY: help demo test wheels lint format docs bench fuzz fuzz-native soak dist wheel-test machine clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

# What is not there is left out, and said.
demo: machine .venv/for-use ## the whole story in half a minute, on throw-away keys
	@tools/setup.sh machine cargo
	@tools/setup.sh loader || :
	@$(BIN)/sig demo

# Without a network the tests that need wheels fail and say so; the others need none.
# The program of loaders is built meanwhile: its last step is one process for a minute.
test: .venv/for-test ## the test suite; ARGS="-k word" for a part of it, without that of native/
	@tools/setup.sh machine nginx cargo
	@$(BIN)/python tools/wheels.py || :
	@failed=; $(if $(ARGS),,tools/setup.sh loader & $(CARGO) test --quiet --locked || failed=1; wait;) \
	PATH="$$PATH:/usr/sbin:/sbin" $(BIN)/python $(PYTEST) $(ARGS) || exit; \
	test -z "$$failed" || { echo "failed: the tests of native/, see above" >&2; exit 1; }

wheels: machine .venv/for-use ## fetch what tests install, once, into ~/.cache/sig-tests
	@$(BIN)/python tools/wheels.py

lint: machine .venv/for-lint ## ruff, mypy and the layers; rustfmt and clippy
	@tools/setup.sh machine cargo lint
	@failed=; for check in "ruff check --quiet" "ruff format --check --quiet" mypy lint-imports; do \
	    echo "$$check"; $(BIN)/$$check || failed="$$failed, $$check"; \
	done; for check in "fmt --all --check" \
	    "fmt --manifest-path fuzz/Cargo.toml --check" \
	    "clippy --quiet --locked --workspace --all-targets -- -D warnings"; do \
	    echo "cargo $$check"; $(CARGO) $$check || failed="$$failed, cargo $${check%% *}"; \
	done; test -z "$$failed" || { echo "failed: $${failed#, }" >&2; exit 1; }

format: machine .venv/for-lint ## let ruff and rustfmt lay out the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(CARGO) fmt --all
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml

docs: machine .venv/for-docs ## the documentation, in site/
	$(BIN)/mkdocs build --strict --quiet
	$(BIN)/python tools/no_third_parties.py site

bench: machine .venv/for-test ## what is fast, and against whom
	$(BIN)/python benchmarks/run.py $(ARGS)

fuzz: machine .venv/for-fuzz ## the fuzzers, SECONDS=60
	$(BIN)/python fuzz/run.py --seconds $(SECONDS)

fuzz-native: machine .venv/for-use ## the fuzzers of native/, where cargo-fuzz is; SECONDS=60
	@tools/setup.sh machine cargo
	$(BIN)/python tools/fuzz_native.py --seconds $(SECONDS)

soak: SECONDS := 1800
soak: .venv/for-fuzz .venv/for-test ## long races and long fuzzing; SECONDS=1800 each unless told
	@tools/setup.sh machine nginx cargo
	@$(BIN)/python tools/wheels.py || :
	$(CARGO) test --quiet --locked
	PATH="$$PATH:/usr/sbin:/sbin" SIG_SOAK=1 $(BIN)/python $(PYTEST) $(ARGS)
	$(BIN)/python fuzz/run.py --seconds $(SECONDS)
	$(BIN)/python tools/fuzz_native.py --seconds $(SECONDS)

dist: machine .venv/for-dist ## the wheels of signet-sig and signet-sig-loader, in dist/
	@tools/setup.sh machine cargo
	@tools/setup.sh dist dist

wheel-test: machine .venv/for-test .venv/for-dist ## build the wheels, install them elsewhere, test them there
	@tools/setup.sh machine cargo
	@$(BIN)/python tools/wheels.py || :
	@tools/wheel-test.sh

machine:
	@tools/setup.sh machine

# One environment, one note in it for each use. tools/setup.sh decides what is to be done: which file
# is newer does not tell that this folder was moved or its Python replaced.
# The machine comes first: venv may be missing.
.venv/for-%: machine
	@tools/setup.sh venv $(filter-out use,$*)

clean: ## remove what make made
	rm -rf .venv site build dist .cache .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache native/target native/fuzz/target native/fuzz/corpus
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
