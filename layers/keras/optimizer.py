"""What Keras's optimizers share: the learning rate as a variable, slots, clipping, decay and averages of weights."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import float32, int64
from ...engine.gradients import gradients
from ...engine.graph import Operation, Tensor, get_default_graph
from ...engine.initializers import constant_initializer
from ...engine.ops.array_parts import zeros_like
from ...engine.ops.binary import pow as power
from ...engine.ops.casting import cast
from ...engine.ops.choice import clip_by_value
from ...engine.ops.clipping import clip_by_global_norm, clip_by_norm
from ...engine.ops.cond import cond
from ...engine.ops.control import group
from ...engine.ops.training import APPLY
from ...engine.tensor_types import IndexedSlices
from ...engine.training.data_parallel import replicated
from ...engine.variables import ResourceVariable, Variable
from .backend import get_session, get_value, set_value, unique_name
from .checks import whole
from .schedules import LearningRateSchedule
from .serialization import deserialize_keras_object, serialize_keras_object


class HyperParameter(ResourceVariable):
    """A number of an optimizer: a variable that can be read and set from Python at once."""

    def numpy(self) -> Any:
        """The value in the session of `keras.backend`."""
        return get_value(self)

    def __float__(self) -> float:
        return float(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())


class Optimizer:
    """An optimizer; subclasses define `_make_slots(variables)` and `update_step(gradient, variable, learning_rate)`.

    Args:
        learning_rate: a number, a LearningRateSchedule, or a function without arguments that gives one.
        weight_decay: share of a weight (times the learning rate) that is taken off before each update.
        clipnorm: largest norm of each gradient.
        clipvalue: largest absolute value of a gradient's elements.
        global_clipnorm: largest norm of all gradients together.
        use_ema: keep averages of the weights, which replace them at the end of fit.
        ema_momentum: how slowly the averages follow.
        ema_overwrite_frequency: after how many steps the averages replace the weights; None for at the end only.
        loss_scale_factor: the loss is multiplied by it, and the gradients divided.
        gradient_accumulation_steps: of how many batches one update is made.
        name: of the name scope and the slots.

    Raises:
        ValueError: more than one kind of clipping, or a number that is out of range.
    """

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        learning_rate = kwargs.pop("lr", learning_rate)
        if kwargs:
            raise ValueError(f"{type(self).__name__} got unexpected arguments: {', '.join(sorted(kwargs))}")
        if sum(x is not None for x in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError("Only one of clipnorm, clipvalue and global_clipnorm can be set")
        check_numbers(
            type(self).__name__, clipnorm=clipnorm, clipvalue=clipvalue, global_clipnorm=global_clipnorm,
            weight_decay=weight_decay, loss_scale_factor=loss_scale_factor,
        )  # fmt: skip
        whole("gradient_accumulation_steps", gradient_accumulation_steps, 2, False)
        whole("ema_overwrite_frequency", ema_overwrite_frequency, 1, False)
        check_shares(type(self).__name__, ema_momentum=ema_momentum)
        self.name = name or unique_name(type(self).__name__.lower())
        self.weight_decay, self.clipnorm, self.clipvalue = weight_decay, clipnorm, clipvalue
        self.global_clipnorm, self.loss_scale_factor = global_clipnorm, loss_scale_factor
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._rate = _checked_rate(learning_rate)
        self._start()

    def _start(self) -> None:
        self.built = False
        self._graph: Any = None
        self._iterations: Any = None
        self._rate_variable: Any = None
        self._rate_tensor: Any = None
        self._variables: list[Any] = []
        self._trained: list[Any] = []
        self._index: dict[int, int] = {}
        self._excluded: Callable[[Any], bool] = lambda variable: False
        self._averages: list[Any] = []
        self._sums: list[Any] = []
        self._numbers: dict[Any, Tensor] = {}

    # Numbers

    def _own_graph(self) -> Any:
        """The graph of the variables; those that were made in a graph that is gone are made anew."""
        graph = get_default_graph().outermost()
        if self._graph is not graph:
            if self.built:
                raise ValueError(f"Optimizer {self.name!r} was built in another graph; make a new one for each graph.")
            self._graph = graph
            with graph.as_default(), graph.name_scope(None), graph.control_dependencies(None):
                self._iterations = HyperParameter(
                    np.int64(0), trainable=False, name=f"{self.name}/iteration", dtype=int64
                )
                self._rate_variable = self._rate_tensor = None
                if isinstance(self._rate, float):
                    self._rate_variable = HyperParameter(
                        np.float32(self._rate), trainable=False, name=f"{self.name}/learning_rate", dtype=float32
                    )
        return graph

    @property
    def iterations(self) -> Any:
        """The variable that counts the steps."""
        self._own_graph()
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a variable, or of a schedule the tensor of its value. Setting it takes effect at once."""
        self._own_graph()
        if self._rate_variable is not None:
            return self._rate_variable
        if self._rate_tensor is None:
            self._rate_tensor = self._scheduled()
        return self._rate_tensor

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(self._rate, LearningRateSchedule) and not isinstance(value, LearningRateSchedule):
            raise TypeError(
                f"The learning rate of optimizer {self.name!r} is a LearningRateSchedule and cannot be set; "
                "make the optimizer with a number to change it"
            )
        if self.built and callable(value) != callable(self._rate):
            raise TypeError(f"Optimizer {self.name!r} is built: its learning rate can only be set to a number")
        self._rate = _checked_rate(value)
        if isinstance(self._rate, float) and self._rate_variable is not None:
            set_value(self._rate_variable, self._rate)
        else:
            self._graph = self._graph if self.built else None

    lr = learning_rate

    def current_learning_rate(self) -> float:
        """The learning rate of the next step as a number."""
        return float(get_value(self.learning_rate))

    def _scheduled(self) -> Tensor:
        with get_default_graph().name_scope(None):
            if isinstance(self._rate, LearningRateSchedule):
                return convert_to_tensor(self._rate(self._steps_done()))
            return convert_to_tensor(self._rate())

    def _steps_done(self) -> Any:
        done = convert_to_tensor(self.iterations)
        return done // self.gradient_accumulation_steps if self.gradient_accumulation_steps else done

    # Variables

    @property
    def variables(self) -> list[Any]:
        """The number of steps, the learning rate (if it is a number), and the slots."""
        first = [self.iterations] + ([] if self._rate_variable is None else [self._rate_variable])
        return [*first, *self._variables]

    weights = variables

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the slots of variables."""
        if self.built:
            return
        self._own_graph()
        self._trained = list(variables)
        self._index = {id(v): i for i, v in enumerate(self._trained)}
        if self.use_ema:
            self._averages = self._slots("average")
        if self.gradient_accumulation_steps:
            self._sums = self._slots("gradient_accumulator")
        self._make_slots()
        self.built = True

    def _make_slots(self) -> None:
        """Makes the slots of `self._trained`."""

    def _slots(self, name: str, value: float = 0.0, kept: bool = True) -> list[Any]:
        """A slot for each variable, filled with a number; those that are not kept hold nothing between steps."""
        made = [self._slot(v, name, value) for v in self._trained]
        if kept:
            self._variables.extend(made)
        return made

    def _slot_pairs(self, first: str, second: str, value: float = 0.0) -> tuple[list[Any], list[Any]]:
        """Two slots for each variable, the first filled with a number; one variable's after another's, as Keras does."""
        pairs = [(self._slot(v, first, value), self._slot(v, second, 0.0)) for v in self._trained]
        self._variables.extend(slot for pair in pairs for slot in pair)
        return [a for a, _ in pairs], [b for _, b in pairs]

    def _slot(self, variable: Any, name: str, value: float) -> Any:
        graph, dtype = self._own_graph(), variable.dtype.base_dtype
        fill = constant_initializer(value, dtype=dtype)
        with graph.name_scope(None), graph.control_dependencies(None):
            return Variable(
                lambda: fill(variable.shape.as_list(), dtype=dtype),
                trainable=False,
                name=f"{self.name}/{variable.op.name.replace('/', '_')}_{name}",
                use_resource=isinstance(variable, ResourceVariable),
            )

    def _of(self, slots: Sequence[Any], variable: Any) -> Any:
        """The slot of a variable."""
        return slots[self._index[id(variable)]]

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Iterable[str] | None = None) -> None:
        """Takes variables, given themselves or by patterns of their names, out of weight decay.

        Raises:
            ValueError: the optimizer is built.
        """
        if self.built:
            raise ValueError("exclude_from_weight_decay() must be called before the optimizer is built")
        chosen = {id(v) for v in var_list or ()}
        pattern = re.compile("|".join(var_names)) if var_names else None
        self._excluded = lambda v: id(v) in chosen or (pattern is not None and bool(pattern.search(v.name)))

    # Values

    def get_weights(self) -> list[Any]:
        """The values of `variables`."""
        return list(get_session().run(self.variables))

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Writes the values of `variables`.

        Raises:
            ValueError: there are more or fewer.
        """
        own = self.variables
        if len(own) != len(weights):
            raise ValueError(f"Optimizer {self.name!r} has {len(own)} variables, got {len(weights)} values")
        for variable, value in zip(own, weights, strict=True):
            set_value(variable, value)

    # Steps

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss times the loss scale factor."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def minimize(self, loss: Any, var_list: Sequence[Any]) -> Operation:
        """The operation of one step that makes `loss` smaller."""
        loss = self.scale_loss(loss() if callable(loss) else loss)
        return self.apply(gradients(loss, list(var_list)), var_list)

    def get_gradients(self, loss: Tensor, params: Sequence[Any]) -> list[Any]:
        """The gradients of a loss."""
        return gradients(loss, list(params))

    def get_updates(self, loss: Tensor, params: Sequence[Any]) -> list[Operation]:
        """The operation of one step, in a list, as tf.keras 1.15 has it."""
        return [self.minimize(loss, params)]

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]]) -> Operation:
        """The operation of one step with pairs of gradient and variable."""
        pairs = list(grads_and_vars)
        return self.apply([g for g, _ in pairs], [v for _, v in pairs])

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> Operation:
        """The operation of one step with gradients; those that are None are left out.

        Raises:
            ValueError: all gradients are None, or a variable is not one that the optimizer was built with.
        """
        variables = self._trained if trainable_variables is None else list(trainable_variables)
        if trainable_variables is not None:
            self.build(variables)
        unknown = [v.name for v in variables if id(v) not in self._index]
        if unknown:
            raise ValueError(f"Optimizer {self.name!r} was not built with the variables {', '.join(unknown)}")
        pairs = [(g, v) for g, v in zip(replicated(grads, variables), variables, strict=True) if g is not None]
        if not pairs:
            raise ValueError(
                f"No gradients for any of the variables {', '.join(v.name for v in variables)}: the loss does not "
                "depend on them"
            )
        graph = get_default_graph()
        with graph.name_scope(self.name):
            return self._step([g for g, _ in pairs], [v for _, v in pairs])

    def _step(self, grads: list[Any], variables: list[Any]) -> Operation:
        graph = get_default_graph()
        if self.loss_scale_factor is not None:
            grads = [_dense(g) / self.loss_scale_factor for g in grads]
        done = (
            self._accumulated(grads, variables) if self.gradient_accumulation_steps else self._update(grads, variables)
        )
        with graph.control_dependencies([done]):
            averaged = [self._average(variables)] if self.use_ema else []
        with graph.control_dependencies([done, *averaged]):
            return group(self.iterations.assign_add(np.int64(1), read_value=False))

    def _update(self, grads: list[Any], variables: list[Any]) -> Operation:
        """Clipping, decay, the step of the optimizer's own and the constraints."""
        graph = get_default_graph()
        grads = self._clipped(grads)
        self._numbers = {}
        rate = convert_to_tensor(self.learning_rate)
        decays = {id(v): self._decay(v, rate, grads) for v in variables} if self.weight_decay else {}
        self._prepare(variables)
        updates = []
        for gradient, variable in zip(grads, variables, strict=True):
            before = decays.get(id(variable))
            with graph.control_dependencies([] if before is None else [before]):
                done = self.update_step(gradient, variable, self._as(rate, variable))
            updates.append(self._constrained(variable, done))
        return group(*updates)

    def _prepare(self, variables: Sequence[Any]) -> None:
        """What a step needs once, before its variables."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> Operation:
        """The operation that changes one variable and its slots."""
        raise NotImplementedError(f"{type(self).__name__} does not define update_step")

    def _decay(self, variable: Any, rate: Tensor, grads: Sequence[Any]) -> Operation | None:
        if self._excluded(variable):
            return None
        # Gradients are those of the weights before the decay.
        with get_default_graph().control_dependencies([g.op for g in grads]):
            less = convert_to_tensor(variable.read_value()) * (self.weight_decay * self._as(rate, variable))
            return variable.assign_sub(less, read_value=False)  # type: ignore[no-any-return]

    def _constrained(self, variable: Any, done: Operation) -> Operation:
        constraint = getattr(variable, "constraint", None)
        if constraint is None:
            return done
        with get_default_graph().control_dependencies([done]):
            return variable.assign(constraint(variable.read_value()), read_value=False)  # type: ignore[no-any-return]

    def _clipped(self, grads: list[Any]) -> list[Any]:
        # As in Keras, 0 means that nothing is clipped.
        if self.clipnorm:
            return [clip_by_norm(_dense(g), self.clipnorm) for g in grads]
        if self.global_clipnorm:
            return list(clip_by_global_norm([_dense(g) for g in grads], self.global_clipnorm)[0])
        if self.clipvalue:
            return [clip_by_value(_dense(g), -self.clipvalue, self.clipvalue) for g in grads]
        return grads

    # Accumulated gradients and averages

    def _accumulated(self, grads: list[Any], variables: list[Any]) -> Operation:
        steps = self.gradient_accumulation_steps or 1
        sums = [self._of(self._sums, v) for v in variables]
        totals = [convert_to_tensor(s.read_value()) + _dense(g) for s, g in zip(sums, grads, strict=True)]

        def update() -> Any:
            means = [total / float(steps) for total in totals]
            with get_default_graph().control_dependencies([self._update(means, variables)]):
                return group(*(s.assign(zeros_like(t), read_value=False) for s, t in zip(sums, totals, strict=True)))

        def collect() -> Any:
            return group(*(s.assign(t, read_value=False) for s, t in zip(sums, totals, strict=True)))

        self._own_graph()
        is_last = cast((convert_to_tensor(self.iterations) + 1) % steps, "bool")
        return _operation(cond(is_last, lambda: _done(collect()), lambda: _done(update())))

    def _average(self, variables: Sequence[Any]) -> Operation:
        momentum = self.ema_momentum * cast(cast(self._steps_done(), "bool"), float32)
        updates = []
        for variable in variables:
            average, share = self._of(self._averages, variable), self._as(momentum, variable)
            new = share * average.read_value() + (1.0 - share) * variable.read_value()
            updates.append(average.assign(new, read_value=False))
        if not self.ema_overwrite_frequency:
            return group(*updates)
        is_due = cast((self._steps_done() + 1) % self.ema_overwrite_frequency, "bool")
        with get_default_graph().control_dependencies(updates):
            return _operation(cond(is_due, lambda: _done(group()), lambda: _done(group(*self._overwrites(variables)))))

    def _overwrites(self, variables: Sequence[Any]) -> list[Operation]:
        return [v.assign(self._of(self._averages, v).read_value(), read_value=False) for v in variables]

    def finalize_variable_values(self, var_list: Sequence[Any]) -> None:
        """Writes the averages over the weights, at once, if there are averages."""
        if self.use_ema:
            values = get_session().run([self._of(self._averages, v) for v in var_list])
            for variable, value in zip(var_list, values, strict=True):
                set_value(variable, value)

    # For update_step

    def _as(self, number: Any, variable: Any) -> Any:
        """A number in a variable's dtype, converted once a step."""
        dtype = variable.dtype.base_dtype
        key = (id(number) if isinstance(number, Tensor) else float(number), dtype)
        if key not in self._numbers:
            self._numbers[key] = cast(number, dtype) if isinstance(number, Tensor) else convert_to_tensor(number, dtype)
        return self._numbers[key]

    def _power(self, base: float, variable: Any, later: int = 1) -> Tensor:
        """`base ** (step + later)` in a variable's dtype, made once a step."""
        dtype = variable.dtype.base_dtype
        power_key, step_key = ("power", base, later, dtype), ("step", later, dtype)
        if step_key not in self._numbers:
            self._numbers[step_key] = cast(self._steps_done() + later, dtype)
        if power_key not in self._numbers:
            self._numbers[power_key] = power(self._as(base, variable), self._numbers[step_key])
        return self._numbers[power_key]

    def _rule(
        self, name: str, variable: Any, slots: Sequence[Any], numbers: Sequence[Any], **options: Any
    ) -> Operation:
        """The engine's op of a rule."""
        rule = APPLY[name][isinstance(variable, ResourceVariable)]
        if rule is None:
            raise TypeError(f"{variable.name!r} must be a resource variable for {type(self).__name__}")
        handles = [v._handle for v in (variable, *slots)]
        return _operation(rule(*handles, *(self._in(n, variable) for n in numbers), **options))

    def _in(self, number: Any, variable: Any) -> Any:
        return self._as(number, variable) if isinstance(number, int | float) else _dense(number)

    # Configuration

    # The names of the arguments of a subclass, which are attributes too.
    settings: tuple[str, ...] = ()

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, with the learning rate as it is now."""
        rate: Any = self._rate
        if self._rate_variable is not None:
            rate = self.current_learning_rate()
        shared = (
            "name weight_decay clipnorm clipvalue global_clipnorm use_ema ema_momentum ema_overwrite_frequency "
            "loss_scale_factor gradient_accumulation_steps"
        ).split()
        config = {"learning_rate": serialize_keras_object(rate)}
        return {**config, **{name: getattr(self, name) for name in (*shared, *self.settings)}}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Optimizer:
        """An optimizer with the constructor's arguments of `config`."""
        rate = deserialize_keras_object(config.get("learning_rate"), custom_objects, "schedules")
        return cls(**{**config, **({} if rate is None else {"learning_rate": rate})})


def check_numbers(kind: str, **numbers: Any) -> None:
    """Raises ValueError for what is no number from 0 on; None passes."""
    for name, value in numbers.items():
        if value is not None and not (_is_number(value) and value >= 0):
            raise ValueError(f"{name} of {kind} must be a number from 0 on, got {value!r}")


def check_shares(kind: str, **numbers: Any) -> None:
    """Raises ValueError for what is no number from 0 to 1."""
    for name, value in numbers.items():
        if not (_is_number(value) and 0 <= value <= 1):
            raise ValueError(f"{name} of {kind} must be a number from 0 to 1, got {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _checked_rate(rate: Any) -> Any:
    if isinstance(rate, LearningRateSchedule) or callable(rate):
        return rate
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.integer | np.floating | np.ndarray):
        raise ValueError(f"learning_rate must be a number, a LearningRateSchedule or a function, got {rate!r}")
    if np.isnan(rate):
        raise ValueError(f"learning_rate must be a number, got {rate!r}")
    return float(rate)


def _dense(gradient: Any) -> Any:
    """Rows of a gradient as the whole: slots of rows without gradients change too, as in Keras."""
    return convert_to_tensor(gradient) if isinstance(gradient, IndexedSlices) else gradient


def _operation(result: Any) -> Operation:
    return result if isinstance(result, Operation) else result.op


def _done(op: Operation) -> Tensor:
    """A tensor for a branch of cond that is there once `op` has run."""
    with get_default_graph().control_dependencies([op]):
        return convert_to_tensor(np.int32(0)) + 0
