"""Checkpoints: tensors by name in HDF5 shards with a manifest, and the file that says which checkpoint is the newest."""
