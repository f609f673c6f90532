/* The instructions of element-wise programs, by the names of engine/scalar.py. Their numbers reach Python as entries
   "<dtype>.<name>" of the table of elementwise.c, so that neither side keeps a list of the other's numbers. */
#ifndef HEADRACE_OPCODES_H
#define HEADRACE_OPCODES_H

/* Of numbers of every type, and of masks (the results of comparisons: all bits of a lane, or none) */
#define HR_COMMON_OPS(X)                                                                                               \
    X(add) X(sub) X(mul) X(floordiv) X(mod) X(fmod) X(maximum) X(minimum) X(neg) X(abs) X(sign) X(square) X(copy)      \
    X(less) X(less_equal) X(greater) X(greater_equal) X(equal) X(not_equal) X(select) X(to_bool)                       \
    X(mask_and) X(mask_or) X(mask_xor) X(mask_not) X(mask_equal)                                                       \
    X(mul_add) X(add_maximum) X(select_greater)

#define HR_FLOAT_OPS(X)                                                                                                \
    X(div) X(pow) X(atan2) X(sqrt) X(exp) X(expm1) X(log) X(log1p) X(sin) X(cos) X(tan) X(asin) X(acos) X(atan)        \
    X(sinh) X(cosh) X(tanh) X(asinh) X(acosh) X(atanh) X(floor) X(ceil) X(rint) X(isnan) X(isinf) X(isfinite) X(erf)   \
    X(erfc)

#define HR_INTEGER_OPS(X) X(bitwise_and) X(bitwise_or) X(bitwise_xor) X(invert)

#define HR_OPCODE(name) HR_OP_##name,
enum { HR_COMMON_OPS(HR_OPCODE) HR_FLOAT_OPS(HR_OPCODE) HR_INTEGER_OPS(HR_OPCODE) HR_OPS };
#undef HR_OPCODE

#endif
