"""A GPU that is not there: kernels compiled for the processor, memory of the process."""
