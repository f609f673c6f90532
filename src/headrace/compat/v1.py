"""`tf.compat.v1`: the package's own names, for programs that write `import headrace.compat.v1 as tf`."""

from .. import *  # noqa: F403
from .. import compat as compat
