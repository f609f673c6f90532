# Each target does all its own set-up; a stamp in .venv makes the second call cost nothing.
# PYTHON chooses the interpreter (3.11 to 3.14) that .venv is made with.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGING := pyproject.toml setup.py
comma := ,
NATIVE := $(wildcard engine/native/*.[ch] engine/native/kernels/*.[ch])
PYTEST := $(BIN)/python -m pytest

.PHONY: demo test test-long test-gpu test-numpy test-mpich sanitize check listings native clean

demo: $(VENV)/.installed-demo
	$(BIN)/python examples/digits_dnn.py

test: $(VENV)/.installed-test
	$(PYTEST)

test-long: $(VENV)/.installed-test
	$(PYTEST) -m long
	$(MAKE) test-sim SIM_SAMPLES= SIM_ALSO=$(NVRTC)
	$(SIM) $(PYTEST) $(REST_ON_SIM) tests/examples tests/estimators/test_sklearn.py $(NVRTC)

# Ops, layers, estimators and listings with all sessions on the simulated GPU, and 200 steps beside the CPU's. Two at a time:
# make -j2 --output-sync=target test-sim. Signals, and what repeats much, are left to the CPU and to test-long, which also takes
# all samples of the ops, compiles by NVRTC what was loaded, and runs the rest of the engine's tests there.
SIM = HEADRACE_GPU=sim HEADRACE_CACHE=$(CURDIR)/build/kernels OPENBLAS_NUM_THREADS=1
SIM_SAMPLES := 1
SIM_ALSO :=
NVRTC := tests/engine/gpu/test_nvrtc.py::test_what_this_runs_tests_loaded_compiles
REST_ON_SIM := $(filter-out $(addprefix tests/engine/,__pycache__ gpu native ops),$(wildcard tests/engine/*))
OFF_SIM := $(addprefix --ignore tests/estimators/,test_kill_and_resume.py test_sklearn.py) --ignore tests/layers/keras/test_backup.py
.PHONY: test-sim sim-ops sim-layers sim-estimators sim-steps
test-sim: sim-ops sim-layers sim-estimators sim-steps

sim-ops: $(VENV)/.installed-test
	$(SIM) HEADRACE_SAMPLES=$(SIM_SAMPLES) $(PYTEST) tests/engine/ops $(SIM_ALSO)

sim-layers: $(VENV)/.installed-test
	$(SIM) $(PYTEST) tests/layers $(OFF_SIM) $(SIM_ALSO)

sim-estimators: $(VENV)/.installed-test
	$(SIM) $(PYTEST) tests/estimators $(OFF_SIM) $(SIM_ALSO)

sim-steps: $(VENV)/.installed-test
	$(SIM) $(PYTEST) -m long tests/engine/gpu/test_workloads.py
	$(SIM) $(BIN)/python tools/listings.py

# On a real GPU. Another interpreter, which has CuPy: make test-gpu GPU_PYTHON=python3. What a few seconds can find comes first;
# what hangs is shown after a minute, and ended. GPU_FLAGS='-n 8', where there is pytest-xdist, for the last part.
GPU_PYTHON ?= $(BIN)/python
GPU_FLAGS :=
ON_GPU = PYTHONPATH=$(CURDIR)/src timeout $(1) $(GPU_PYTHON) -m
GPU_PYTEST = pytest -W default -o faulthandler_timeout=60
test-gpu: $(if $(filter $(BIN)/python,$(GPU_PYTHON)),$(VENV)/.installed-test)
	$(GPU_PYTHON) setup.py --quiet build_ext --inplace
	HEADRACE_GPU=cuda $(call ON_GPU,120) headrace gpu
	$(call ON_GPU,300) $(GPU_PYTEST) -m gpu tests/gpu
	HEADRACE_TEST_DEVICE=cuda HEADRACE_GPU=cuda $(call ON_GPU,550) $(GPU_PYTEST) $(GPU_FLAGS) tests/engine/gpu \
	  $(addprefix --ignore tests/engine/gpu/,test_sim_device.py test_nvrtc.py)

check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests/typing
	$(BIN)/pyright

listings: $(VENV)/.installed-test
	$(BIN)/python tools/listings.py

# The native runtime after a change of its sources, without installing anew.
native: $(VENV)/.made
	$(BIN)/python -m pip install --quiet 'setuptools>=80'
	$(BIN)/python setup.py --quiet build_ext --inplace

# Kernels under AddressSanitizer and UndefinedBehaviorSanitizer, the pool of threads under ThreadSanitizer; needs GCC.
# ThreadSanitizer hangs in processes that Python starts: only tests without them run under it.
SANITIZED = HEADRACE_NATIVE=build/sanitize/$(1) LD_PRELOAD=$$($(CC) -print-file-name=$(2)) setarch -R $(PYTEST) -q
sanitize: $(VENV)/.installed-test
	for set in address,undefined thread; do \
	  HEADRACE_SANITIZE=$$set $(BIN)/python setup.py --quiet build_ext --build-lib build/sanitize/$$set \
	    --build-temp build/sanitize/temp || exit 1; \
	done
	ASAN_OPTIONS=detect_leaks=0 $(call SANITIZED,address$(comma)undefined,libasan.so) tests/engine/native
	$(call SANITIZED,thread,libtsan.so) tests/engine/native/test_runtime.py -k "every_chunk or same_time or timed"

# The engine on NumPy alone, as where there is no compiler.
test-numpy: $(VENV)/.installed-test
	HEADRACE_NATIVE=0 $(PYTEST) tests/engine tests/layers tests/estimators tests/examples --ignore tests/engine/gpu

# The cluster, with the listings of clusters, under MPICH, in an environment of its own: two MPI libraries in one shadow
# each other.
MPICH := build/mpich
test-mpich: $(MPICH)/.installed
	$(MPICH)/bin/python -m pytest tests/cluster
	$(MPICH)/bin/python tools/listings.py 13_ 14_ 15_ 17_ 20_

# Without its native part: the one that .venv's installation built in place is used where it is there.
$(MPICH)/.installed: $(PACKAGING)
	$(PYTHON) -m venv $(MPICH)
	HEADRACE_NATIVE=0 $(MPICH)/bin/python -m pip install --quiet --editable '.[mpi]' 'hypothesis>=6.115' 'mpich>=5' 'pytest>=8.3'
	@touch $@

clean:
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(v < (3, 11) and \
	  "headrace needs Python 3.11 or newer, and $(PYTHON) is %d.%d: try make PYTHON=python3.13" % v)'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed-demo: $(VENV)/.made $(PACKAGING) $(NATIVE)
	$(BIN)/python -m pip install --quiet --editable '.[tensorboard]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.made $(PACKAGING) $(NATIVE)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $(VENV)/.installed-demo $@

# protoc 25 is the newest whose output asks for no protobuf version: it runs on 4.21 to 7 (checked, compiled and pure
# Python). Its wheels end at Python 3.12, and it stays out of .venv: make protos PYTHON=python3.12
.PHONY: protos
protos: build/protoc/.made
	build/protoc/bin/python -m grpc_tools.protoc -I src --python_out=src --pyi_out=src src/headrace/engine/protos/*.proto

build/protoc/.made:
	$(PYTHON) -m venv build/protoc
	build/protoc/bin/python -m pip install --quiet 'grpcio-tools==1.62.3' 'setuptools<80'
	@touch $@
