"""`tf.flags`: command-line flags."""

from .engine.platform.flags import FLAGS as FLAGS
from .engine.platform.flags import DEFINE_bool as DEFINE_bool
from .engine.platform.flags import DEFINE_boolean as DEFINE_boolean
from .engine.platform.flags import DEFINE_enum as DEFINE_enum
from .engine.platform.flags import DEFINE_float as DEFINE_float
from .engine.platform.flags import DEFINE_integer as DEFINE_integer
from .engine.platform.flags import DEFINE_list as DEFINE_list
from .engine.platform.flags import DEFINE_multi_integer as DEFINE_multi_integer
from .engine.platform.flags import DEFINE_multi_string as DEFINE_multi_string
from .engine.platform.flags import DEFINE_string as DEFINE_string
from .engine.platform.flags import FlagValues as FlagValues
from .engine.platform.flags import mark_flag_as_required as mark_flag_as_required
from .engine.platform.flags import mark_flags_as_required as mark_flags_as_required
from .engine.platform.flags import register_validator as register_validator
