/* What follows a product while its tile is warm: epilogue_of.h is included for float and double through this file only. */
#ifndef HEADRACE_EPILOGUE_H
#define HEADRACE_EPILOGUE_H

#include "tiles.h"

/* The numbers are those of bindings/matmul.py. */
enum hr_step_kind {
    HR_ADD, HR_MUL, HR_RELU, HR_RELU6, HR_LEAKY_RELU, HR_ELU, HR_SELU, HR_TANH, HR_SIGMOID, HR_RELU_GRAD, HR_RELU6_GRAD,
    HR_LEAKY_RELU_GRAD, HR_ELU_GRAD, HR_SELU_GRAD, HR_TANH_GRAD, HR_SIGMOID_GRAD
};

/* The operand of element [i, j] is at [i * down + j * across]; across is 0 or 1. */
struct hr_step { int64_t kind; const void *operand; int64_t down, across; double alpha; };
enum { HR_STEPS = 6 };
struct hr_epilogue { int64_t count; struct hr_step steps[HR_STEPS]; };

#define HR_EACH_LANE(name, function)                                                                                      \
    HR_INLINE hr_vd name(hr_vd x) {                                                                                       \
        for (int i = 0; i < HR_LANES / 2; i++) x[i] = function(x[i]);                                                     \
        return x;                                                                                                         \
    }
HR_EACH_LANE(hr_tanh_f64, tanh)
HR_EACH_LANE(hr_expm1_f64, expm1)
HR_EACH_LANE(hr_exp_f64, exp)
HR_INLINE hr_vd hr_sigmoid_f64(hr_vd x) { return 1.0 / (1.0 + hr_exp_f64(-x)); }
HR_INLINE hr_vf hr_tanh_f32(hr_vf x) { return hr_tanh(x); }
HR_INLINE hr_vf hr_sigmoid_f32(hr_vf x) { return hr_sigmoid(x); }
/* A series near 0, where e^x - 1 would cancel. */
HR_INLINE hr_vf hr_expm1_f32(hr_vf x) {
    hr_vf p = hr_all(1.0f / 5040);
    p = p * x + 1.0f / 720;
    p = p * x + 1.0f / 120;
    p = p * x + 1.0f / 24;
    p = p * x + 1.0f / 6;
    p = p * x + 0.5f;
    p = p * x * x + x;
    return hr_choose((x < 0.4f) & (x > -0.4f), p, hr_exp(x) - 1.0f);
}

#define REAL float
#define VECTOR hr_vf
#define MASK hr_vi
#define LANES HR_LANES
#define OF(name) hr_##name##_f32
#include "epilogue_of.h"
#undef REAL
#undef VECTOR
#undef MASK
#undef LANES
#undef OF

#define REAL double
#define VECTOR hr_vd
#define MASK hr_vl
#define LANES (HR_LANES / 2)
#define OF(name) hr_##name##_f64
#include "epilogue_of.h"
#undef REAL
#undef VECTOR
#undef MASK
#undef LANES
#undef OF

#endif
