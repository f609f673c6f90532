"""Kernels on NumPy arrays, too long to sit beside their op; nothing here knows of a graph."""
