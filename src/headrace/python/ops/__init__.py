"""The modules of `tensorflow.python.ops`. Each is loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from . import (
        array_ops,
        bitwise_ops,
        candidate_sampling_ops,
        check_ops,
        clip_ops,
        cond,
        confusion_matrix,
        control_flow_ops,
        critical_section_ops,
        ctc_ops,
        custom_gradient,
        data_flow_ops,
        embedding_ops,
        functional_ops,
        gradients,
        gradients_impl,
        histogram_ops,
        image_ops,
        image_ops_impl,
        init_ops,
        io_ops,
        linalg,
        linalg_ops,
        logging_ops,
        lookup_ops,
        losses,
        map_fn,
        math_ops,
        metrics,
        metrics_impl,
        nn,
        nn_impl,
        nn_ops,
        numerics,
        parsing_ops,
        partitioned_variables,
        random_ops,
        resource_variable_ops,
        rnn,
        rnn_cell,
        rnn_cell_impl,
        script_ops,
        signal,
        sort_ops,
        sparse_ops,
        special_math_ops,
        state_ops,
        stateless_random_ops,
        string_ops,
        template,
        tensor_array_ops,
        variable_scope,
        variable_v1,
        variables,
        weights_broadcast_ops,
        while_loop,
    )

__all__ = [
    "array_ops", "bitwise_ops", "candidate_sampling_ops", "check_ops", "clip_ops", "cond", "confusion_matrix",
    "control_flow_ops", "critical_section_ops", "ctc_ops", "custom_gradient", "data_flow_ops", "embedding_ops",
    "functional_ops", "gradients", "gradients_impl", "histogram_ops", "image_ops", "image_ops_impl", "init_ops",
    "io_ops", "linalg", "linalg_ops", "logging_ops", "lookup_ops", "losses", "map_fn", "math_ops", "metrics",
    "metrics_impl", "nn", "nn_impl", "nn_ops", "numerics", "parsing_ops", "partitioned_variables", "random_ops",
    "resource_variable_ops", "rnn", "rnn_cell", "rnn_cell_impl", "script_ops", "signal", "sort_ops", "sparse_ops",
    "special_math_ops", "state_ops", "stateless_random_ops", "string_ops", "template", "tensor_array_ops",
    "variable_scope", "variable_v1", "variables", "weights_broadcast_ops", "while_loop",
]  # fmt: skip

_PLACES: Places = {}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
