"""`tf.contrib.tensorboard.plugins.projector`: the projector: embeddings in two or three dimensions."""

from ....engine.protos import EmbeddingInfo, ProjectorConfig, SpriteMetadata
from ....engine.summary.projector import visualize_embeddings

__all__ = [
    "EmbeddingInfo", "ProjectorConfig", "SpriteMetadata", "visualize_embeddings",
]  # fmt: skip
