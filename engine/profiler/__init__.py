"""tf.profiler: parameters, floating-point operations, time and bytes of a graph by scope, op type, line of code or edge."""
