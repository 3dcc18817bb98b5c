# make demo      make the shapes data set, run all stages on it, print the table
# make test      run the tests; TESTS='tests/models tests/apis' runs a part of them
#                MMDRS_FUZZ=5000 make test TESTS=tests/fuzz damages each file in as many ways
# make test-set  run the tests of what depends on the dependency set
# make test-spawn  run the tests that start processes, with processes spawned as on Windows and macOS
# make types     check the types with basedpyright
# make lint      check the style          make format   write the style
# make docs      build the documentation in build/docs; a warning is an error
# make linkcheck look up the links to other hosts in the documentation; needs a network
# make clean     remove environments and caches (data/ and work_dirs/ stay)
#
# Each sets up what it needs, once, in an environment of its own. DEPS chooses the set:
#   make test DEPS=onedl       OneDL's MMSegmentation, in .venv (the default)
#   make test DEPS=openmmlab   OpenMMLab's, in .venv-openmmlab
# PYTHON chooses the interpreter that makes the environment (3.10 to 3.12).

PYTHON ?= python3
DEPS ?= onedl
# Two processes, each with one thread: the networks of the tests are too small for more. Files go out
# in their order, which ends with small ones; else those of few tests, the slowest, would be last.
PYTEST_ARGS ?= -q -n 2 --dist loadfile --no-loadscope-reorder
TESTS ?= tests

# What `make test-set` leaves out. Either the code knows nothing of MMSegmentation, or it only puts
# together what the other tests run on each set: models, engine, data sets, apis, train and test.
SET_FREE_TESTS := \
    tests/benchmarks tests/fuzz tests/pipeline tests/project tests/pseudo_labels tests/reporting \
    tests/docs tests/test_archives.py tests/datasets/test_label_lists.py \
    tests/datasets/test_file_checks.py tests/datasets/test_content_checks.py \
    tests/apis/test_growth.py tests/apis/test_pool.py \
    tests/apis/test_score.py tests/apis/test_saliency.py tests/doctor \
    tests/datasets/test_image_folder.py tests/test_pickled_arrays.py \
    tests/apis/test_types.py tests/test_portability.py tests/test_spawn.py tests/test_versions.py \
    tests/test_docs.py tests/test_errors.py tests/test_pretended_device.py \
    tests/test_reading.py tests/test_stage_state.py \
    tests/evaluation/functional tests/evaluation/records \
    tests/models/losses tests/models/ops tests/parity \
    tests/tools/ablation tests/tools/limits tests/tools/test_check_saliency.py \
    tests/tools/test_coco_image_labels.py tests/tools/test_drs2mmdrs.py \
    tests/tools/test_released_checkpoints.py \
    tests/tools/test_make_shapes_voc.py tests/tools/test_mean_results.py \
    tests/tools/voc12_aug tests/tools/test_voc_image_labels.py \
    tests/tools/test_coco_labels.py tests/datasets/label_formats \
    tests/tools/test_voc_labels.py \
    tests/tools/test_sbd_mask.py tests/tools/test_voc_submission.py tests/tools/voc_server

ifeq ($(DEPS),onedl)
VENV := .venv
# The tests of ONNX export run on this set only.
ONNX_STAMP := $(VENV)/.onnx
else ifeq ($(DEPS),openmmlab)
VENV := .venv-openmmlab
ONNX_STAMP :=
else
$(error DEPS is 'onedl' or 'openmmlab', not '$(DEPS)')
endif

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CRF_STAMP := $(VENV)/.crf
CRF_LOG := $(VENV)/crf.log
CAM_STAMP := $(VENV)/.cam
DOCS_STAMP := $(VENV)/.docs
TYPES_STAMP := $(VENV)/.types
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
CONSTRAINTS := -c requirements/constraints.txt
SETUP_FILES := $(wildcard requirements/*.txt) setup.py pyproject.toml mmdrs/version.py

# -W --keep-going: all warnings, then an error; -n: each name in a docstring must exist.
SPHINX := $(BIN)/python -m sphinx -W --keep-going -n -q

.PHONY: demo test test-set test-spawn types lint format docs linkcheck clean
.DELETE_ON_ERROR:

demo: $(STAMP)
	$(BIN)/python tools/dataset_converters/make_shapes_voc.py data/shapes
	$(BIN)/python tools/pipeline.py configs/shapes/settings_shapes.py --work-dir work_dirs/demo
	$(BIN)/python tools/analysis_tools/report.py work_dirs/demo

test: $(STAMP) $(CRF_STAMP) $(CAM_STAMP) $(ONNX_STAMP)
	@$(BIN)/python -c 'import pydensecrf.densecrf' 2>/dev/null || \
	    echo "Tests of the dense CRF are skipped: pydensecrf was not built, see $(CRF_LOG)"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(TESTS) $(LEFT_OUT) $(PYTEST_ARGS)

test-set: LEFT_OUT := $(addprefix --ignore=,$(SET_FREE_TESTS))
test-set: test

test-spawn: $(STAMP)
	MMDRS_START_METHOD=spawn OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m processes \
	    $(shell grep -rl 'mark[.]processes' tests --include='test_*.py') $(PYTEST_ARGS)

# grad-cam is imported by the code that is checked.
types: $(STAMP) $(CAM_STAMP) $(TYPES_STAMP)
	$(BIN)/basedpyright --pythonpath $(BIN)/python

lint: $(STAMP)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

format: $(STAMP)
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

docs: $(DOCS_STAMP)
	$(SPHINX) -b html docs build/docs
	@echo "The documentation is in build/docs/index.html"

linkcheck: $(DOCS_STAMP)
	$(SPHINX) -b linkcheck docs build/linkcheck

# torch goes first and pinned: a package that asks for any torch would take the newest one.
# MMCV is built apart from the environment: beside an installed torch it would compile all of its
# operators, which takes a quarter of an hour.
$(STAMP): $(SETUP_FILES)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' || { \
	    echo "mmdrs needs Python 3.10 to 3.12; '$(PYTHON)' is none. Give one: PYTHON=..." >&2; \
	    exit 1; }
	@test -x $(BIN)/python || { echo "Making $(VENV)"; $(PYTHON) -m venv --clear $(VENV); }
	@echo "Installing PyTorch into $(VENV)"
	@$(PIP) setuptools torch $(CONSTRAINTS)
	@echo "Installing the $(DEPS) set and the test tools into $(VENV)"
	@$(PIP) -r requirements/runtime.txt -r requirements/$(DEPS).txt -r requirements/tests.txt \
	    $(CONSTRAINTS)
	@echo "Installing mmdrs into $(VENV), editable"
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# Optional, and only tests use it here: it has to be compiled, which takes most of a minute and a
# C++ compiler. It is tried once.
$(CRF_STAMP): requirements/crf.txt | $(STAMP)
	@echo "Building pydensecrf into $(VENV)"
	@$(PIP) -r requirements/crf.txt $(CONSTRAINTS) >$(CRF_LOG) 2>&1 || true
	@touch $@

# Also for tests only, but nothing has to be compiled: it must succeed.
$(VENV)/.onnx: requirements/onnx.txt requirements/constraints.txt | $(STAMP)
	@echo "Installing ONNX and its runtime into $(VENV)"
	@$(PIP) -r requirements/onnx.txt $(CONSTRAINTS)
	@touch $@

# For tests only. Apart and without what it asks for, see requirements/cam-tests.txt.
$(CAM_STAMP): requirements/cam.txt requirements/cam-tests.txt requirements/constraints.txt | $(STAMP)
	@echo "Installing grad-cam, without torchvision, into $(VENV)"
	@$(PIP) -r requirements/cam-tests.txt $(CONSTRAINTS)
	@$(PIP) --no-deps --no-build-isolation -r requirements/cam.txt $(CONSTRAINTS)
	@touch $@

# In the environment of the tests: the reference imports the package.
$(DOCS_STAMP): requirements/docs.txt requirements/constraints.txt | $(STAMP)
	@echo "Installing Sphinx into $(VENV)"
	@$(PIP) -r requirements/docs.txt $(CONSTRAINTS)
	@touch $@

$(TYPES_STAMP): requirements/types.txt requirements/constraints.txt | $(STAMP)
	@echo "Installing basedpyright into $(VENV)"
	@$(PIP) -r requirements/types.txt $(CONSTRAINTS)
	@touch $@

clean:
	rm -rf .venv .venv-openmmlab build dist *.egg-info mmdrs/.mim .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
