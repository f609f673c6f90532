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
        low, high = np.lib.array_utils.byte_bounds(array)
        base = array
        while isinstance(base.base, np.ndarray):
            base = base.base
        low, high = np.lib.array_utils.byte_bounds(base)
        if low not in self.places:
            address = self.device.allocate(max(high - low, 1))
            flat = np.lib.stride_tricks.as_strided(base.reshape(-1).view(np.uint8) if base.flags.c_contiguous else base)
            assert base.flags.c_contiguous, "the memory under a test's array lies in order"
            self.device.upload(address, flat)
            self.places[low] = address, base
        start = array.__array_interface__["data"][0]
        return DeviceArray(self.places[low][0] + start - low, array.dtype, array.shape, array.strides)

    def get_all(self):
        """Fills the host's arrays with what the device has."""
        for address, base in self.places.values():
            if base.size and base.flags.writeable:
                host = np.empty(base.shape, base.dtype)
                self.device.download(host, address)
                base[...] = host


def run(device, add_work, inputs, outputs, op_type="", attrs=None, *, constants=None, fails=False, failed=False):
    """Runs what `add_work(bound)` adds; the inputs' and outputs' memory then holds what the device's does.

    `failed`: a step of the run had failed before.
    """
    memory = Memory(device)
    error = memory.put(np.full(1, 9 if failed else 0, np.int32))
    known = definition_of(op_type).attributes if op_type else {}
    values = {**{name: a.default for name, a in known.items()}, **(attrs or {})}
    bound = Bound(op_type, device, [memory.put(x) for x in inputs], [memory.put(x) for x in outputs], values)
    bound.constants = constants or [None] * len(inputs)
    bound.error, bound.step, bound.allocate_scratch = error.address, STEP, device.allocate
    add_work(bound)
    functions = device.load([w.kernel for w in bound.work if isinstance(w, Launch)])
    for work in bound.work:
        (work.prepare(device, functions) if isinstance(work, Launch) else work)()
    word = np.zeros(1, np.int32)
    device.download(word, error.address)
    assert word[0] == (9 if failed else STEP if fails else 0)
    memory.get_all()
    return bound


def run_op(device, op_type, inputs, outputs, attrs=None, *, known=True, **options):
    """Runs an op's binding, with its inputs as constants of the graph if `known`."""
    constants = list(inputs) if known else None
    return run(device, GPU_BINDINGS[op_type], inputs, outputs, op_type, attrs, constants=constants, **options)
