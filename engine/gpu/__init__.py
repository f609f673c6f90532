"""The GPU: devices, the kernels' source, and which op types they carry out."""
