/* Own matrix products for float and double: tiles_of.h is included through this file only.

   A tile is up to ROWS rows times up to VECTORS vectors of the output, held in registers while the inner dimension runs.
   Every element is summed over blocks of `hr_inner_block(k)` in order, whatever tile, panel or slice it falls in: its bits
   depend on the inner dimension alone. */
#ifndef HEADRACE_TILES_H
#define HEADRACE_TILES_H

#include "vector.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#define HR_VECTORS 4
#elif defined(__aarch64__)
#define HR_VECTORS 4
#else
#define HR_VECTORS 2
#endif

/* Rows of a tile of many vectors, and of one of few, where there are registers for twice as many. */
enum { HR_ROWS = 6, HR_ROWS_NARROW = HR_VECTORS == 4 ? 12 : 6 };
/* Columns of the second factor that are packed at a time. */
enum { HR_COLUMNS = 512 };

/* Blocks of the inner dimension: packed panels of them stay in the second-level cache. */
HR_INLINE int64_t hr_inner_block(int64_t k) {
    int64_t blocks = (k + 383) / 384;
    return blocks < 2 ? k : ((k + blocks - 1) / blocks + 3) / 4 * 4;
}

typedef float hr_quad_f32 __attribute__((vector_size(16), aligned(4), may_alias));

/* out[j * step + i] = in[i * stride + j] for i, j < 4 */
HR_INLINE void hr_turn_f32(const float *in, int64_t stride, float *out, int64_t step) {
    hr_quad_f32 a = *(const hr_quad_f32 *)in, b = *(const hr_quad_f32 *)(in + stride);
    hr_quad_f32 c = *(const hr_quad_f32 *)(in + 2 * stride), d = *(const hr_quad_f32 *)(in + 3 * stride);
    hr_quad_f32 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), AB = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    hr_quad_f32 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), CD = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(hr_quad_f32 *)out = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(hr_quad_f32 *)(out + step) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(hr_quad_f32 *)(out + 2 * step) = __builtin_shufflevector(AB, CD, 0, 1, 4, 5);
    *(hr_quad_f32 *)(out + 3 * step) = __builtin_shufflevector(AB, CD, 2, 3, 6, 7);
}
HR_INLINE void hr_turn_f64(const double *in, int64_t stride, double *out, int64_t step) {
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) out[j * step + i] = in[i * stride + j];
}

/* Less than a whole vector; what is not read is 0. */
#if defined(__AVX512F__)
HR_INLINE hr_vf hr_part_f32(const float *p, int64_t count) {
    return (hr_vf)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}
HR_INLINE void hr_put_part_f32(float *p, hr_vf v, int64_t count) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
}
HR_INLINE hr_vd hr_part_f64(const double *p, int64_t count) {
    return (hr_vd)_mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), p);
}
HR_INLINE void hr_put_part_f64(double *p, hr_vd v, int64_t count) {
    _mm512_mask_storeu_pd(p, (__mmask8)((1u << count) - 1), (__m512d)v);
}
#else
#define HR_PARTS(type, vector, suffix)                                                                                    \
    HR_INLINE vector hr_part_##suffix(const type *p, int64_t count) {                                                     \
        vector v = {0};                                                                                                   \
        for (int64_t i = 0; i < count; i++) v[i] = p[i];                                                                  \
        return v;                                                                                                         \
    }                                                                                                                     \
    HR_INLINE void hr_put_part_##suffix(type *p, vector v, int64_t count) {                                               \
        for (int64_t i = 0; i < count; i++) p[i] = v[i];                                                                  \
    }
HR_PARTS(float, hr_vf, f32)
HR_PARTS(double, hr_vd, f64)
#endif

#define REAL float
#define VECTOR hr_vf
#define LANES HR_LANES
#define OF(name) hr_##name##_f32
#include "tiles_of.h"
#undef REAL
#undef VECTOR
#undef LANES
#undef OF

#define REAL double
#define VECTOR hr_vd
#define LANES (HR_LANES / 2)
#define OF(name) hr_##name##_f64
#include "tiles_of.h"
#undef REAL
#undef VECTOR
#undef LANES
#undef OF

#endif
