"""TensorFlow's names of strategies: what they mean for estimators, and what they refuse."""

import numpy as np
import pytest

import headrace as tf

from .mpirun import mpirun, needs_mpi


@needs_mpi
def test_replicas_take_batches_of_their_own(tmp_path):
    job = mpirun(2, "strategies.py", folder=tmp_path, timeout=240)
    for rank, found in enumerate(job.of_ranks()):
        # As one process with batches of all of them.
        for name in ("replicas", "hooks", "told"):
            np.testing.assert_allclose(found[name], found["shared"], rtol=1e-5, err_msg=name)
        assert found["seen"] == [[2, rank, 2]]
        assert found["step"] == 4
        assert "must return a tf.data.Dataset" in found["refused"]
    first, second = job.of_ranks()
    assert first["loss"] == second["loss"]


def test_a_process_by_itself_is_one_replica():
    strategy = tf.distribute.MirroredStrategy()
    assert strategy.num_replicas_in_sync == 1
    assert not tf.distribute.has_strategy()
    with strategy.scope() as inside:
        assert tf.distribute.has_strategy()
        assert tf.distribute.get_strategy() is inside is strategy
        assert strategy.experimental_run_v2(lambda a, b: a - b, (3,), {"b": 1}) == 2
        context = tf.distribute.get_replica_context()
        assert (context.replica_id_in_sync_group, context.num_replicas_in_sync) == (0, 1)
    assert tf.distribute.get_strategy().num_replicas_in_sync == 1
    assert strategy.reduce(tf.distribute.ReduceOp.SUM, 3.0) == 3.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: tf.distribute.MirroredStrategy(["/gpu:0", "/gpu:1"]),
        lambda: tf.contrib.distribute.MirroredStrategy(num_gpus=2),
        lambda: tf.contrib.distribute.CollectiveAllReduceStrategy(2),
        lambda: tf.contrib.distribute.ParameterServerStrategy(num_gpus_per_worker=2),
    ],
)
def test_more_devices_than_processes_are_named(make):
    with pytest.raises(ValueError, match=r"of 2 devices in a job of 1 process\(es\): .*mpirun -n 2 python train.py"):
        make()


distribute, contrib = tf.distribute, tf.contrib.distribute


@pytest.mark.parametrize("make, words", [
    (lambda: distribute.MirroredStrategy([]), r"takes a list of devices, .*got \[\]"),
    (lambda: distribute.MirroredStrategy("/gpu:0"), "takes a list of devices, .*got '/gpu:0'"),
    (lambda: distribute.MirroredStrategy(2), "takes a list of devices, .*got 2"),
    (lambda: distribute.MirroredStrategy([None]), "takes names of devices, .*got None"),
    (lambda: distribute.MirroredStrategy(["zork"]), "Unknown attribute 'zork'"),
    (lambda: distribute.MirroredStrategy(["/gpu:0", "gpu:0"]), "each device once"),
    (lambda: distribute.MirroredStrategy(cross_device_ops="nccl"), "such as NcclAllReduce"),
    (lambda: distribute.OneDeviceStrategy(None), "takes names of devices"),
    (lambda: distribute.experimental.CentralStorageStrategy(parameter_device=3), "takes names of devices"),
    (lambda: distribute.experimental.MultiWorkerMirroredStrategy("NCCL"), "must be a CollectiveCommunication"),
    (lambda: distribute.experimental.ParameterServerStrategy(3), "cluster_resolver must be"),
    (lambda: contrib.MirroredStrategy(num_gpus="2"), "num_gpus of MirroredStrategy must be an integer"),
    (lambda: contrib.CollectiveAllReduceStrategy(-3), "num_gpus_per_worker of .* got -3"),
    (lambda: contrib.ParameterServerStrategy(1.5), "num_gpus_per_worker of .* got 1.5"),
    (lambda: distribute.MirroredStrategy().reduce("largest", 3.0), "reduce_op must be .* got 'largest'"),
])  # fmt: skip
def test_strategies_of_nonsense_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_values_are_reduced_over_an_axis():
    strategy, values = distribute.MirroredStrategy(), np.float32([[1, 2], [3, 4]])
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(strategy.reduce("sum", values, axis=0)).tolist() == [4, 6]
        assert session.run(strategy.reduce(distribute.ReduceOp.MEAN, values, axis=1)).tolist() == [1.5, 3.5]


def test_run_configs_take_strategies():
    mirrored, servers = tf.distribute.MirroredStrategy(), tf.distribute.experimental.ParameterServerStrategy()
    assert tf.estimator.RunConfig(train_distribute=mirrored).strategy == "allreduce"
    both = tf.contrib.distribute.DistributeConfig(train_distribute=mirrored, eval_distribute=mirrored)
    assert tf.estimator.RunConfig(experimental_distribute=both).strategies == (mirrored, mirrored)
    assert tf.estimator.RunConfig(eval_distribute=mirrored).strategy is None
    for given, text in [
        ({"train_distribute": "mirrored"}, "must be a strategy of tf.distribute"),
        ({"train_distribute": mirrored, "experimental_distribute": both}, "Either train_distribute or"),
        ({"experimental_distribute": mirrored}, "must be a DistributeConfig"),
        ({"train_distribute": servers, "strategy": "allreduce"}, "say different things"),
        ({"protocol": "grpc"}, "protocol must be None"),
    ]:
        with pytest.raises(ValueError, match=text):
            tf.estimator.RunConfig(**given)


def test_input_contexts_part_batches():
    context = tf.distribute.InputContext(num_input_pipelines=2, input_pipeline_id=1, num_replicas_in_sync=4)
    assert context.get_per_replica_batch_size(64) == 16
    with pytest.raises(TypeError, match="must be an integer, got '64'"):
        context.get_per_replica_batch_size("64")
    with pytest.raises(ValueError, match="66 is not divisible by the 4 replicas"):
        context.get_per_replica_batch_size(66)
