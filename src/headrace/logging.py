"""`tf.logging`: the logger "headrace" with TensorFlow 1's functions."""

from .engine.platform.tf_logging import DEBUG as DEBUG
from .engine.platform.tf_logging import ERROR as ERROR
from .engine.platform.tf_logging import FATAL as FATAL
from .engine.platform.tf_logging import INFO as INFO
from .engine.platform.tf_logging import WARN as WARN
from .engine.platform.tf_logging import TaskLevelStatusMessage as TaskLevelStatusMessage
from .engine.platform.tf_logging import debug as debug
from .engine.platform.tf_logging import error as error
from .engine.platform.tf_logging import fatal as fatal
from .engine.platform.tf_logging import flush as flush
from .engine.platform.tf_logging import get_logger as get_logger
from .engine.platform.tf_logging import get_verbosity as get_verbosity
from .engine.platform.tf_logging import info as info
from .engine.platform.tf_logging import log as log
from .engine.platform.tf_logging import log_every_n as log_every_n
from .engine.platform.tf_logging import log_first_n as log_first_n
from .engine.platform.tf_logging import log_if as log_if
from .engine.platform.tf_logging import set_verbosity as set_verbosity
from .engine.platform.tf_logging import vlog as vlog
from .engine.platform.tf_logging import warn as warn
from .engine.platform.tf_logging import warning as warning
