"""NVIDIA GPUs: the driver, the libraries and the device."""
