"""Work for a device alone: arrays of any strides put into its memory, a binding or any function of Bound run on them."""

import numpy as np

from headrace.engine.gpu import bindings
from headrace.engine.gpu.calls import GPU_BINDINGS, Bound, DeviceArray, Launch
from headrace.engine.registry import definition_of

assert bindings
STEP = 5


class Memory:
    """Arrays of the host on a device, with their own strides."""

    def __init__(self, device):
        self.device = device
        self.places = {}

    def put(self, array):
        """The array on the device: the same memory, and so the same views of it, once."""
        base = array = np.asarray(array)
        while isinstance(base.base, np.ndarray):
            base = base.base
        flat = base.ravel(order="K")
        assert not base.size or np.shares_memory(flat, base), "the memory under a test's array has no gaps"
        low = base.__array_interface__["data"][0]
        if low not in self.places:
            address = self.device.allocate(max(base.nbytes, 1))
            self.device.upload(address, flat)
            self.places[low] = address, flat
        start = array.__array_interface__["data"][0]
        return DeviceArray(self.places[low][0] + start - low, array.dtype, array.shape, array.strides)

    def get_all(self):
        """Fills the host's arrays with what the device has."""
        for address, flat in self.places.values():
            if flat.size and flat.flags.writeable:
                self.device.download(flat, address)


class Case:
    """One node's work: bound on a device, then run."""

    def __init__(self, device, add_work, inputs, outputs, op_type="", attrs=None, *, constants=None, failed=False):
        self.device, self.memory, self.failed = device, Memory(device), failed
        self.error = self.memory.put(np.full(1, 9 if failed else 0, np.int32))
        known = definition_of(op_type).attributes if op_type else {}
        values = {**{name: a.default for name, a in known.items()}, **(attrs or {})}
        put = self.memory.put
        self.bound = Bound(op_type, device, [put(x) for x in inputs], [put(x) for x in outputs], values, attrs or {})
        self.bound.constants = constants or [None] * len(inputs)
        self.bound.error, self.bound.step, self.bound.allocate_scratch = self.error.address, STEP, device.allocate
        self.bound.allocate_table = put
        add_work(self.bound)

    def kernels(self):
        return [w.kernel for w in self.bound.work if isinstance(w, Launch)]

    def run(self, fails=False):
        functions = self.device.load(self.kernels())
        for work in self.bound.work:
            (work.prepare(self.device, functions) if isinstance(work, Launch) else work)()
        word = np.zeros(1, np.int32)
        self.device.download(word, self.error.address)
        assert word[0] == (9 if self.failed else STEP if fails else 0)
        self.memory.get_all()
        return self.bound


def run(device, add_work, inputs, outputs, op_type="", attrs=None, *, constants=None, fails=False, failed=False):
    """Runs what `add_work(bound)` adds; the inputs' and outputs' memory then holds what the device's does.

    `failed`: a step of the run had failed before.
    """
    case = Case(device, add_work, inputs, outputs, op_type, attrs, constants=constants, failed=failed)
    return case.run(fails)


def run_op(device, op_type, inputs, outputs, attrs=None, *, known=True, **options):
    """Runs an op's binding, with its inputs as constants of the graph if `known`."""
    constants = list(inputs) if known else None
    return run(device, GPU_BINDINGS[op_type], inputs, outputs, op_type, attrs, constants=constants, **options)


def run_together(device, cases):
    """Runs cases with kernels that are compiled together."""
    device.load(list({k.name: k for case in cases for k in case.kernels()}.values()))
    for case in cases:
        case.run()


def run_all(device, cases):
    """Runs (op type, inputs, outputs, attributes) with kernels that are compiled together; the outputs."""
    run_together(
        device,
        [
            Case(device, GPU_BINDINGS[op_type], inputs, outputs, op_type, attrs, constants=list(inputs))
            for op_type, inputs, outputs, attrs in cases
        ],
    )
    return [outputs for _, _, outputs, _ in cases]
