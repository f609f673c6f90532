"""The names of TensorFlow 1.15's `tf.keras.callbacks`."""

from ..layers.fitting.callbacks import Callback, CallbackList, History, LambdaCallback
from ..layers.keras.callbacks_backup import BackupAndRestore
from ..layers.keras.callbacks_ema import SwapEMAWeights
from ..layers.keras.callbacks_files import CSVLogger, ModelCheckpoint
from ..layers.keras.callbacks_monitor import (
    EarlyStopping,
    LearningRateScheduler,
    MonitorCallback,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from ..layers.keras.callbacks_tensorboard import HParams, TensorBoard
from ..layers.keras.progress import ProgbarLogger

__all__ = [
    "BackupAndRestore", "CSVLogger", "Callback", "CallbackList", "EarlyStopping", "HParams", "History",
    "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint", "MonitorCallback", "ProgbarLogger",
    "ReduceLROnPlateau", "SwapEMAWeights", "TensorBoard", "TerminateOnNaN",
]  # fmt: skip
