"""Every registered op, by its samples: declared whole, shapes right, backends agree, derivatives right, errors clear."""

import numpy as np
import pytest

from headrace.engine import errors
from headrace.engine.conversion import convert_to_tensor
from headrace.engine.dtypes import DType, bfloat16, float16, float32, int32, int64, of_array, uint8
from headrace.engine.gradients import gradients
from headrace.engine.graph import Graph
from headrace.engine.registry import allowed_dtypes
from headrace.engine.static import flatten_outputs

from .harness import (
    DEFINITIONS,
    FAILING,
    ON_DEVICE,
    SAMPLED,
    as_array,
    assert_same,
    build,
    directional,
    directions_of,
    dot,
    flat_inputs,
    generator,
    is_random,
    narrowed,
    new_session,
    non_contiguous,
    read_only,
    samples_of,
)

# Ops with floating outputs through which no gradient can flow in TensorFlow 1.15 either.
WITHOUT_GRADIENT = frozenset(
    {"CropAndResizeGradBoxes", "CropAndResizeGradImage", "FusedBatchNormGradV2", "FusedBatchNormGradV3", "ResizeArea"}
    | {"RGBToHSV", "HSVToRGB", "AdjustContrastv2", "AdjustHue", "AdjustSaturation"}
)
# Kernels by type name: the executor knows them.
BUILT_IN = frozenset({"Placeholder", "ReadVariableOp", "VariableV2", "VarHandleOp", "TemporaryVariable", "Variable"})
RAW_CONTROL = frozenset(
    {"Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond", "ControlTrigger"}
    | {"RefSwitch", "RefMerge", "RefEnter", "RefExit", "RefNextIteration"}
)
# What no array can stand for: they are tested where their family is.
WITHOUT_SAMPLES = frozenset(
    {"Assert", "Const", "DestroyTemporaryVariable", "FakeParam", "NoOp", "PlaceholderWithDefault", "Print", "PrintV2"}
    | {"PyFunc", "PyFuncStateless", "StringFormat", *BUILT_IN, *RAW_CONTROL}
)
# The executor finds their shapes.
WITHOUT_SHAPE = frozenset({"PyFunc", "PyFuncStateless", "ReadVariableOp"})
# Their outputs are fresh memory, a clock or the like.
UNDEFINED_VALUE = frozenset({"BytesInUse", "BytesLimit", "Empty", "MaxBytesInUse", "Timestamp"})


def takes_handles(definition):
    """Whether an op works on queues, lists, files or functions, and not on arrays."""
    arguments = [*definition.inputs, *definition.outputs]
    # The handles of accumulators are string references in TensorFlow.
    handles = any(
        a.name == "handle" or (a.dtype is not None and a.dtype.name in ("resource", "variant")) for a in arguments
    )
    functions = any("func" in a.kind for a in definition.attributes.values())
    return handles or functions or definition.touches_files or definition.blocking or definition.type.startswith("_")


@pytest.mark.parametrize("name", DEFINITIONS)
def test_is_wholly_declared(name):
    definition = DEFINITIONS[name]
    rules = ("kernel", "into", "view", "state", "update")
    kernels = [r for r in rules if getattr(definition, f"{r}_function") is not None]
    assert definition.__doc__, "no docstring"
    assert definition.shape_rule is not None or not definition.outputs or name in WITHOUT_SHAPE, "no shape rule"
    assert kernels or definition.scalar_rule or name in BUILT_IN or name in RAW_CONTROL, "no kernel"
    assert "into" not in kernels or "kernel" in kernels, ".into without .kernel"
    assert definition.sample_function or name in WITHOUT_SAMPLES or takes_handles(definition), "no samples"


@pytest.mark.parametrize("name", SAMPLED)
def test_result_has_the_inferred_dtype_and_shape_on_every_path(name):
    definition = DEFINITIONS[name]
    for i, sample in enumerate(samples_of(name)):
        expected = None
        for mode in ("static", "dynamic"):
            with Graph().as_default():
                built = build(definition, sample.inputs, sample.attrs, mode)
                fed = [v.copy() for v in built.feeds.values() if isinstance(v, np.ndarray)]
                for options in _ways(mode):
                    with new_session(**options) as session:
                        results = built.run(session)
                    what = f"{name} sample {i}, {mode}, {options}"
                    _check_static(built, results, what)
                    expected = expected or results
                    if not is_random(definition, built) and name not in UNDEFINED_VALUE:
                        _compare(results, expected, what)
                for before, after in zip(fed, built.feeds.values(), strict=False):
                    np.testing.assert_array_equal(before, after, f"{name} sample {i}: an input was written to")


def _ways(mode):
    if mode == "dynamic":
        return [{}]
    return [
        {"backend": "reference"},
        {},
        {"passes_off": ("fold", "merge", "simplify", "prune", "fuse_conv", "updates", "fuse")},
    ]


def _compare(results, expected, what):
    assert len(results) == len(expected), what
    for actual, wanted in zip(results, expected, strict=True):
        assert_same(actual, wanted, what)


def _check_static(built, results, what):
    for tensor, value in zip(built.op.outputs, results, strict=False):
        if isinstance(value, np.ndarray | np.generic | bytes) and tensor.dtype.name not in ("variant", "resource"):
            shape = np.shape(value)
            assert tensor.shape.is_compatible_with(shape), f"{what}: {tensor.shape} inferred, got {shape}"
            if not isinstance(value, bytes):
                assert np.asarray(value).dtype == tensor.dtype.base_dtype.numpy, what


@pytest.mark.parametrize("name", SAMPLED)
def test_kernels_agree_on_any_memory(name):
    """The allocating kernel, the one that writes to `out`, the view and the expression, on strided read-only inputs."""
    definition = DEFINITIONS[name]
    for i, sample in enumerate(samples_of(name)):
        if definition.kernel_function is None and definition.scalar_rule is None:
            continue
        with Graph().as_default():
            built = build(definition, sample.inputs, sample.attrs, "constant")
        attrs = definition.kernel_attrs(built.op.attrs)
        dtypes = [t.dtype.numpy for t in built.op.outputs]
        tensors = [t.op.attrs.get("value") for t in built.inputs]
        if any(not isinstance(v, np.ndarray) for v in tensors):
            continue
        expected = None
        for layout in (lambda x: x, non_contiguous):
            arrays = [read_only(layout(v)) for v in tensors]
            for way, results in _all_kernels(definition, built.op, arrays, attrs, dtypes, expected):
                expected = expected or results
                if name not in UNDEFINED_VALUE:
                    _compare(results, expected, f"{name} sample {i}: {way}")


def _all_kernels(definition, op, arrays, attrs, dtypes, expected):
    grouped = definition.group_inputs(arrays, op.attrs)
    with np.errstate(all="ignore"):
        expression = definition.expression(of_array(arrays[-1]), op.attrs) if arrays else None
        if expression is not None:
            yield "expression", [np.asarray(expression.evaluate(*arrays), dtypes[0])]
        if definition.kernel_function is not None:
            flat = flatten_outputs(definition, definition.kernel_function(np, *grouped, **attrs))
            results = [np.array(r, d) for r, d in zip(flat, dtypes, strict=True)]
            expected = expected or results
            yield "kernel", results
        if definition.into_function is not None:
            out = [_garbage(np.asarray(e)) for e in expected]
            single = len(definition.outputs) == 1 and not definition.outputs[0].is_list
            definition.into_function(np, out[0] if single else tuple(out), *grouped, **attrs)
            yield "into", out
        if definition.view_function is not None:
            try:
                yield "view", [np.array(definition.view_function(*grouped, **attrs))]
            except ValueError:
                return


def _garbage(like):
    out = np.empty_like(like)
    out[...] = b"?" if like.dtype == object else np.array(77, like.dtype) if like.dtype.kind != "b" else True
    return out


@pytest.mark.parametrize("name", SAMPLED)
def test_first_and_second_derivatives(name):
    definition = DEFINITIONS[name]
    if definition.gradient_function is None:
        floating = any(_may_be_floating(definition, a) for a in definition.outputs)
        assert definition.not_differentiable or not floating or name in _no_gradient_listed(name), (
            f"{name} has floating outputs and neither a gradient nor not_differentiable"
        )
        return
    for i, sample in enumerate(samples_of(name)):
        if sample.differentiable:
            _check_derivatives(definition, sample, generator(name), f"{name} sample {i}")


def _may_be_floating(definition, argument):
    if argument.is_ref or definition.stateful:
        return False
    if argument.dtype is not None:
        return argument.dtype.is_floating
    if argument.type_attr is None:
        return True
    return any(d.is_floating for d in allowed_dtypes(definition, argument.type_attr))


def _no_gradient_listed(name):
    # Gradients of gradients, quantization and the like: TensorFlow has none for them either.
    return {name} if name.endswith("Grad") or name in WITHOUT_GRADIENT else set()


def _positions(built, sample):
    floating = [i for i, t in enumerate(built.inputs) if t.dtype.name in ("float64", "complex128")]
    return [
        i for i in floating if (sample.gradients is None or i in sample.gradients) and built.inputs[i] in built.feeds
    ]


def _check_derivatives(definition, sample, rng, what):
    flat = flat_inputs(sample)
    wanted = tuple(range(len(flat))) if sample.gradients is None else sample.gradients
    with Graph().as_default(), new_session() as session:
        built = build(definition, sample.inputs, sample.attrs, "static", wanted)
        positions = _positions(built, sample)
        outputs = [t for t in built.op.outputs if t.dtype.is_floating or t.dtype.is_complex]
        xs = [built.inputs[i] for i in positions]
        if not xs or not outputs:
            return
        values = built.run(session, outputs)[: len(outputs)]
        weights = [_weight(np.asarray(v), rng) for v in values]
        found = _dense(gradients(outputs, xs, [convert_to_tensor(w) for w in weights]))
        _compare_derivatives(session, built, outputs, weights, xs, found, rng, f"{what}: first derivative")
        present = [g for g in found if g is not None]
        if sample.second and present:
            values = built.run(session, present)[: len(present)]
            weights = [_weight(np.asarray(v), rng) for v in values]
            second = _dense(gradients(present, xs, [convert_to_tensor(w) for w in weights]))
            _compare_derivatives(session, built, present, weights, xs, second, rng, f"{what}: second derivative")


def _weight(value, rng):
    weight = rng.normal(size=value.shape)
    if value.dtype.kind == "c":
        weight = weight + 1j * rng.normal(size=value.shape)
    return np.asarray(weight, value.dtype)


def _dense(found):
    return [None if g is None else convert_to_tensor(g) for g in found]


def _compare_derivatives(session, built, ys, weights, xs, found, rng, what):
    arrays = [np.asarray(built.feeds[x]) for x in xs]
    own = iter(built.run(session, [g for g in found if g is not None]))
    analytic = [np.zeros_like(a) if g is None else next(own) for g, a in zip(found, arrays, strict=True)]
    fetch = session.make_callable(ys, list(built.feeds))
    order = list(built.feeds)
    rest = dict(built.feeds)

    def function(values):
        rest.update(zip(xs, values, strict=True))
        return dot(weights, [np.asarray(v) for v in fetch(*[rest[k] for k in order])])

    for position, (array, gradient) in enumerate(zip(arrays, analytic, strict=True)):
        assert np.shape(gradient) == array.shape, f"{what} by input {position}: shape {np.shape(gradient)}"
        for direction in directions_of(array, rng):
            numeric = directional(function, arrays, position, direction)
            exact = dot([np.asarray(gradient)], [direction.astype(array.dtype)])
            assert exact == pytest.approx(numeric, rel=2e-4, abs=2e-6), f"{what} by input {position}"
            if array.dtype.kind == "c":
                numeric = directional(function, arrays, position, 1j * direction)
                exact = dot([np.asarray(gradient)], [1j * direction])
                assert exact == pytest.approx(numeric, rel=2e-4, abs=2e-6), f"{what} by input {position}, imaginary"


VARIANTS = (float32, float16, bfloat16, int32, int64, uint8)


@pytest.mark.parametrize("name", SAMPLED)
def test_samples_in_other_dtypes(name):
    definition = DEFINITIONS[name]
    for i, sample in enumerate(samples_of(name)[:2]):
        for attribute in {a.type_attr for a in definition.inputs if a.type_attr is not None}:
            for dtype in VARIANTS:
                if dtype in allowed_dtypes(definition, attribute):
                    _run_variant(
                        definition, sample, attribute, dtype, f"{name} sample {i} with {attribute}={dtype.name}"
                    )


def _run_variant(definition, sample, attribute, dtype, what):
    if definition.type == "Bitcast":  # its shapes depend on the widths of both dtypes
        return
    if any(callable(v) for v in sample.inputs):  # a handle's own dtypes go with the sample's
        return
    inputs = [_cast(a, v, attribute, dtype) for a, v in zip(definition.inputs, sample.inputs, strict=True)]
    if any(v is REFUSED for v in inputs):
        return
    attrs = {k: dtype if k == attribute else v for k, v in sample.attrs.items()}
    with Graph().as_default():
        try:
            built = build(definition, inputs, attrs, "static")
        except TypeError:
            # Another attribute of the sample fixes the dtype or two inputs must differ.
            assert any(isinstance(v, DType) for v in sample.attrs.values()) or len(definition.type_attributes) > 1, what
            return
        results = []
        for options in ({"backend": "reference"}, {}):
            with new_session(**options) as session:
                try:
                    results.append(built.run(session))
                except errors.OpError:
                    # Rounded to integers the sample's values may be out of the op's range.
                    assert dtype.is_integer, what
                    return
            _check_static(built, results[-1], what)
    if ON_DEVICE and dtype.is_floating:
        # Images of float64 normalised by statistics of float32: on the CPU the same sums give the same bits.
        results = [narrowed(values, dtype.numpy) for values in results]
    if not is_random(definition, built) and definition.type not in UNDEFINED_VALUE:
        _compare(results[1], results[0], what)


REFUSED = object()


def _cast(argument, value, attribute, dtype):
    # A handle's variable is of the dtype that the op is told.
    handle = argument.dtype is not None and argument.dtype.name == "resource" and attribute in ("T", "dtype")
    if argument.type_attr != attribute and not handle:
        return value
    if argument.is_list:
        parts = [_cast_one(v, dtype) for v in value]
        return REFUSED if any(p is REFUSED for p in parts) else parts
    return _cast_one(value, dtype)


def _cast_one(value, dtype):
    if callable(value):
        return REFUSED
    array = as_array(value)
    if array.dtype.kind != "f":
        return REFUSED
    with np.errstate(all="ignore"):
        return (np.abs(array * 3) if dtype.is_unsigned else array * (3 if dtype.is_integer else 1)).astype(dtype.numpy)


@pytest.mark.parametrize("name", FAILING)
def test_bad_inputs_give_the_stated_error(name):
    definition = DEFINITIONS[name]
    for failure in definition.failing_function(generator(name)):
        if not failure.at_run:
            with Graph().as_default() as graph, pytest.raises(failure.error, match=failure.match):
                build(definition, failure.inputs, failure.attrs, "constant")
            assert not [o for o in graph.get_operations() if o.type == name]
            continue
        for mode in ("constant", "static", "dynamic"):
            _check_fails(definition, failure, mode)


def _check_fails(definition, failure, mode):
    for options in ({}, {"backend": "reference"}):
        with Graph().as_default(), new_session(**options) as session:
            built = build(definition, failure.inputs, failure.attrs, mode)
            with pytest.raises(failure.error, match=failure.match) as caught:
                built.run(session)
            assert not isinstance(caught.value, errors.OpError) or caught.value.op is built.op
