"""tf.cond and tf.case: branches as graphs of their own, of which a step runs one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import nest
from ..conversion import convert_to_tensor
from ..dtypes import bool as bool_dtype
from ..function import FunctionGraph, align_captures
from ..graph import Graph, Operation, Sizes, Tensor, get_default_graph
from ..scopes import name_scope
from ..shapes import TensorShape
from ..tensor_types import IndexedSlices
from .array import identity
from .constant import constant
from .functional import if_op


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Callable[[], Any] | None = None,
    fn2: Callable[[], Any] | None = None,
) -> Any:
    """What `true_fn()` gives where `pred` is true, else what `false_fn()` gives; as TensorFlow 1.15's `tf.cond`.

    Only the operations of the branch taken run, except those made outside. An operation among a branch's results runs
    with the branch; a bool tensor stands for it in what is returned.

    Args:
        pred: a scalar bool tensor.
        true_fn: a function without arguments that returns a (nested structure of) tensors or operations.
        false_fn: the same; both must return the same structure and dtypes.
        strict: keep lists of one element, which are otherwise taken apart.
        name: name scope of what is built.
        fn1: old name of `true_fn`.
        fn2: old name of `false_fn`.

    Raises:
        TypeError: a branch is not callable, `pred` is a Python bool, or the structures are of different types.
        ValueError: the branches return different structures or dtypes.

    Example:
        >>> import headrace as tf
        >>> x = tf.constant(2.0)
        >>> y = tf.cond(x > 1.0, lambda: x * 10.0, lambda: x)
        >>> with tf.Session() as sess:
        ...     print(sess.run(y))
        20.0
    """
    true_fn, false_fn = _function("true_fn", true_fn, "fn1", fn1), _function("false_fn", false_fn, "fn2", fn2)
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool")
    with name_scope(name, "cond", [pred] if isinstance(pred, Tensor) else None):
        predicate = convert_to_tensor(pred, bool_dtype, "pred")
        if predicate.sizes:
            raise ValueError(f"The predicate of tf.cond must be a scalar, got {predicate!r}")
        outer = get_default_graph()
        then = Branch("true_fn", true_fn, outer, strict, True)
        other = Branch("false_fn", false_fn, outer, strict, False)
        _check_alike(then, other)
        return _build(predicate, then, other)


def _function(name: str, given: Any, old_name: str, old: Any) -> Callable[[], Any]:
    if old is not None:
        if given is not None:
            raise TypeError(f"cond(): '{name}' and '{old_name}' may not be set simultaneously.")
        given = old
    elif given is None:
        raise TypeError(f"cond(): '{name}' argument required")
    if not callable(given):
        raise TypeError(f"{name} must be callable.")
    return given  # type: ignore[no-any-return]


class Branch:
    """A traced branch: its graph and the structure it returned, with tensors of that graph as leaves."""

    def __init__(self, name: str, function: Callable[[], Any], outer: Graph, strict: bool, pivot: bool) -> None:
        self.name = name
        self.pivot = pivot
        self.graph = FunctionGraph(f"{outer.get_name_scope() or 'cond'}_{name}", outer)
        with self.graph.as_default():
            result = function()
            if result is None:
                raise ValueError(f"{name} must have a return value.")
            result = result if strict else unpack_singleton(result)
            self.result = nest.map_structure(self._converted, result)
            self.flat = [t for t in nest.flatten(self.result, expand_composites=True) if t is not None]
        self.graph.outputs = list(self.flat)

    def _converted(self, leaf: Any) -> Any:
        if leaf is None:
            return None
        if isinstance(leaf, Operation):
            with self.graph.control_dependencies([leaf]):
                return constant(self.pivot)
        if isinstance(leaf, IndexedSlices) or nest.is_composite(leaf):
            return nest.composite_like(leaf, [own_value(t) for t in nest.composite_parts(leaf)])
        return own_value(convert_to_tensor(leaf))


def own_value(tensor: Tensor) -> Tensor:
    """`tensor` as a value of the default graph: captured if it is of another one, read if it is a reference."""
    graph = get_default_graph()
    return tensor if tensor.graph is graph and not tensor.dtype._is_ref_dtype else identity(tensor)


def unpack_singleton(value: Any) -> Any:
    """The element of a list or tuple of one; anything else as it is."""
    if isinstance(value, list | tuple) and len(value) == 1:
        return unpack_singleton(value[0])
    return value


def _check_alike(then: Branch, other: Branch) -> None:
    try:
        nest.assert_same_structure(then.result, other.result, expand_composites=True)
    except TypeError as error:
        raise TypeError(f"Incompatible return types of true_fn and false_fn: {error}") from None
    except ValueError as error:
        raise ValueError(f"Incompatible return values of true_fn and false_fn: {error}") from None
    if len(then.flat) != len(other.flat):
        raise ValueError("Incompatible return values of true_fn and false_fn: None stands in different places")
    for x, y in zip(then.flat, other.flat, strict=True):
        if x.dtype.base_dtype != y.dtype.base_dtype:
            raise ValueError(
                f"Outputs of true_fn and false_fn must have the same type: {x.dtype.name}, {y.dtype.name} "
                f"({x.name} and {y.name})"
            )


def _build(predicate: Tensor, then: Branch, other: Branch) -> Any:
    captures = align_captures([then.graph, other.graph], 0)
    outer = get_default_graph()
    sizes = [common_sizes(x.sizes, y.sizes) for x, y in zip(then.flat, other.flat, strict=True)]
    with outer.control_dependencies([*then.graph.outer_controls, *other.graph.outer_controls]):
        outputs = if_op(
            predicate,
            captures,
            Tout=[t.dtype.base_dtype for t in then.flat],
            then_branch=then.graph,
            else_branch=other.graph,
            output_shapes=[TensorShape(s) for s in sizes],
            name="If",
        )
    given = iter(outputs)
    leaves = nest.flatten(then.result, expand_composites=True)
    return nest.pack_sequence_as(then.result, [None if t is None else next(given) for t in leaves], True)


def common_sizes(first: Sizes, second: Sizes) -> Sizes:
    """The most that is known of a shape that may be the one or the other."""
    if first is None or second is None or len(first) != len(second):
        return None
    return tuple(a if a == b else None for a, b in zip(first, second, strict=True))


def smart_cond(
    pred: Any, true_fn: Callable[[], Any] | None = None, false_fn: Callable[[], Any] | None = None, name: Any = None
) -> Any:
    """`true_fn()` or `false_fn()` at once where `pred` is a Python bool or a constant, else `tf.cond`."""
    if not callable(true_fn) or not callable(false_fn):
        raise TypeError("`true_fn` and `false_fn` must be callable.")
    value = smart_constant_value(pred)
    if value is None:
        return cond(pred, true_fn, false_fn, name=name)
    return true_fn() if value else false_fn()


def smart_constant_value(pred: Any) -> bool | None:
    """The value of a predicate that is known while the graph is built, else None."""
    from ..static import constant_value

    if isinstance(pred, bool | int) and pred in (0, 1):
        return bool(pred)
    if not isinstance(pred, Tensor):
        raise TypeError(
            f"`pred` must be a Tensor, or a Python bool, or 1 or 0. Found instead: type {type(pred).__name__}"
        )
    value = constant_value(pred)
    return None if value is None else bool(value)


def case(
    pred_fn_pairs: Any,
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """What the function of the first true predicate gives, else that of `default`; as TensorFlow 1.15's `tf.case`.

    Args:
        pred_fn_pairs: a list of (scalar bool tensor, function), or a dict (then the order is that of the dict).
        default: a function; without it one of the predicates must be true.
        exclusive: raise InvalidArgumentError when running if more than one predicate is true.
        strict: keep lists of one element, which are otherwise taken apart.
        name: name scope of what is built.

    Raises:
        TypeError: the pairs are not pairs of tensors and functions.
        ValueError: there are no pairs, or a dict is not ordered.
    """
    pairs = _checked_pairs(pred_fn_pairs)
    if default is not None and not callable(default):
        raise TypeError(f"default must be callable, got: {default}")
    with name_scope(name):
        predicates = [convert_to_tensor(p, bool_dtype) for p, _ in pairs]
        functions = [function for _, function in pairs]
        controls = _case_checks(predicates, exclusive, default is not None)
        with get_default_graph().control_dependencies(controls):
            last = default if default is not None else functions.pop()
            for predicate, function in reversed(list(zip(predicates, functions, strict=False))):
                last = _either(predicate, function, last, strict)
            return last() if functions else cond(constant(True), last, last, strict=strict)


def _either(
    predicate: Tensor, function: Callable[[], Any], other: Callable[[], Any], strict: bool
) -> Callable[[], Any]:
    return lambda: cond(predicate, function, other, strict=strict)


def _checked_pairs(pairs: Any) -> Sequence[tuple[Any, Callable[[], Any]]]:
    items = list(pairs.items()) if isinstance(pairs, dict) else pairs
    if not isinstance(items, list | tuple):
        raise TypeError("fns must be a list, tuple, or dict")
    if not items:
        raise ValueError("There must be at least one (predicate, function) pair")
    for pair in items:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise TypeError(f"Each entry in pred_fn_pairs must be a 2-tuple, got {pair}")
        if isinstance(pair[0], bool) or not hasattr(pair[0], "dtype"):
            raise TypeError(f"pred must be Tensor, got: {pair[0]!r}")
        if not callable(pair[1]):
            raise TypeError(f"fn for pred {pair[0].name} must be callable.")
    return list(items)


def _case_checks(predicates: list[Tensor], exclusive: bool, has_default: bool) -> list[Operation]:
    from .array import stack
    from .casting import cast
    from .checking import assert_true
    from .reduction import sum_op

    if len(predicates) == 1 and has_default:
        return []
    count = sum_op(cast(stack(predicates), "int32"), [0])
    checks = []
    if exclusive:
        text = "Input error: exclusive=True: more than 1 conditions evaluated as True"
        checks.append(assert_true(count < 2, [text, *predicates], "exclusive"))
    if not has_default:
        text = "None of the conditions evaluated as True. Conditions"
        checks.append(assert_true(count > 0, [text, *predicates], "one_is_true"))
    return checks
