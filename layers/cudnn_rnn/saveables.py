"""A network's vector of weights in checkpoints: there the variables of the cells that compute the same stand for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine.graph import Tensor, get_default_graph
from ...engine.ops.array import identity
from ...engine.training.saveable import SaveableObject, SaveSpec
from ...engine.variable_scope import VariableScope
from .converters import (
    CudnnParamsFormatConverter,
    CudnnParamsFormatConverterGRU,
    CudnnParamsFormatConverterLSTM,
    CudnnParamsFormatConverterRelu,
    CudnnParamsFormatConverterTanh,
)
from .parameters import CUDNN_INPUT_LINEAR_MODE, CUDNN_RNN_UNIDIRECTION


class CudnnOpaqueParamsSaveable(SaveableObject):
    """Saves and restores the variable of a network's weights as variables of cells.

    Their names are those that MultiRNNCell in dynamic_rnn has, or stack_bidirectional_dynamic_rnn, in the scope. Sums of
    the two biases of a gate are saved, and come back as two halves.

    Args:
        opaque_params: the variable.
        num_layers, num_units, input_size, input_mode, direction: of the network.
        scope: the variable scope of the cells' names, or its name.
        name: what the saveable is called.
    """

    format_converter_type: type[CudnnParamsFormatConverter]
    cell_name: str

    def __init__(
        self,
        opaque_params: Any,
        num_layers: int,
        num_units: int,
        input_size: int,
        input_mode: str = CUDNN_INPUT_LINEAR_MODE,
        direction: str = CUDNN_RNN_UNIDIRECTION,
        scope: Any = None,
        name: str = "cudnn_rnn_saveable",
    ) -> None:
        self.format_converter = self.format_converter_type(
            num_layers, num_units, input_size, input_mode=input_mode, direction=direction
        )
        self._variable = opaque_params
        prefix = (scope.name if isinstance(scope, VariableScope) else scope) or ""
        names = self._names(f"{prefix}/" if prefix else "")
        specs = [self._spec(k, spec_name) for k, spec_name in enumerate(names)]
        super().__init__(identity(opaque_params), specs, name)
        self.stands_for = opaque_params

    def _names(self, prefix: str) -> list[str]:
        layout = self.format_converter.layout
        pattern = "rnn/multi_rnn_cell/cell_{}/{}"
        if layout.directions == 2:
            pattern = "stack_bidirectional_rnn/cell_{}/bidirectional_rnn/{}/{}"
        kernels = []
        for k, layer in enumerate(layout.places):
            side = () if layout.directions == 1 else (("fw", "bw")[k % 2],)
            cell = prefix + pattern.format(layer, *side, self.cell_name)
            kernels += [f"{cell}/{kernel}" for kernel in self.format_converter.kernels]
        return kernels + [f"{kernel.removesuffix('kernel')}bias" for kernel in kernels]

    def _spec(self, place: int, name: str) -> SaveSpec:
        variable = self._variable
        return SaveSpec(lambda: self._canonical()[place], "", name, variable.dtype.base_dtype, variable.device)

    def _canonical(self) -> list[Tensor]:
        with get_default_graph().colocate_with(self._variable.op):
            matrices, biases = self.format_converter.opaque_to_tf_canonical(self._variable)
        return [*matrices, *biases]

    def restore(self, restored_tensors: Sequence[Tensor], restored_shapes: Sequence[Any] | None) -> Any:
        """Gives the variable the weights of the cells."""
        return self._variable.assign(self.format_converter.tf_canonical_to_opaque(restored_tensors))


class CudnnLSTMSaveable(CudnnOpaqueParamsSaveable):
    """The weights of CudnnLSTM, as those of CudnnCompatibleLSTMCell."""

    format_converter_type = CudnnParamsFormatConverterLSTM
    cell_name = "cudnn_compatible_lstm_cell"


class CudnnGRUSaveable(CudnnOpaqueParamsSaveable):
    """The weights of CudnnGRU, as those of CudnnCompatibleGRUCell."""

    format_converter_type = CudnnParamsFormatConverterGRU
    cell_name = "cudnn_compatible_gru_cell"


class CudnnRNNTanhSaveable(CudnnOpaqueParamsSaveable):
    """The weights of CudnnRNNTanh, as those of BasicRNNCell."""

    format_converter_type = CudnnParamsFormatConverterTanh
    cell_name = "basic_rnn_cell"


class CudnnRNNReluSaveable(CudnnOpaqueParamsSaveable):
    """The weights of CudnnRNNRelu, as those of BasicRNNCell with `activation=tf.nn.relu`."""

    format_converter_type = CudnnParamsFormatConverterRelu
    cell_name = "basic_rnn_cell"


SAVEABLES: dict[str, type[CudnnOpaqueParamsSaveable]] = {
    kind.format_converter_type.rnn_mode: kind
    for kind in (CudnnLSTMSaveable, CudnnGRUSaveable, CudnnRNNTanhSaveable, CudnnRNNReluSaveable)
}
