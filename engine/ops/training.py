"""Optimizer steps as ops: each reads a gradient and writes a variable and its slots in place.

Every rule is declared once, in RULES, with TensorFlow's order of inputs; the four op types of a rule (by reference and
by handle, dense and on rows) follow from it. The arithmetic is in kernels/optimizer_steps.py.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..dtypes import INDEX, NUMERIC
from ..graph import Sizes
from ..inference import InferenceContext
from ..kernels import optimizer_steps as steps
from ..kernels.optimizer_blocks import Step, apply_dense, apply_sparse
from ..registry import Op, op
from ..samples import Failure, Sample
from ..shapes import merge_sizes

AnyOp = Op[..., Any]


@dataclass(frozen=True)
class Rule:
    """One optimizer's step: names of inputs, the first `slots + 1` of them variables, and boolean attributes.

    `dense` and `sparse` are the inputs in order; an empty string says that there is no such op.
    """

    name: str
    step: Step
    variables: int
    dense: str
    sparse: str = ""
    options: tuple[tuple[str, bool], ...] = ()
    by_reference: bool = True


NESTEROV = (("use_nesterov", False),)
SLOTS = (("update_slots", True),)

RULES = (
    Rule("GradientDescent", steps.gradient_descent, 1, "var alpha delta"),
    Rule("Momentum", steps.momentum, 2, "var accum lr grad momentum", "var accum lr grad indices momentum", NESTEROV),
    Rule(
        "KerasMomentum", steps.keras_momentum, 2, "var accum lr grad momentum", "var accum lr grad indices momentum",
        NESTEROV, by_reference=False,
    ),
    Rule("Adagrad", steps.adagrad, 2, "var accum lr grad", "var accum lr grad indices", SLOTS),
    Rule("AdagradV2", steps.adagrad_v2, 2, "var accum lr epsilon grad", "var accum lr epsilon grad indices", SLOTS),
    Rule(
        "AdagradDA", steps.adagrad_da, 3,
        "var gradient_accumulator gradient_squared_accumulator grad lr l1 l2 global_step",
        "var gradient_accumulator gradient_squared_accumulator grad indices lr l1 l2 global_step",
    ),
    Rule(
        "Adadelta", steps.adadelta, 3, "var accum accum_update lr rho epsilon grad",
        "var accum accum_update lr rho epsilon grad indices",
    ),
    Rule(
        "Adam", steps.adam, 3, "var m v beta1_power beta2_power lr beta1 beta2 epsilon grad", options=NESTEROV,
    ),
    Rule(
        "AdamWithAmsgrad", steps.adam_amsgrad, 4,
        "var m v vhat beta1_power beta2_power lr beta1 beta2 epsilon grad", by_reference=False,
    ),
    Rule("AdaMax", steps.ada_max, 3, "var m v beta1_power lr beta1 beta2 epsilon grad"),
    Rule(
        "RMSProp", steps.rms_prop, 3, "var ms mom lr rho momentum epsilon grad",
        "var ms mom lr rho momentum epsilon grad indices",
    ),
    Rule(
        "CenteredRMSProp", steps.centered_rms_prop, 4, "var mg ms mom lr rho momentum epsilon grad",
        "var mg ms mom lr rho momentum epsilon grad indices",
    ),
    Rule(
        "Ftrl", steps.ftrl, 3, "var accum linear grad lr l1 l2 lr_power",
        "var accum linear grad indices lr l1 l2 lr_power",
    ),
    Rule(
        "FtrlV2", steps.ftrl_v2, 3, "var accum linear grad lr l1 l2 l2_shrinkage lr_power",
        "var accum linear grad indices lr l1 l2 l2_shrinkage lr_power",
    ),
    Rule(
        "ProximalGradientDescent", steps.proximal_gradient_descent, 1, "var alpha l1 l2 delta",
        "var alpha l1 l2 grad indices",
    ),
    Rule(
        "ProximalAdagrad", steps.proximal_adagrad, 2, "var accum lr l1 l2 grad", "var accum lr l1 l2 grad indices",
    ),
    Rule("AddSign", steps.add_sign, 2, "var m lr alpha sign_decay beta grad"),
    Rule("PowerSign", steps.power_sign, 2, "var m lr logbase sign_decay beta grad"),
)  # fmt: skip


def _signature(names: list[str], options: tuple[tuple[str, bool], ...]) -> inspect.Signature:
    kinds = inspect.Parameter
    flags = [("use_locking", False), *options]
    return inspect.Signature(
        [kinds(n, kinds.POSITIONAL_OR_KEYWORD, annotation="Any") for n in names]
        + [kinds(n, kinds.KEYWORD_ONLY, default=default, annotation="bool") for n, default in flags]
        + [kinds("name", kinds.KEYWORD_ONLY, default=None, annotation="str | None")]
    )


def _input(name: str, position: int, rule: Rule, by_handle: bool) -> str:
    if position < rule.variables:
        return f"{name}: {'resource' if by_handle else 'Ref(T)'}"
    return f"{name}: " + {"indices": "Tindices", "global_step": "int64"}.get(name, "T")


def _shape(context: InferenceContext) -> list[Sizes]:
    by_handle = not context.definition.outputs
    names = [a.name for a in context.definition.inputs]
    sparse, variables = "indices" in names, len(context.definition.updated)
    for i in range(variables, len(names)):
        if names[i] not in ("grad", "delta", "indices"):
            merge_sizes(context.sizes[i], ())
    if by_handle:
        return []
    result = context.sizes[0]
    for i in range(1, variables):
        result = merge_sizes(result, context.sizes[i])
    gradient = context.sizes[names.index("grad" if "grad" in names else "delta")]
    if not sparse:
        return [merge_sizes(result, gradient)]
    if result is not None and gradient is not None:
        rows = context.with_rank(names.index("indices"), 1)
        merge_sizes(gradient, (*rows, *result[1:]))
    return [result]


def _declare(rule: Rule, by_handle: bool, sparse: bool) -> AnyOp | None:
    names = (rule.sparse if sparse else rule.dense).split()
    if not names or (not by_handle and not rule.by_reference):
        return None

    def step(*inputs: Any, **attributes: Any) -> Any:
        """One step of an optimizer on a variable and its slots, in place."""

    step.__doc__ = (rule.step.__doc__ or "").split("\n")[0]
    step.__signature__ = _signature(names, rule.options)  # type: ignore[attr-defined]
    inputs = ", ".join(_input(n, i, rule, by_handle) for i, n in enumerate(names))
    kind = f"{'Resource' if by_handle else ''}{'Sparse' if sparse else ''}Apply{rule.name}"
    types = {"T": NUMERIC, "Tindices": INDEX} if sparse else {"T": NUMERIC}
    declared = op(kind, inputs, "" if by_handle else "out: Ref(T)", shape=_shape, stateful=True, **types)(step)
    declared.update(*names[: rule.variables])(_update(rule, names[rule.variables :]))
    declared.samples(_sampler(rule, names))
    declared.failing(_failures(rule, names))
    return declared


def _update(rule: Rule, names: list[str]) -> Any:
    count, flags = rule.variables, [name for name, _ in rule.options]

    def update(xp: Any, *inputs: Any, **attributes: Any) -> None:
        others = dict(zip(names, inputs[count:], strict=True))
        gradient = others.pop("grad") if "grad" in others else others.pop("delta")
        options = {name: attributes[name] for name in flags}
        if "indices" in others:
            apply_sparse(xp, rule.step, inputs[:count], gradient, others.pop("indices"), others, options)
        else:
            apply_dense(xp, rule.step, inputs[:count], gradient, others, options)

    return update


_SAMPLE_NUMBERS = {"lr_power": -0.5, "beta1_power": 0.9, "beta2_power": 0.99, "momentum": 0.9, "rho": 0.9}


def _values(rng: np.random.Generator, rule: Rule, names: list[str], rows: int) -> tuple[Any, ...]:
    shape = (4, 3)
    result: list[Any] = []
    for i, name in enumerate(names):
        if i < rule.variables:
            result.append(np.abs(rng.normal(size=shape)) + 1)
        elif name in ("grad", "delta"):
            result.append(rng.normal(size=(rows, 3)))
        elif name == "indices":
            result.append(np.arange(rows, dtype=np.int32))
        else:
            result.append(np.int64(2) if name == "global_step" else np.float64(_SAMPLE_NUMBERS.get(name, 0.1)))
    return tuple(result)


def _sampler(rule: Rule, names: list[str]) -> Any:
    def samples(rng: np.random.Generator) -> list[Sample]:
        rows = 2 if "indices" in names else 4
        plain = [Sample(_values(rng, rule, names, rows), differentiable=False)]
        flipped = [{name: not default} for name, default in rule.options]
        return plain + [Sample(_values(rng, rule, names, rows), attrs, differentiable=False) for attrs in flipped]

    return samples


def _failures(rule: Rule, names: list[str]) -> Any:
    def failing(rng: np.random.Generator) -> list[Failure]:
        if "indices" not in names:
            return []
        values = list(_values(rng, rule, names, 2))
        values[names.index("indices")] = np.array([0, 4], np.int32)
        from ..errors import InvalidArgumentError

        return [Failure(tuple(values), InvalidArgumentError, r"4 is not in \[0, 4\)", at_run=True)]

    return failing


# The ops by rule, as (by reference, by handle); None where TensorFlow has none.
APPLY: dict[str, tuple[AnyOp | None, AnyOp | None]] = {
    rule.name: (_declare(rule, False, False), _declare(rule, True, False)) for rule in RULES
}
SPARSE_APPLY: dict[str, tuple[AnyOp | None, AnyOp | None]] = {
    rule.name: (_declare(rule, False, True), _declare(rule, True, True)) for rule in RULES
}
