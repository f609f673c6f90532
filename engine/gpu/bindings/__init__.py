"""Bindings of op types to kernels of a device, a file a family; importing this registers them."""
