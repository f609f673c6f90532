"""One step of each optimizer on flat blocks: variables and slots change in place, temporaries stay in cache.

Each function takes `(xp, scratch, variables, gradient, **numbers)`: arrays of one shape, a list of scratch arrays of
that shape, and 0-d arrays. The formulas are TensorFlow's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def gradient_descent(xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, alpha: Any) -> None:
    """Var -= alpha * g."""
    (var,) = arrays
    xp.multiply(g, alpha, s[0])
    xp.subtract(var, s[0], var)


def momentum(
    xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, lr: Any, momentum: Any, use_nesterov: bool = False
) -> None:
    """Accum = accum * momentum + g; var -= lr * accum, or with Nesterov's look ahead."""
    var, accum = arrays
    xp.multiply(accum, momentum, accum)
    xp.add(accum, g, accum)
    if use_nesterov:
        xp.multiply(accum, momentum, s[0])
        xp.add(s[0], g, s[0])
        xp.multiply(s[0], lr, s[0])
    else:
        xp.multiply(accum, lr, s[0])
    xp.subtract(var, s[0], var)


def keras_momentum(
    xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, lr: Any, momentum: Any, use_nesterov: bool = False
) -> None:
    """Accum = accum * momentum - lr * g; var += accum, or with Nesterov's look ahead."""
    var, accum = arrays
    xp.multiply(g, lr, s[0])
    xp.multiply(accum, momentum, accum)
    xp.subtract(accum, s[0], accum)
    if use_nesterov:
        xp.multiply(accum, momentum, s[1])
        xp.subtract(s[1], s[0], s[1])
        xp.add(var, s[1], var)
    else:
        xp.add(var, accum, var)


def adagrad(xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, lr: Any, update_slots: bool = True) -> None:
    """Accum += g^2; var -= lr * g / sqrt(accum)."""
    var, accum = arrays
    if update_slots:
        _add_square(xp, s[0], accum, g)
    xp.sqrt(accum, s[1])
    _subtract_quotient(xp, s[0], var, g, lr, s[1])


def adagrad_v2(
    xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, lr: Any, epsilon: Any, update_slots: bool = True
) -> None:
    """Accum += g^2; var -= lr * g / (sqrt(accum) + epsilon)."""
    var, accum = arrays
    if update_slots:
        _add_square(xp, s[0], accum, g)
    xp.sqrt(accum, s[1])
    xp.add(s[1], epsilon, s[1])
    _subtract_quotient(xp, s[0], var, g, lr, s[1])


def _add_square(xp: Any, scratch: Any, accum: Any, g: Any) -> None:
    xp.multiply(g, g, scratch)
    xp.add(accum, scratch, accum)


def _subtract_quotient(xp: Any, scratch: Any, var: Any, g: Any, lr: Any, divisor: Any) -> None:
    xp.multiply(g, lr, scratch)
    xp.divide(scratch, divisor, scratch)
    xp.subtract(var, scratch, var)


def adagrad_da(xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, lr: Any, l1: Any, l2: Any, global_step: Any) -> None:
    """Dual averaging: var is computed anew from the sums of gradients and of their squares."""
    var, total, squares = arrays
    xp.add(total, g, total)
    _add_square(xp, s[0], squares, g)
    _shrink(xp, s, total, l1 * global_step if l1 > 0 else None, s[1])
    xp.sqrt(squares, s[0])
    xp.add(s[0], l2 * lr * global_step, s[0])
    xp.multiply(s[1], -lr, s[1])
    xp.divide(s[1], s[0], var)


def _shrink(xp: Any, s: Any, x: Any, threshold: Any, out: Any) -> None:
    """Sign(x) * max(|x| - threshold, 0), with s[2] as scratch; x itself without a threshold."""
    if threshold is None:
        xp.copyto(out, x)
        return
    xp.absolute(x, s[2])
    xp.subtract(s[2], threshold, s[2])
    xp.maximum(s[2], s[2].dtype.type(0), out=s[2])
    xp.sign(x, out)
    xp.multiply(out, s[2], out)


def adadelta(xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, lr: Any, rho: Any, epsilon: Any) -> None:
    """Steps in proportion to running sizes of steps over running sizes of gradients."""
    var, accum, accum_update = arrays
    _average_square(xp, s[0], accum, g, rho)
    xp.add(accum, epsilon, s[0])
    xp.sqrt(s[0], s[0])
    xp.add(accum_update, epsilon, s[1])
    xp.sqrt(s[1], s[1])
    xp.divide(s[1], s[0], s[1])
    xp.multiply(s[1], g, s[1])
    _average_square(xp, s[0], accum_update, s[1], rho)
    xp.multiply(s[1], lr, s[1])
    xp.subtract(var, s[1], var)


def _average_square(xp: Any, scratch: Any, accum: Any, x: Any, rho: Any) -> None:
    xp.multiply(accum, rho, accum)
    xp.multiply(x, x, scratch)
    xp.multiply(scratch, 1 - rho, scratch)
    xp.add(accum, scratch, accum)


def proximal_gradient_descent(xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, alpha: Any, l1: Any, l2: Any) -> None:
    """A gradient step, then shrinkage by l1 and l2."""
    (var,) = arrays
    xp.multiply(g, alpha, s[0])
    xp.subtract(var, s[0], s[0])
    _shrink(xp, s, s[0], alpha * l1 if l1 > 0 else None, s[1])
    xp.divide(s[1], 1 + l2 * alpha, var)


def proximal_adagrad(xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, lr: Any, l1: Any, l2: Any) -> None:
    """A step of Adagrad, then shrinkage by l1 and l2 under its own learning rates."""
    var, accum = arrays
    _add_square(xp, s[0], accum, g)
    xp.sqrt(accum, s[3])
    xp.divide(lr, s[3], s[3])
    xp.multiply(g, s[3], s[0])
    xp.subtract(var, s[0], s[0])
    if l1 > 0:
        xp.multiply(s[3], l1, s[1])
    _shrink(xp, s, s[0], s[1] if l1 > 0 else None, var)
    xp.multiply(s[3], l2, s[3])
    xp.add(s[3], 1, s[3])
    xp.divide(var, s[3], var)


def ftrl(xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, lr: Any, l1: Any, l2: Any, lr_power: Any) -> None:
    """Follow the regularized leader: var is computed anew from the linear terms."""
    _ftrl(xp, s, arrays, g, g, lr, l1, l2, lr_power)


def ftrl_v2(
    xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, lr: Any, l1: Any, l2: Any, l2_shrinkage: Any, lr_power: Any
) -> None:
    """As `ftrl`, with shrinkage of the gradient towards smaller values of var."""
    xp.multiply(arrays[0], 2 * l2_shrinkage, s[3])
    xp.add(s[3], g, s[3])
    _ftrl(xp, s, arrays, g, s[3], lr, l1, l2, lr_power)


def _ftrl(
    xp: Any, s: Any, arrays: Sequence[Any], g: Any, shrunk: Any, lr: Any, l1: Any, l2: Any, lr_power: Any
) -> None:
    var, accum, linear = arrays
    xp.add(linear, shrunk, linear)
    _power(xp, accum, lr_power, s[0])
    _add_square(xp, s[1], accum, g)
    _power(xp, accum, lr_power, s[1])
    xp.subtract(s[1], s[0], s[0])
    xp.divide(s[0], lr, s[0])
    xp.multiply(s[0], var, s[0])
    xp.subtract(linear, s[0], linear)
    xp.divide(s[1], lr, s[1])
    xp.add(s[1], 2 * l2, s[1])
    # Where both the accumulator and l2 are zero so is the dividend: 0 / 0 must be 0.
    xp.maximum(s[1], xp.finfo(s[1].dtype).tiny, out=s[1])
    xp.clip(linear, -l1, l1, s[0])
    xp.subtract(s[0], linear, s[0])
    xp.divide(s[0], s[1], var)


def _power(xp: Any, accum: Any, lr_power: Any, out: Any) -> None:
    if lr_power == -0.5:
        xp.sqrt(accum, out)
    else:
        xp.power(accum, -lr_power, out)


def adam(
    xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, beta1_power: Any, beta2_power: Any, lr: Any, beta1: Any,
    beta2: Any, epsilon: Any, use_nesterov: bool = False,
) -> None:  # fmt: skip
    """Steps by the running mean of gradients over the running mean of their squares, both unbiased."""
    var, m, v = arrays
    alpha = lr * xp.sqrt(1 - beta2_power) / (1 - beta1_power)
    _approach(xp, s[0], m, g, beta1)
    xp.multiply(g, g, s[1])
    _approach(xp, s[0], v, s[1], beta2)
    _adam_step(xp, s, var, m, v, g, alpha, beta1, epsilon, use_nesterov)


def _approach(xp: Any, scratch: Any, mean: Any, x: Any, decay: Any) -> None:
    xp.subtract(x, mean, scratch)
    xp.multiply(scratch, 1 - decay, scratch)
    xp.add(mean, scratch, mean)


def _adam_step(
    xp: Any, s: Any, var: Any, m: Any, v: Any, g: Any, alpha: Any, beta1: Any, epsilon: Any, nesterov: bool
) -> None:
    xp.sqrt(v, s[0])
    xp.add(s[0], epsilon, s[0])
    if nesterov:
        xp.multiply(g, 1 - beta1, s[1])
        xp.multiply(m, beta1, s[2])
        xp.add(s[1], s[2], s[1])
        xp.multiply(s[1], alpha, s[1])
    else:
        xp.multiply(m, alpha, s[1])
    xp.divide(s[1], s[0], s[1])
    xp.subtract(var, s[1], var)


def adam_amsgrad(
    xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, beta1_power: Any, beta2_power: Any, lr: Any, beta1: Any,
    beta2: Any, epsilon: Any,
) -> None:  # fmt: skip
    """Adam that divides by the largest running mean of squares so far."""
    var, m, v, vhat = arrays
    alpha = lr * xp.sqrt(1 - beta2_power) / (1 - beta1_power)
    _approach(xp, s[0], m, g, beta1)
    xp.multiply(g, g, s[1])
    _approach(xp, s[0], v, s[1], beta2)
    xp.maximum(vhat, v, out=vhat)
    _adam_step(xp, s, var, m, vhat, g, alpha, beta1, epsilon, False)


def ada_max(
    xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, beta1_power: Any, lr: Any, beta1: Any, beta2: Any, epsilon: Any
) -> None:
    """Adam with the largest decayed gradient in place of the root of squares."""
    var, m, v = arrays
    _approach(xp, s[0], m, g, beta1)
    xp.multiply(v, beta2, v)
    xp.absolute(g, s[0])
    xp.maximum(v, s[0], out=v)
    xp.add(v, epsilon, s[0])
    xp.divide(m, s[0], s[0])
    xp.multiply(s[0], lr / (1 - beta1_power), s[0])
    xp.subtract(var, s[0], var)


def rms_prop(xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, lr: Any, rho: Any, momentum: Any, epsilon: Any) -> None:
    """Steps by the gradient over the root of its running mean square, with momentum."""
    var, ms, mom = arrays
    xp.multiply(g, g, s[1])
    _approach(xp, s[0], ms, s[1], rho)
    xp.add(ms, epsilon, s[0])
    _rms_step(xp, s, var, mom, g, lr, momentum)


def centered_rms_prop(
    xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, lr: Any, rho: Any, momentum: Any, epsilon: Any
) -> None:
    """As `rms_prop`, over the root of the running variance."""
    var, mg, ms, mom = arrays
    xp.multiply(g, g, s[1])
    _approach(xp, s[0], ms, s[1], rho)
    _approach(xp, s[0], mg, g, rho)
    xp.multiply(mg, mg, s[0])
    xp.subtract(ms, s[0], s[0])
    xp.add(s[0], epsilon, s[0])
    _rms_step(xp, s, var, mom, g, lr, momentum)


def _rms_step(xp: Any, s: Any, var: Any, mom: Any, g: Any, lr: Any, momentum: Any) -> None:
    """With the mean square in s[0]."""
    xp.sqrt(s[0], s[0])
    xp.multiply(g, lr, s[1])
    xp.divide(s[1], s[0], s[1])
    xp.multiply(mom, momentum, mom)
    xp.add(mom, s[1], mom)
    xp.subtract(var, mom, var)


def add_sign(
    xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, lr: Any, alpha: Any, sign_decay: Any, beta: Any
) -> None:
    """Longer steps where the gradient has the sign of its running mean."""
    var, m = arrays
    _agreement(xp, s, m, g, beta)
    xp.multiply(s[0], sign_decay, s[0])
    xp.add(s[0], alpha, s[0])
    xp.multiply(s[0], g, s[0])
    xp.multiply(s[0], lr, s[0])
    xp.subtract(var, s[0], var)


def power_sign(
    xp: Any, s: Any, arrays: Sequence[Any], g: Any, *, lr: Any, logbase: Any, sign_decay: Any, beta: Any
) -> None:
    """As `add_sign`, by powers of a base."""
    var, m = arrays
    _agreement(xp, s, m, g, beta)
    xp.multiply(s[0], logbase * sign_decay, s[0])
    xp.exp(s[0], s[0])
    xp.multiply(s[0], g, s[0])
    xp.multiply(s[0], lr, s[0])
    xp.subtract(var, s[0], var)


def _agreement(xp: Any, s: Any, m: Any, g: Any, beta: Any) -> None:
    """Moves the mean on and puts sign(g) * sign(m) into s[0]."""
    _approach(xp, s[0], m, g, beta)
    xp.sign(g, s[0])
    xp.sign(m, s[1])
    xp.multiply(s[0], s[1], s[0])
