/* One step of each optimizer on `n` numbers, for float and double: include optimizers_of.h through this file only.
   Formulas and names are those of engine/kernels/optimizer_steps.py. `h` points to the numbers (learning rate and so on) in
   the order of the op's inputs; they are read at each step, for they may be fed or computed. */
#ifndef HEADRACE_OPTIMIZERS_H
#define HEADRACE_OPTIMIZERS_H

#include <float.h>

#include "kernel.h"

#define REAL float
#define OF(name) hr_##name##_f32
#define ROOT sqrtf
#define POWER powf
#define EXP expf
#define ABSOLUTE fabsf
#define TINY FLT_MIN
#include "optimizers_of.h"
#undef REAL
#undef OF
#undef ROOT
#undef POWER
#undef EXP
#undef ABSOLUTE
#undef TINY

#define REAL double
#define OF(name) hr_##name##_f64
#define ROOT sqrt
#define POWER pow
#define EXP exp
#define ABSOLUTE fabs
#define TINY DBL_MIN
#include "optimizers_of.h"
#undef REAL
#undef OF
#undef ROOT
#undef POWER
#undef EXP
#undef ABSOLUTE
#undef TINY

#endif
