"""tf.flags and tf.app in processes of their own, as programs use them."""

import subprocess
import sys

import pytest

PROGRAM = """
import headrace as tf
flags = tf.app.flags
flags.DEFINE_string("name", "x", "a name")
flags.DEFINE_integer("count", 3, "a count")
flags.DEFINE_boolean("loud", False, "whether")
flags.DEFINE_float("rate", 0.5, None)
flags.DEFINE_enum("mode", "a", ["a", "b"], "a mode")
FLAGS = flags.FLAGS
def main(argv):
    print(FLAGS.name, FLAGS.count, FLAGS.loud, FLAGS.rate, FLAGS.mode, len(argv))
if __name__ == "__main__":
    tf.app.run()
"""


def run(*arguments):
    return subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        ([], "x 3 False 0.5 a 1"),
        (["--name=y", "--count", "4", "--loud", "--rate=1", "--mode=b", "rest"], "y 4 True 1.0 b 2"),
        (["--unknown=1", "--noloud"], "x 3 False 0.5 a 2"),
    ],
)
def test_values_and_unknown_flags(arguments, printed):
    done = run(*arguments)
    assert done.stdout.strip() == printed, done.stderr


def test_a_bad_value_is_refused():
    done = run("--count=many")
    assert done.returncode != 0 and "count" in done.stderr
