"""`tf.losses`: losses with weights and reductions."""

from .layers.losses import Reduction as Reduction
from .layers.losses import add_loss as add_loss
from .layers.losses import compute_weighted_loss as compute_weighted_loss
from .layers.losses import get_losses as get_losses
from .layers.losses import get_regularization_loss as get_regularization_loss
from .layers.losses import get_regularization_losses as get_regularization_losses
from .layers.losses import get_total_loss as get_total_loss
from .layers.losses import mean_squared_error as mean_squared_error
from .layers.losses import sigmoid_cross_entropy as sigmoid_cross_entropy
from .layers.losses import softmax_cross_entropy as softmax_cross_entropy
from .layers.losses import sparse_softmax_cross_entropy as sparse_softmax_cross_entropy
