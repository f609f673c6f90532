"""The names of TensorFlow 1.15's `tf.train`."""

from ..cluster.cluster_spec import ClusterSpec
from ..cluster.server import Server
from ..engine.checkpoint.reader import (
    list_variables,
    load_checkpoint,
    load_variable,
    new_checkpoint_reader as NewCheckpointReader,
)
from ..engine.checkpoint.state import (
    checkpoint_exists,
    generate_checkpoint_state_proto,
    get_checkpoint_mtimes,
    get_checkpoint_state,
    latest_checkpoint,
    remove_checkpoint,
    update_checkpoint_state,
)
from ..engine.device_setter import replica_device_setter
from ..engine.graph_util import write_graph
from ..engine.protos import (
    BytesList,
    ClusterDef,
    Example,
    Feature,
    FeatureList,
    FeatureLists,
    Features,
    FloatList,
    Int64List,
    JobDef,
    SaverDef,
    SequenceExample,
    ServerDef,
)
from ..engine.summary.events import summary_iterator
from ..engine.summary.writer import FileWriter as SummaryWriter
from ..engine.training.adadelta import AdadeltaOptimizer
from ..engine.training.adagrad import AdagradOptimizer
from ..engine.training.adagrad_da import AdagradDAOptimizer
from ..engine.training.adam import AdamOptimizer
from ..engine.training.basic_loops import basic_train_loop, checkpoints_iterator
from ..engine.training.basic_session_run_hooks import (
    CheckpointSaverHook,
    CheckpointSaverListener,
    FeedFnHook,
    FinalOpsHook,
    GlobalStepWaiterHook,
    LoggingTensorHook,
    NanLossDuringTrainingError,
    NanTensorHook,
    ProfilerHook,
    StepCounterHook,
    StopAtStepHook,
    SummarySaverHook,
)
from ..engine.training.checkpoint_init import init_from_checkpoint
from ..engine.training.coordinator import Coordinator, LooperThread
from ..engine.training.ftrl import FtrlOptimizer
from ..engine.training.global_step import (
    assert_global_step,
    create_global_step,
    get_global_step,
    get_or_create_global_step,
    global_step,
)
from ..engine.training.gradient_descent import GradientDescentOptimizer
from ..engine.training.input import (
    batch,
    batch_join,
    input_producer,
    limit_epochs,
    match_filenames_once,
    maybe_batch,
    maybe_batch_join,
    maybe_shuffle_batch,
    maybe_shuffle_batch_join,
    range_input_producer,
    shuffle_batch,
    shuffle_batch_join,
    slice_input_producer,
    string_input_producer,
)
from ..engine.training.learning_rate_decay import (
    cosine_decay,
    cosine_decay_restarts,
    exponential_decay,
    inverse_time_decay,
    linear_cosine_decay,
    natural_exp_decay,
    noisy_linear_cosine_decay,
    piecewise_constant,
    piecewise_constant_decay,
    polynomial_decay,
)
from ..engine.training.meta_graph import export_meta_graph, import_meta_graph
from ..engine.training.momentum import MomentumOptimizer
from ..engine.training.monitored_session import (
    ChiefSessionCreator,
    MonitoredSession,
    MonitoredTrainingSession,
    SessionCreator,
    SingularMonitoredSession,
    WorkerSessionCreator,
)
from ..engine.training.moving_averages import ExponentialMovingAverage
from ..engine.training.optimizer import Optimizer
from ..engine.training.preemption import PREEMPTED_STATUS, Preempted, PreemptionHook
from ..engine.training.proximal_adagrad import ProximalAdagradOptimizer
from ..engine.training.proximal_gradient_descent import ProximalGradientDescentOptimizer
from ..engine.training.queue_runner import QueueRunner, add_queue_runner, start_queue_runners
from ..engine.training.rmsprop import RMSPropOptimizer
from ..engine.training.saver import Saver
from ..engine.training.scaffold import Scaffold
from ..engine.training.session_manager import SessionManager
from ..engine.training.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from ..engine.training.supervisor import Supervisor
from ..engine.training.sync_replicas import SyncReplicasOptimizer
from ..engine.training.timer import SecondOrStepTimer
from ..engine.training.warm_starting import VocabInfo, warm_start
from . import experimental, queue_runner

__all__ = [
    "PREEMPTED_STATUS", "AdadeltaOptimizer", "AdagradDAOptimizer", "AdagradOptimizer", "AdamOptimizer", "BytesList",
    "CheckpointSaverHook", "CheckpointSaverListener", "ChiefSessionCreator", "ClusterDef", "ClusterSpec",
    "Coordinator", "Example", "ExponentialMovingAverage", "Feature", "FeatureList", "FeatureLists", "Features",
    "FeedFnHook", "FinalOpsHook", "FloatList", "FtrlOptimizer", "GlobalStepWaiterHook", "GradientDescentOptimizer",
    "Int64List", "JobDef", "LoggingTensorHook", "LooperThread", "MomentumOptimizer", "MonitoredSession",
    "MonitoredTrainingSession", "NanLossDuringTrainingError", "NanTensorHook", "NewCheckpointReader", "Optimizer",
    "Preempted", "PreemptionHook", "ProfilerHook", "ProximalAdagradOptimizer", "ProximalGradientDescentOptimizer",
    "QueueRunner", "RMSPropOptimizer", "Saver", "SaverDef", "Scaffold", "SecondOrStepTimer", "SequenceExample",
    "Server", "ServerDef", "SessionCreator", "SessionManager", "SessionRunArgs", "SessionRunContext",
    "SessionRunHook", "SessionRunValues", "SingularMonitoredSession", "StepCounterHook", "StopAtStepHook",
    "SummarySaverHook", "SummaryWriter", "Supervisor", "SyncReplicasOptimizer", "VocabInfo", "WorkerSessionCreator",
    "add_queue_runner", "assert_global_step", "basic_train_loop", "batch", "batch_join", "checkpoint_exists",
    "checkpoints_iterator", "cosine_decay", "cosine_decay_restarts", "create_global_step", "experimental",
    "exponential_decay", "export_meta_graph", "generate_checkpoint_state_proto", "get_checkpoint_mtimes",
    "get_checkpoint_state", "get_global_step", "get_or_create_global_step", "global_step", "import_meta_graph",
    "init_from_checkpoint", "input_producer", "inverse_time_decay", "latest_checkpoint", "limit_epochs",
    "linear_cosine_decay", "list_variables", "load_checkpoint", "load_variable", "match_filenames_once",
    "maybe_batch", "maybe_batch_join", "maybe_shuffle_batch", "maybe_shuffle_batch_join", "natural_exp_decay",
    "noisy_linear_cosine_decay", "piecewise_constant", "piecewise_constant_decay", "polynomial_decay", "queue_runner",
    "range_input_producer", "remove_checkpoint", "replica_device_setter", "shuffle_batch", "shuffle_batch_join",
    "slice_input_producer", "start_queue_runners", "string_input_producer", "summary_iterator",
    "update_checkpoint_state", "warm_start", "write_graph",
]  # fmt: skip
