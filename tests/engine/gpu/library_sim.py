"""The simulated device with the double of cuDNN as its library: what is prepared runs in order, and is captured as other work."""

from __future__ import annotations

from typing import Any

from headrace.engine.gpu.cuda.cudnn import Cudnn
from headrace.engine.gpu.cuda.cudnn_pooling import Pools
from headrace.engine.gpu.cuda.cudnn_recurrent import CudnnLayer, RecurrentLayers
from headrace.engine.gpu.cuda.workspace import Workspace
from headrace.engine.gpu.device import Call, Pooling, Recurrent, RecurrentArrays
from headrace.engine.gpu.sim.device import SimDevice

from .fake_cudnn import FakeCudnn


class LibrarySim(SimDevice):
    """The device; `ran` names the calls of the library's, as often as they ran."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.ran: list[str] = []
        self.library = FakeCudnn()
        self.cudnn = Cudnn(self.library, self, 5, Workspace(self.allocate, self.release))

    def noted(self, name: str, call: Call) -> Call:
        """A call that is captured."""

        def run() -> None:
            self.ran.append(name)
            call()

        return self._call(run)

    def pooling(self, pooling: Pooling) -> Call:
        return self.noted("pool", Pools(self.cudnn).prepare(pooling))

    def has_recurrent(self) -> bool:
        return True

    def recurrent(self, recurrent: Recurrent) -> Any:
        return Layer(self, RecurrentLayers(self.cudnn).prepare(recurrent))


class Layer:
    """A layer whose calls are captured."""

    def __init__(self, device: LibrarySim, layer: CudnnLayer) -> None:
        self.device, self.layer = device, layer
        self.weight_bytes, self.reserve_bytes = layer.weight_bytes, layer.reserve_bytes
        self.matrices, self.biases = layer.matrices, layer.biases

    def forward(self, arrays: RecurrentArrays) -> Call:
        return self.device.noted("forward", self.layer.forward(arrays))

    def gradient(self, arrays: RecurrentArrays) -> Call:
        return self.device.noted("gradient", self.layer.gradient(arrays))
