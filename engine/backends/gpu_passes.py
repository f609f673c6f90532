"""What the compiler asks about programs for a device: which rewriting it cannot use, and which steps the host does better."""

from __future__ import annotations

from functools import cache

from ..gpu.calls import GPU_BINDINGS
from ..gpu.device import Device
from ..plan.buffers import View
from ..plan.plan import INITIALIZERS, Plan
from ..registry import find_definition
from ..resources import ResourceStore
from ..rewriting.dataflow import Dataflow

# Passes -> the op types that they make beside those that a graph may have. A pass is left out on a device which has no
# kernels for them: their parts run there, the whole would not.
_MADE_BY = {
    "library_lstm": ("_LibraryLSTM", "_LibraryLSTMGrad"),
    "fuse_conv": ("_FusedConv2D", "_Conv2DBackpropInputReluGrad", "_MaxPoolGradReluGrad"),
    "fuse_attention": ("_Attention", "_AttentionGrad", "_PackedAttentionGrad", "_DropoutChance"),
    "fuse_layer_norm": ("LayerNormalization", "LayerNormalizationGrad"),
    "fuse_matmul": ("_FusedMatMul",),
    "sparse_updates": ("_SparseUpdate",),
    "fuse_norm": ("_FusedBatchNormEx", "_ReluGradFusedBatchNormGrad"),
    "summed_rows": ("_SummedRows",),
    "fuse_matmul_updates": ("_MatMulApplyGradientDescent", "_MatMulApplyMomentum", "_MatMulApplyAdam"),
    "updates": ("_MultiUpdate",),
    "fuse_product_gradients": (
        "_FusedMatMulGelu",
        "_FusedMatMulMask",
        "_MatMulBiasGrad",
        "_MatMulGeluGrad",
        "_MatMulReluGrad",
    ),
}
# One launch updates all variables of a step there: products that update one variable each would only be more launches.
_NEEDLESS = frozenset({"fuse_matmul_updates"})
# Bytes of a value that a loop's condition looks at.
_LITTLE = 64


@cache
def not_on_gpu() -> frozenset[str]:
    """The passes that make what a device has no kernels for, or does better otherwise."""
    from ..gpu import bindings  # registers them where they are needed

    del bindings
    return _NEEDLESS | {name for name, types in _MADE_BY.items() if not GPU_BINDINGS.keys() >= set(types)}


def without_library(flow: Dataflow, device: Device) -> frozenset[str]:
    """The passes that make what a library does, where the device has none: it is looked for by steps that have use for it."""
    wanted = any(node.type == "BlockLSTM" for node in flow.nodes)
    return frozenset() if wanted and device.has_recurrent() else frozenset({"library_lstm"})


def gives_first_values(plan: Plan, store: ResourceStore) -> bool:
    """Whether a step initializes a variable that has no value: such steps mostly run once."""
    handles = [v for s in plan.steps if s.node.type in INITIALIZERS for v in s.node.inputs if v.variable is not None]
    refs = [v.variable for v in handles if v.variable is not None]
    return any(not store.variable(ref.key, ref.dtype, ref.sizes).initialized for ref in refs)


def computes_little(plan: Plan) -> bool:
    """Whether a step looks at a few numbers, as the condition of a loop does: not worth the way to a device and back."""
    if plan.variables:
        return False
    places = [p for s in plan.steps for p in (*s.inputs, *s.outputs)]
    return all(isinstance(p, View) and p.nbytes <= _LITTLE for p in places)


def counts_alone(plan: Plan) -> bool:
    """Whether a step gives single whole numbers and truth values alone, as conditions do: the host looks at them."""
    views = [p for p in plan.fetches if isinstance(p, View)]
    return len(views) == len(plan.fetches) and all(not v.sizes and v.dtype.numpy.kind in "iub" for v in views)


def has_kernel(op_type: str) -> bool:
    """Whether an op type has kernels on the GPU."""
    not_on_gpu()
    return op_type in GPU_BINDINGS or _is_elementwise(op_type)


@cache
def _is_elementwise(op_type: str) -> bool:
    definition = find_definition(op_type)
    return definition is not None and definition.scalar_rule is not None
