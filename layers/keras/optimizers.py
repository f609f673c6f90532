"""Keras's optimizers, with its formulas and defaults; most steps are one op of the engine a variable."""

from __future__ import annotations

from typing import Any

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import float32
from ...engine.graph import Operation
from ...engine.initializers import constant_initializer
from ...engine.ops.array_parts import ones_like
from ...engine.ops.choice import where_v2
from ...engine.ops.comparison import greater, logical_and
from ...engine.ops.control import group
from ...engine.ops.reduce import reduce_sum
from ...engine.ops.unary import sign, sqrt, square
from ...engine.tensor_types import IndexedSlices
from ...engine.training.optimizer import Optimizer as GraphOptimizer
from ...engine.variables import ResourceVariable, Variable
from .optimizer import Optimizer, _dense, check_numbers, check_shares
from .serialization import REGISTER, deserialize_keras_object, resolve, serialize_keras_object


class SGD(Optimizer):
    """Gradient descent: `w -= learning_rate * g`, with a velocity where `momentum` is not 0.

    Raises:
        ValueError: momentum is not from 0 to 1.
    """

    settings = ("momentum", "nesterov")

    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        check_shares(type(self).__name__, momentum=momentum)
        self.momentum, self.nesterov = momentum, nesterov

    def _make_slots(self) -> None:
        self._momentums = self._slots("momentum") if self.momentum else []

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> Operation:
        if not self.momentum:
            if isinstance(gradient, IndexedSlices):
                rows = IndexedSlices(gradient.values * learning_rate, gradient.indices)
                return group(variable.scatter_sub(rows))
            return self._rule("GradientDescent", variable, [], [learning_rate, gradient])
        slot = self._of(self._momentums, variable)
        if isinstance(variable, ResourceVariable):
            numbers = [learning_rate, gradient, self.momentum]
            return self._rule("KerasMomentum", variable, [slot], numbers, use_nesterov=self.nesterov)
        step = _dense(gradient) * learning_rate
        speed = slot.read_value() * self.momentum - step
        move = speed * self.momentum - step if self.nesterov else speed
        return group(slot.assign(speed), variable.assign_add(move))


class Adam(Optimizer):
    """Adam (Kingma and Ba 2014): steps by averages of gradients and of their squares."""

    settings = ("beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        check_shares(type(self).__name__, beta_1=beta_1, beta_2=beta_2)
        check_numbers(type(self).__name__, epsilon=epsilon)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad

    def _make_slots(self) -> None:
        self._momentums, self._velocities = self._slot_pairs("momentum", "velocity")
        self._largest = self._slots("velocity_hat") if self.amsgrad else []

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> Operation:
        m, v = self._of(self._momentums, variable), self._of(self._velocities, variable)
        powers = [self._power(self.beta_1, variable), self._power(self.beta_2, variable)]
        numbers = [*powers, learning_rate, self.beta_1, self.beta_2, self.epsilon, gradient]
        if self.amsgrad:
            return self._rule("AdamWithAmsgrad", variable, [m, v, self._of(self._largest, variable)], numbers)
        return self._rule("Adam", variable, [m, v], numbers)


class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov and Hutter 2017)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("weight_decay of AdamW must be a number")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs)


class Adamax(Optimizer):
    """Adam with the largest gradient in place of the average of squares."""

    settings = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        check_shares(type(self).__name__, beta_1=beta_1, beta_2=beta_2)
        check_numbers(type(self).__name__, epsilon=epsilon)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def _make_slots(self) -> None:
        self._momentums, self._norms = self._slot_pairs("momentum", "norm")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> Operation:
        slots = [self._of(self._momentums, variable), self._of(self._norms, variable)]
        power = self._power(self.beta_1, variable)
        numbers = [power, learning_rate, self.beta_1, self.beta_2, self.epsilon, gradient]
        return self._rule("AdaMax", variable, slots, numbers)


class Nadam(Adamax):
    """Adam with Nesterov's momentum, whose share grows with the steps (Dozat 2015)."""

    def _make_slots(self) -> None:
        self._momentums, self._velocities = self._slot_pairs("momentum", "velocity")
        graph = self._own_graph()
        one = constant_initializer(1.0, dtype=float32)
        with graph.name_scope(None), graph.control_dependencies(None):
            self._product = Variable(
                lambda: one([], dtype=float32), trainable=False, name=f"{self.name}/u_product", use_resource=True
            )
        self._variables.append(self._product)

    def _prepare(self, variables: Any) -> None:
        first = variables[0]
        self._now = self.beta_1 * (1.0 - 0.5 * self._power(0.96, first))
        self._next = self.beta_1 * (1.0 - 0.5 * self._power(0.96, first, 2))
        self._until_now = convert_to_tensor(self._product.read_value()) * self._as(self._now, self._product)
        self._product_update = self._product.assign(self._until_now, read_value=False)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> Operation:
        g = _dense(gradient)
        slots = self._of(self._momentums, variable), self._of(self._velocities, variable)
        m = slots[0].read_value() + (g - slots[0].read_value()) * (1.0 - self.beta_1)
        v = slots[1].read_value() + (square(g) - slots[1].read_value()) * (1.0 - self.beta_2)
        now, later = self._as(self._now, variable), self._as(self._next, variable)
        product = self._as(self._until_now, variable)
        m_hat = m * (later / (1.0 - product * later)) + g * ((1.0 - now) / (1.0 - product))
        v_hat = v / (1.0 - self._power(self.beta_2, variable))
        move = m_hat * learning_rate / (sqrt(v_hat) + self.epsilon)
        return group(self._product_update, slots[0].assign(m), slots[1].assign(v), variable.assign_sub(move))


class Lamb(Adamax):
    """Adam whose steps are scaled by each variable's norm (You et al. 2019)."""

    def _make_slots(self) -> None:
        self._momentums, self._velocities = self._slot_pairs("momentum", "velocity")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> Operation:
        g = _dense(gradient)
        slots = self._of(self._momentums, variable), self._of(self._velocities, variable)
        m = slots[0].read_value() + (g - slots[0].read_value()) * (1.0 - self.beta_1)
        v = slots[1].read_value() + (square(g) - slots[1].read_value()) * (1.0 - self.beta_2)
        m_hat = m / (1.0 - self._power(self.beta_1, variable))
        v_hat = v / (1.0 - self._power(self.beta_2, variable))
        step = m_hat / (sqrt(v_hat) + self.epsilon)
        size, length = sqrt(reduce_sum(square(variable.read_value()))), sqrt(reduce_sum(square(step)))
        both = logical_and(greater(size, 0.0), greater(length, 0.0))
        ratio = where_v2(both, size / where_v2(both, length, ones_like(length)), ones_like(length))
        return group(slots[0].assign(m), slots[1].assign(v), variable.assign_sub(step * (ratio * learning_rate)))


class Lion(Optimizer):
    """Steps by the sign of an average of gradients (Chen et al. 2023).

    Raises:
        ValueError: beta_1 is not above 0 and at most 1.
    """

    settings = ("beta_1", "beta_2")

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        check_shares("Lion", beta_1=beta_1, beta_2=beta_2)
        if not beta_1:
            raise ValueError(f"beta_1 of Lion must be above 0, got {beta_1}")
        self.beta_1, self.beta_2 = beta_1, beta_2

    def _make_slots(self) -> None:
        self._momentums = self._slots("momentum")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> Operation:
        g, slot = _dense(gradient), self._of(self._momentums, variable)
        before = slot.read_value()
        move = learning_rate * sign(before * self.beta_1 + g * (1.0 - self.beta_1))
        new = before * self.beta_2 + g * (1.0 - self.beta_2)
        return group(slot.assign(new), variable.assign_sub(move))


class RMSprop(Optimizer):
    """Gradients divided by the root of an average of their squares, less their mean with centered=True."""

    settings = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        check_shares("RMSprop", rho=rho, momentum=momentum)
        check_numbers("RMSprop", epsilon=epsilon)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def _make_slots(self) -> None:
        self._velocities = self._slots("velocity")
        # The op wants a momentum also where it is not used.
        self._momentums = self._slots("momentum", kept=self.momentum > 0)
        self._means = self._slots("average_gradient") if self.centered else []

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> Operation:
        slots = [self._of(self._velocities, variable), self._of(self._momentums, variable)]
        numbers = [learning_rate, self.rho, self.momentum, self.epsilon, gradient]
        if self.centered:
            return self._rule("CenteredRMSProp", variable, [self._of(self._means, variable), *slots], numbers)
        return self._rule("RMSProp", variable, slots, numbers)


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of all their squares."""

    settings = ("initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        check_numbers("Adagrad", initial_accumulator_value=initial_accumulator_value, epsilon=epsilon)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def _make_slots(self) -> None:
        # Keras adds epsilon under the root: the same as a sum that begins with it.
        self._accumulators = self._slots("accumulator", self.initial_accumulator_value + self.epsilon)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> Operation:
        return self._rule("Adagrad", variable, [self._of(self._accumulators, variable)], [learning_rate, gradient])


class Adadelta(Optimizer):
    """Steps scaled by the ratio of averages of squared steps and gradients (Zeiler 2012)."""

    settings = ("rho", "epsilon")

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        check_shares("Adadelta", rho=rho)
        check_numbers("Adadelta", epsilon=epsilon)
        self.rho, self.epsilon = rho, epsilon

    def _make_slots(self) -> None:
        self._gradients, self._steps = self._slot_pairs("accumulated_grad", "accumulated_delta_var")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> Operation:
        slots = [self._of(self._gradients, variable), self._of(self._steps, variable)]
        return self._rule("Adadelta", variable, slots, [learning_rate, self.rho, self.epsilon, gradient])


class Ftrl(Optimizer):
    """Follow the regularized leader (McMahan et al. 2013), which makes weights exactly 0.

    Raises:
        ValueError: a number has the wrong sign.
    """

    settings = (
        "learning_rate_power", "initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
        "l2_shrinkage_regularization_strength", "beta",
    )  # fmt: skip

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.learning_rate_power, self.beta = learning_rate_power, beta
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        if learning_rate_power > 0:
            raise ValueError(f"learning_rate_power must not be positive, got {learning_rate_power}")
        for name in self.settings[1:]:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")

    def _make_slots(self) -> None:
        self._accumulators, self._linears = self._slot_pairs("accumulator", "linear", self.initial_accumulator_value)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> Operation:
        slots = [self._of(self._accumulators, variable), self._of(self._linears, variable)]
        l2: Any = self.l2_regularization_strength
        if self.beta:
            l2 = l2 + self.beta / (2.0 * learning_rate)
        numbers = [
            gradient,
            learning_rate,
            self.l1_regularization_strength,
            l2,
            self.l2_shrinkage_regularization_strength,
            self.learning_rate_power,
        ]
        return self._rule("FtrlV2", variable, slots, numbers)


class TFOptimizer(Optimizer):
    """An optimizer of `tf.train` under Keras's interface: `compile(tf.train.AdamOptimizer())`."""

    def __init__(self, optimizer: GraphOptimizer) -> None:
        super().__init__(0.0, name=optimizer.get_name())
        self.optimizer = optimizer

    def apply(self, grads: Any, trainable_variables: Any = None) -> Operation:
        variables = self._trained if trainable_variables is None else list(trainable_variables)
        self._own_graph()
        self._trained, self.built = variables, True
        applied = self.optimizer.apply_gradients(list(zip(grads, variables, strict=True)))
        self._variables = list(self.optimizer.variables())
        return group(applied, self.iterations.assign_add(1, read_value=False))

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self.optimizer).__name__} of tf.train has no configuration")


CLASSES: dict[str, type[Optimizer]] = {
    kind.__name__: kind for kind in (SGD, Adam, AdamW, Adamax, Nadam, Lamb, Lion, RMSprop, Adagrad, Adadelta, Ftrl)
}
REGISTER.setdefault("optimizers", {}).update({**CLASSES, **{name.lower(): kind for name, kind in CLASSES.items()}})


def get(identifier: Any) -> Any:
    """The optimizer of a name ("adam", "Adam"), a configuration, an Optimizer or one of tf.train.

    Raises:
        ValueError: there is no such optimizer; the known ones are listed.
    """
    if isinstance(identifier, GraphOptimizer):
        return TFOptimizer(identifier)
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    return resolve("optimizers", identifier)


def serialize(optimizer: Any) -> Any:
    """The configuration of an optimizer."""
    return serialize_keras_object(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The optimizer of what `serialize` gave."""
    return deserialize_keras_object(config, custom_objects, "optimizers")
