"""The native runtime: kernels in C that run whole stretches of a step without Python. Optional: without it steps run on NumPy."""
