"""GPU kernels alone: a node's binding run on arrays by a device."""

from dataclasses import dataclass

import numpy as np

from headrace.engine.gpu import bindings
from headrace.engine.gpu.calls import GPU_BINDINGS, Bound, DeviceArray, Launch, row_major
from headrace.engine.gpu.layout import view
from headrace.engine.registry import definition_of

assert bindings


@dataclass
class _Memory:
    """Arrays of the host on a device."""

    device: object

    def put(self, array):
        if not array.flags.c_contiguous:
            # As it lies, so that kernels see the strides of a transpose.
            order = np.argsort([-s for s in array.strides], kind="stable")
            found = self.put(np.ascontiguousarray(array.transpose(order)))
            return view(found, lambda x: x.transpose(np.argsort(order)))
        found = DeviceArray(
            self.device.allocate(max(array.nbytes, 1)), array.dtype, array.shape, row_major(array.shape, array.dtype)
        )
        if array.nbytes:
            self.device.upload(found.address, np.ascontiguousarray(array))
        return found

    def get(self, array, found):
        order = np.argsort([-s for s in array.strides], kind="stable")
        host = np.empty(array.transpose(order).shape, array.dtype)
        if array.nbytes:
            self.device.download(host, found.address)
            array[...] = host.transpose(np.argsort(order))


def all_attrs(op_type, attrs):
    """An op's attributes with its defaults."""
    definition = definition_of(op_type)
    return {**{name: a.default for name, a in definition.attributes.items()}, **attrs}


def run_node(
    device, op_type, inputs, outputs, attrs=None, *,
    fails=False, context=None, constants=True, error=0, precision="float32",
):  # fmt: skip
    """Runs an op's GPU kernels; `outputs`, and those inputs that change, then hold the results."""
    memory, attrs = _Memory(device), attrs or {}
    word = memory.put(np.array([error], np.int32))
    values = []

    def step_value(function, nbytes):
        values.append((device.allocate(max(nbytes, 1)), function))
        return values[-1][0]

    bound = Bound(
        op_type,
        device,
        [memory.put(np.asarray(x)) for x in inputs],
        [memory.put(x) for x in outputs],
        all_attrs(op_type, attrs) if op_type not in ("_MultiUpdate", "_SparseUpdate") else {},
        attrs,
        list(inputs) if constants else [None] * len(inputs),
        context=context,
        error=word.address,
        step=5,
        precision=precision,
        allocate_scratch=device.allocate,
        allocate_step_value=step_value,
    )
    GPU_BINDINGS[op_type](bound)
    functions = device.load([w.kernel for w in bound.work if isinstance(w, Launch)])
    calls = [w.prepare(device, functions) if isinstance(w, Launch) else w for w in bound.work]
    for address, function in values:
        host = np.ascontiguousarray(function())
        if host.nbytes:
            device.upload(address, host)
    for call in calls:
        call()
    device.synchronize()
    found = np.zeros(1, np.int32)
    device.download(found, word.address)
    assert found[0] == (5 if fails else 0)
    for arrays, places in ((inputs, bound.inputs), (outputs, bound.outputs)):
        for array, place in zip(arrays, places, strict=True):
            if isinstance(array, np.ndarray) and array.flags.writeable:
                memory.get(array, place)
    return bound
