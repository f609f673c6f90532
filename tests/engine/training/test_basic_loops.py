"""Loops around supervisors and folders of checkpoints."""

import headrace as tf
from headrace.engine.training.basic_loops import basic_train_loop, checkpoints_iterator, wait_for_new_checkpoint


def test_a_lost_session_is_replaced(tmp_path):
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        train, seen = step.assign_add(1), []
        supervisor = tf.train.Supervisor(logdir=str(tmp_path), summary_op=None)

        def make(session, last, scale=1):
            seen.append(int(session.run(train)) * scale)
            if len(seen) == 3:
                supervisor.saver.save(session, supervisor.save_path, global_step=step)
                raise tf.errors.AbortedError(None, None, "lost")
            if seen[-1] >= last * scale:
                supervisor.request_stop()

        basic_train_loop(supervisor, make, [5], {"scale": 10})
    assert seen == [10, 20, 30, 40, 50]


def test_checkpoints_as_they_appear(tmp_path):
    assert wait_for_new_checkpoint(tmp_path, timeout=0) is None
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.get_or_create_global_step()
        session.run(tf.global_variables_initializer())
        saver, asked, seen = tf.train.Saver(), [], []

        def save(step):
            return saver.save(session, str(tmp_path / "m"), global_step=step)

        def ends():
            asked.append(len(seen))
            if len(asked) == 1:
                save(3)
            return len(asked) > 1

        wanted = [save(1)]
        for path in checkpoints_iterator(tmp_path, timeout=0, timeout_fn=ends):
            seen.append(path)
            if len(seen) == 1:
                wanted.append(save(2))
    assert seen == [*wanted, str(tmp_path / "m-3")] and asked == [2, 3]
    assert list(checkpoints_iterator(tmp_path, timeout=0)) == seen[-1:]
