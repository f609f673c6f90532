"""From a rewritten step to a flat list of kernel calls on planned memory, the same for every backend."""
