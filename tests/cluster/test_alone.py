"""A process of a cluster's program that was started without mpirun says so, and does not wait for ever."""

import pytest

import headrace as tf
from headrace.cluster.transport import Hub


@pytest.fixture
def servers():
    made = []

    def make(job):
        requests, replies = Hub(1), Hub(1)
        names = {"ps": ["alone:1"], "worker": ["alone:2"]}
        made.append(tf.train.Server(names, job, 0, transports=(requests.transport(0), replies.transport(0))))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def test_a_worker_names_the_task_without_a_process(servers):
    with tf.Graph().as_default(), tf.device(tf.train.replica_device_setter(ps_tasks=1)):
        tf.train.get_or_create_global_step()
        with pytest.raises(tf.errors.NotFoundError, match=r"/job:ps/task:0, which has no process.*mpirun -n 2"):
            tf.train.MonitoredTrainingSession(servers("worker").target)


def test_a_server_that_would_wait_for_nobody(servers):
    with pytest.raises(tf.errors.NotFoundError, match=r"would wait for nobody.*mpirun -n 2"):
        servers("ps").join()
