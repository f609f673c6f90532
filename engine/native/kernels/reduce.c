/* Reductions of the value of an element-wise program, seen as [outer, length, inner], over `length`. Sums are taken in
   float over few elements and in double over those sums. Long ones are cut into parts, which combine_* puts together. */
#include "expression.h"

/* Only NaN differs from itself: for integers the compiler knows that none does. */
#pragma GCC diagnostic ignored "-Wtautological-compare"

enum { SUM, PROD, MAX, MIN };

struct reduce {
    int64_t outer, length, inner;
    int64_t parts, part;      /* of `length`: how many, and how long each is */
    int64_t width;            /* rows of one chunk where inner is 1, else columns of one chunk */
    int64_t operation, root;  /* root: the result is the square root */
    double divisor;           /* of the result; 0 for none */
    const hr_program *program;
    void *out;                /* [outer, inner], or where there are parts [outer, parts, inner] of sums */
    void *kept;               /* the value of the program itself, or NULL */
    const void *inputs[HR_MOST_INPUTS];
};

struct combine { int64_t count, chunk, inner, parts, operation, root, is_bool; double divisor; const void *in; void *out; };

#define T float
#define V hr_vf
#define M hr_vi
#define SUMS double
#define LANES HR_LANES
#define NAME(name) name##_f32
#define LEAST -INFINITY
#define MOST INFINITY
#include "reduce_type.h"

#define T double
#define V hr_vd
#define M hr_vl
#define SUMS double
#define LANES (HR_LANES / 2)
#define NAME(name) name##_f64
#define LEAST -INFINITY
#define MOST INFINITY
#include "reduce_type.h"

#define T int32_t
#define V hr_vi
#define M hr_vi
#define SUMS int64_t
#define LANES HR_LANES
#define NAME(name) name##_i32
#define LEAST INT32_MIN
#define MOST INT32_MAX
#include "reduce_type.h"

#define T int64_t
#define V hr_vl
#define M hr_vl
#define SUMS int64_t
#define LANES (HR_LANES / 2)
#define NAME(name) name##_i64
#define LEAST INT64_MIN
#define MOST INT64_MAX
#include "reduce_type.h"

#define ENTRIES(type)                                                                                                  \
    HR_ENTRY(reduce_rows_##type, struct reduce)                                                                        \
    HR_ENTRY(reduce_columns_##type, struct reduce)                                                                     \
    HR_ENTRY(combine_##type, struct combine)                                                                           \
    HR_ENTRY(arg_best_##type, struct arg_best)

HR_TABLE(reduce)
ENTRIES(f32)
ENTRIES(f64)
ENTRIES(i32)
ENTRIES(i64)
HR_END
