"""The training loop of slim: `slim.learning.train` and its step."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from ..engine.errors import OutOfRangeError
from ..engine.graph import Graph, Tensor, get_default_graph
from ..engine.ops.comparison import equal, greater_equal
from ..engine.training.global_step import get_or_create_global_step
from ..engine.training.saver import Saver
from ..engine.training.supervisor import Supervisor

logger = logging.getLogger("headrace")
_DEFAULT = Supervisor.USE_DEFAULT


def train_step(sess: Any, train_op: Any, global_step: Any, train_step_kwargs: dict[str, Any]) -> tuple[Any, bool]:
    """Makes a step and logs it, as `slim.learning.train_step`.

    Args:
        sess: the session.
        train_op: gives the loss.
        global_step: the step's variable.
        train_step_kwargs: may hold "should_stop" and "should_log", boolean tensors of the step.

    Returns:
        The loss, and whether training ends.
    """
    start = time.perf_counter()
    loss, step = sess.run([train_op, global_step])
    asked = {name: tensor for name, tensor in train_step_kwargs.items() if name in ("should_stop", "should_log")}
    answers = sess.run(asked) if asked else {}
    if answers.get("should_log"):
        logger.info("global step %d: loss = %.4f (%.3f sec/step)", step, loss, time.perf_counter() - start)
    return loss, bool(answers.get("should_stop", False))


def train(
    train_op: Any,
    logdir: str | None,
    train_step_fn: Callable[..., tuple[Any, bool]] = train_step,
    train_step_kwargs: Any = _DEFAULT,
    log_every_n_steps: int = 1,
    graph: Graph | None = None,
    master: str = "",
    is_chief: bool = True,
    global_step: Any = None,
    number_of_steps: int | None = None,
    init_op: Any = _DEFAULT,
    init_feed_dict: Any = None,
    local_init_op: Any = _DEFAULT,
    init_fn: Callable[[Any], None] | None = None,
    ready_op: Any = _DEFAULT,
    summary_op: Any = _DEFAULT,
    save_summaries_secs: float = 600,
    summary_writer: Any = _DEFAULT,
    startup_delay_steps: int = 0,
    saver: Any = None,
    save_interval_secs: float = 600,
    session_config: Any = None,
    session_wrapper: Callable[[Any], Any] | None = None,
) -> Any:
    """Trains until a number of steps, or as long as there is input, as `slim.learning.train`.

    Args:
        train_op: gives the loss; made by `create_train_op`.
        logdir: of checkpoints and summaries; None for neither.
        train_step_fn: makes a step: see `train_step`.
        train_step_kwargs: passed on to it; by default tensors that say when to stop and to log.
        log_every_n_steps: how often the loss is logged.
        number_of_steps: the global step at which training ends.
        startup_delay_steps: the step until which a worker that is not the chief waits.
        session_wrapper: a function of the session that gives the one to use.
        graph, master, is_chief, global_step, init_op, init_feed_dict, local_init_op, init_fn, ready_op, summary_op,
            save_summaries_secs, summary_writer, saver, save_interval_secs, session_config: see `tf.train.Supervisor`.

    Returns:
        The loss of the last step; None if there was none.

    Raises:
        ValueError: there is no train_op, a delay for the chief, or a number of steps below 1.
    """
    if train_op is None:
        raise ValueError("train_op cannot be None.")
    if number_of_steps is not None and number_of_steps <= 0:
        raise ValueError(f"number_of_steps must be None or a positive number, got {number_of_steps}")
    if is_chief and startup_delay_steps > 0:
        raise ValueError("startup_delay_steps must be zero for chief supervisor.")
    graph = graph or get_default_graph()
    with graph.as_default():
        step = get_or_create_global_step() if global_step is None else global_step
        if train_step_kwargs is _DEFAULT:
            train_step_kwargs = _usual(step, number_of_steps, log_every_n_steps)
        supervisor = Supervisor(
            graph=graph, is_chief=is_chief, logdir=logdir, init_op=init_op, init_feed_dict=init_feed_dict,
            local_init_op=local_init_op, ready_op=ready_op, summary_op=None if logdir is None else summary_op,
            summary_writer=None if logdir is None else summary_writer, global_step=step,
            saver=(saver or Saver()) if logdir is not None else saver, save_summaries_secs=save_summaries_secs,
            save_model_secs=save_interval_secs, init_fn=init_fn,
        )  # fmt: skip
        with supervisor.managed_session(master, config=session_config, start_standard_services=False) as session:
            used = session if session_wrapper is None else session_wrapper(session)
            if is_chief and logdir is not None:
                supervisor.start_standard_services(session)
            _wait(supervisor, used, step, startup_delay_steps)
            supervisor.start_queue_runners(session)
            loss = _steps(supervisor, used, train_op, step, train_step_fn, train_step_kwargs)
            if logdir is not None and is_chief:
                supervisor.saver.save(session, supervisor.save_path, global_step=step)
            return loss


def _usual(step: Any, last: int | None, every: int) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {"should_log": equal(step % every, 0)} if every > 0 else {}
    if last is not None:
        found["should_stop"] = greater_equal(step, last)
    return found


def _wait(supervisor: Supervisor, session: Any, step: Any, delay: int) -> None:
    while delay > 0 and not supervisor.should_stop() and session.run(step) < delay:
        time.sleep(0.5)


def _steps(
    supervisor: Supervisor, session: Any, train_op: Any, step: Any, train_step_fn: Any, kwargs: dict[str, Any]
) -> Any:
    loss, ends = None, False
    try:
        while not ends and not supervisor.should_stop():
            loss, ends = train_step_fn(session, train_op, step, kwargs)
    except OutOfRangeError as error:
        # The end of the input is an end like others: the last checkpoint is saved.
        logger.info("The input has ended: %s", error)
    return loss
