"""The names of `tensorflow.python.training.training`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...cluster.cluster_spec import ClusterSpec
    from ...cluster.server import Server
    from ...engine.checkpoint.reader import (
        list_variables,
        load_checkpoint,
        load_variable,
        new_checkpoint_reader as NewCheckpointReader,
    )
    from ...engine.checkpoint.state import (
        checkpoint_exists,
        generate_checkpoint_state_proto,
        get_checkpoint_mtimes,
        get_checkpoint_state,
        latest_checkpoint,
        update_checkpoint_state,
    )
    from ...engine.device_setter import replica_device_setter
    from ...engine.graph_util import write_graph
    from ...engine.protos import (
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
    from ...engine.summary.events import summary_iterator
    from ...engine.training.adadelta import AdadeltaOptimizer
    from ...engine.training.adagrad import AdagradOptimizer
    from ...engine.training.adagrad_da import AdagradDAOptimizer
    from ...engine.training.adam import AdamOptimizer
    from ...engine.training.basic_loops import basic_train_loop
    from ...engine.training.basic_session_run_hooks import (
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
    from ...engine.training.checkpoint_init import init_from_checkpoint
    from ...engine.training.coordinator import Coordinator, LooperThread
    from ...engine.training.ftrl import FtrlOptimizer
    from ...engine.training.global_step import (
        assert_global_step,
        create_global_step,
        get_global_step,
        get_or_create_global_step,
        global_step,
    )
    from ...engine.training.gradient_descent import GradientDescentOptimizer
    from ...engine.training.input import (
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
    from ...engine.training.learning_rate_decay import (
        cosine_decay,
        cosine_decay_restarts,
        exponential_decay,
        inverse_time_decay,
        linear_cosine_decay,
        natural_exp_decay,
        noisy_linear_cosine_decay,
        piecewise_constant,
        polynomial_decay,
    )
    from ...engine.training.loss_scale import (
        MixedPrecisionLossScaleOptimizer,
        enable_mixed_precision_graph_rewrite as enable_mixed_precision_graph_rewrite_v1,
    )
    from ...engine.training.meta_graph import export_meta_graph, import_meta_graph
    from ...engine.training.momentum import MomentumOptimizer
    from ...engine.training.monitored_session import (
        ChiefSessionCreator,
        MonitoredSession,
        MonitoredTrainingSession,
        SessionCreator,
        SingularMonitoredSession,
        WorkerSessionCreator,
    )
    from ...engine.training.moving_averages import ExponentialMovingAverage
    from ...engine.training.optimizer import Optimizer
    from ...engine.training.proximal_adagrad import ProximalAdagradOptimizer
    from ...engine.training.proximal_gradient_descent import ProximalGradientDescentOptimizer
    from ...engine.training.queue_runner import QueueRunner, add_queue_runner, start_queue_runners
    from ...engine.training.rmsprop import RMSPropOptimizer
    from ...engine.training.saver import Saver
    from ...engine.training.scaffold import Scaffold
    from ...engine.training.session_manager import SessionManager
    from ...engine.training.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
    from ...engine.training.supervisor import Supervisor
    from ...engine.training.sync_replicas import SyncReplicasOptimizer
    from ...engine.training.timer import SecondOrStepTimer
    from ...engine.training.warm_starting import VocabInfo, warm_start

__all__ = [
    "AdadeltaOptimizer", "AdagradDAOptimizer", "AdagradOptimizer", "AdamOptimizer", "BytesList",
    "CheckpointSaverHook", "CheckpointSaverListener", "ChiefSessionCreator", "ClusterDef", "ClusterSpec",
    "Coordinator", "Example", "ExponentialMovingAverage", "Feature", "FeatureList", "FeatureLists", "Features",
    "FeedFnHook", "FinalOpsHook", "FloatList", "FtrlOptimizer", "GlobalStepWaiterHook", "GradientDescentOptimizer",
    "Int64List", "JobDef", "LoggingTensorHook", "LooperThread", "MixedPrecisionLossScaleOptimizer",
    "MomentumOptimizer", "MonitoredSession", "MonitoredTrainingSession", "NanLossDuringTrainingError",
    "NanTensorHook", "NewCheckpointReader", "Optimizer", "ProfilerHook", "ProximalAdagradOptimizer",
    "ProximalGradientDescentOptimizer", "QueueRunner", "RMSPropOptimizer", "Saver", "SaverDef", "Scaffold",
    "SecondOrStepTimer", "SequenceExample", "Server", "ServerDef", "SessionCreator", "SessionManager",
    "SessionRunArgs", "SessionRunContext", "SessionRunHook", "SessionRunValues", "SingularMonitoredSession",
    "StepCounterHook", "StopAtStepHook", "SummarySaverHook", "Supervisor", "SyncReplicasOptimizer", "VocabInfo",
    "WorkerSessionCreator", "add_queue_runner", "assert_global_step", "basic_train_loop", "batch", "batch_join",
    "checkpoint_exists", "cosine_decay", "cosine_decay_restarts", "create_global_step",
    "enable_mixed_precision_graph_rewrite_v1", "exponential_decay", "export_meta_graph",
    "generate_checkpoint_state_proto", "get_checkpoint_mtimes", "get_checkpoint_state", "get_global_step",
    "get_or_create_global_step", "global_step", "import_meta_graph", "init_from_checkpoint", "input_producer",
    "inverse_time_decay", "latest_checkpoint", "limit_epochs", "linear_cosine_decay", "list_variables",
    "load_checkpoint", "load_variable", "match_filenames_once", "maybe_batch", "maybe_batch_join",
    "maybe_shuffle_batch", "maybe_shuffle_batch_join", "natural_exp_decay", "noisy_linear_cosine_decay",
    "piecewise_constant", "polynomial_decay", "range_input_producer", "replica_device_setter", "shuffle_batch",
    "shuffle_batch_join", "slice_input_producer", "start_queue_runners", "string_input_producer", "summary_iterator",
    "update_checkpoint_state", "warm_start", "write_graph",
]  # fmt: skip

_PLACES: Places = {
    "AdadeltaOptimizer": ("...engine.training.adadelta", "AdadeltaOptimizer"),
    "AdagradDAOptimizer": ("...engine.training.adagrad_da", "AdagradDAOptimizer"),
    "AdagradOptimizer": ("...engine.training.adagrad", "AdagradOptimizer"),
    "AdamOptimizer": ("...engine.training.adam", "AdamOptimizer"),
    "BytesList": ("...engine.protos", "BytesList"),
    "CheckpointSaverHook": ("...engine.training.basic_session_run_hooks", "CheckpointSaverHook"),
    "CheckpointSaverListener": ("...engine.training.basic_session_run_hooks", "CheckpointSaverListener"),
    "ChiefSessionCreator": ("...engine.training.monitored_session", "ChiefSessionCreator"),
    "ClusterDef": ("...engine.protos", "ClusterDef"),
    "ClusterSpec": ("...cluster.cluster_spec", "ClusterSpec"),
    "Coordinator": ("...engine.training.coordinator", "Coordinator"),
    "Example": ("...engine.protos", "Example"),
    "ExponentialMovingAverage": ("...engine.training.moving_averages", "ExponentialMovingAverage"),
    "Feature": ("...engine.protos", "Feature"),
    "FeatureList": ("...engine.protos", "FeatureList"),
    "FeatureLists": ("...engine.protos", "FeatureLists"),
    "Features": ("...engine.protos", "Features"),
    "FeedFnHook": ("...engine.training.basic_session_run_hooks", "FeedFnHook"),
    "FinalOpsHook": ("...engine.training.basic_session_run_hooks", "FinalOpsHook"),
    "FloatList": ("...engine.protos", "FloatList"),
    "FtrlOptimizer": ("...engine.training.ftrl", "FtrlOptimizer"),
    "GlobalStepWaiterHook": ("...engine.training.basic_session_run_hooks", "GlobalStepWaiterHook"),
    "GradientDescentOptimizer": ("...engine.training.gradient_descent", "GradientDescentOptimizer"),
    "Int64List": ("...engine.protos", "Int64List"),
    "JobDef": ("...engine.protos", "JobDef"),
    "LoggingTensorHook": ("...engine.training.basic_session_run_hooks", "LoggingTensorHook"),
    "LooperThread": ("...engine.training.coordinator", "LooperThread"),
    "MixedPrecisionLossScaleOptimizer": ("...engine.training.loss_scale", "MixedPrecisionLossScaleOptimizer"),
    "MomentumOptimizer": ("...engine.training.momentum", "MomentumOptimizer"),
    "MonitoredSession": ("...engine.training.monitored_session", "MonitoredSession"),
    "MonitoredTrainingSession": ("...engine.training.monitored_session", "MonitoredTrainingSession"),
    "NanLossDuringTrainingError": ("...engine.training.basic_session_run_hooks", "NanLossDuringTrainingError"),
    "NanTensorHook": ("...engine.training.basic_session_run_hooks", "NanTensorHook"),
    "NewCheckpointReader": ("...engine.checkpoint.reader", "new_checkpoint_reader"),
    "Optimizer": ("...engine.training.optimizer", "Optimizer"),
    "ProfilerHook": ("...engine.training.basic_session_run_hooks", "ProfilerHook"),
    "ProximalAdagradOptimizer": ("...engine.training.proximal_adagrad", "ProximalAdagradOptimizer"),
    "ProximalGradientDescentOptimizer": (
        "...engine.training.proximal_gradient_descent",
        "ProximalGradientDescentOptimizer",
    ),
    "QueueRunner": ("...engine.training.queue_runner", "QueueRunner"),
    "RMSPropOptimizer": ("...engine.training.rmsprop", "RMSPropOptimizer"),
    "Saver": ("...engine.training.saver", "Saver"),
    "SaverDef": ("...engine.protos", "SaverDef"),
    "Scaffold": ("...engine.training.scaffold", "Scaffold"),
    "SecondOrStepTimer": ("...engine.training.timer", "SecondOrStepTimer"),
    "SequenceExample": ("...engine.protos", "SequenceExample"),
    "Server": ("...cluster.server", "Server"),
    "ServerDef": ("...engine.protos", "ServerDef"),
    "SessionCreator": ("...engine.training.monitored_session", "SessionCreator"),
    "SessionManager": ("...engine.training.session_manager", "SessionManager"),
    "SessionRunArgs": ("...engine.training.session_run_hook", "SessionRunArgs"),
    "SessionRunContext": ("...engine.training.session_run_hook", "SessionRunContext"),
    "SessionRunHook": ("...engine.training.session_run_hook", "SessionRunHook"),
    "SessionRunValues": ("...engine.training.session_run_hook", "SessionRunValues"),
    "SingularMonitoredSession": ("...engine.training.monitored_session", "SingularMonitoredSession"),
    "StepCounterHook": ("...engine.training.basic_session_run_hooks", "StepCounterHook"),
    "StopAtStepHook": ("...engine.training.basic_session_run_hooks", "StopAtStepHook"),
    "SummarySaverHook": ("...engine.training.basic_session_run_hooks", "SummarySaverHook"),
    "Supervisor": ("...engine.training.supervisor", "Supervisor"),
    "SyncReplicasOptimizer": ("...engine.training.sync_replicas", "SyncReplicasOptimizer"),
    "VocabInfo": ("...engine.training.warm_starting", "VocabInfo"),
    "WorkerSessionCreator": ("...engine.training.monitored_session", "WorkerSessionCreator"),
    "add_queue_runner": ("...engine.training.queue_runner", "add_queue_runner"),
    "assert_global_step": ("...engine.training.global_step", "assert_global_step"),
    "basic_train_loop": ("...engine.training.basic_loops", "basic_train_loop"),
    "batch": ("...engine.training.input", "batch"),
    "batch_join": ("...engine.training.input", "batch_join"),
    "checkpoint_exists": ("...engine.checkpoint.state", "checkpoint_exists"),
    "cosine_decay": ("...engine.training.learning_rate_decay", "cosine_decay"),
    "cosine_decay_restarts": ("...engine.training.learning_rate_decay", "cosine_decay_restarts"),
    "create_global_step": ("...engine.training.global_step", "create_global_step"),
    "enable_mixed_precision_graph_rewrite_v1": (
        "...engine.training.loss_scale",
        "enable_mixed_precision_graph_rewrite",
    ),
    "exponential_decay": ("...engine.training.learning_rate_decay", "exponential_decay"),
    "export_meta_graph": ("...engine.training.meta_graph", "export_meta_graph"),
    "generate_checkpoint_state_proto": ("...engine.checkpoint.state", "generate_checkpoint_state_proto"),
    "get_checkpoint_mtimes": ("...engine.checkpoint.state", "get_checkpoint_mtimes"),
    "get_checkpoint_state": ("...engine.checkpoint.state", "get_checkpoint_state"),
    "get_global_step": ("...engine.training.global_step", "get_global_step"),
    "get_or_create_global_step": ("...engine.training.global_step", "get_or_create_global_step"),
    "global_step": ("...engine.training.global_step", "global_step"),
    "import_meta_graph": ("...engine.training.meta_graph", "import_meta_graph"),
    "init_from_checkpoint": ("...engine.training.checkpoint_init", "init_from_checkpoint"),
    "input_producer": ("...engine.training.input", "input_producer"),
    "inverse_time_decay": ("...engine.training.learning_rate_decay", "inverse_time_decay"),
    "latest_checkpoint": ("...engine.checkpoint.state", "latest_checkpoint"),
    "limit_epochs": ("...engine.training.input", "limit_epochs"),
    "linear_cosine_decay": ("...engine.training.learning_rate_decay", "linear_cosine_decay"),
    "list_variables": ("...engine.checkpoint.reader", "list_variables"),
    "load_checkpoint": ("...engine.checkpoint.reader", "load_checkpoint"),
    "load_variable": ("...engine.checkpoint.reader", "load_variable"),
    "match_filenames_once": ("...engine.training.input", "match_filenames_once"),
    "maybe_batch": ("...engine.training.input", "maybe_batch"),
    "maybe_batch_join": ("...engine.training.input", "maybe_batch_join"),
    "maybe_shuffle_batch": ("...engine.training.input", "maybe_shuffle_batch"),
    "maybe_shuffle_batch_join": ("...engine.training.input", "maybe_shuffle_batch_join"),
    "natural_exp_decay": ("...engine.training.learning_rate_decay", "natural_exp_decay"),
    "noisy_linear_cosine_decay": ("...engine.training.learning_rate_decay", "noisy_linear_cosine_decay"),
    "piecewise_constant": ("...engine.training.learning_rate_decay", "piecewise_constant"),
    "polynomial_decay": ("...engine.training.learning_rate_decay", "polynomial_decay"),
    "range_input_producer": ("...engine.training.input", "range_input_producer"),
    "replica_device_setter": ("...engine.device_setter", "replica_device_setter"),
    "shuffle_batch": ("...engine.training.input", "shuffle_batch"),
    "shuffle_batch_join": ("...engine.training.input", "shuffle_batch_join"),
    "slice_input_producer": ("...engine.training.input", "slice_input_producer"),
    "start_queue_runners": ("...engine.training.queue_runner", "start_queue_runners"),
    "string_input_producer": ("...engine.training.input", "string_input_producer"),
    "summary_iterator": ("...engine.summary.events", "summary_iterator"),
    "update_checkpoint_state": ("...engine.checkpoint.state", "update_checkpoint_state"),
    "warm_start": ("...engine.training.warm_starting", "warm_start"),
    "write_graph": ("...engine.graph_util", "write_graph"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
