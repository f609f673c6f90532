/* Vectors as wide as the instruction set's registers, and functions of them that NumPy has as loops. GCC spills vectors that
   are wider than the registers, so the width follows the set. Loads and stores need the alignment of one element only. */
#ifndef HEADRACE_VECTOR_H
#define HEADRACE_VECTOR_H

#include "kernel.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { HR_LANES = 16 };
#elif defined(__AVX2__)
enum { HR_LANES = 8 };
#else
enum { HR_LANES = 4 };
#endif

typedef float hr_vf __attribute__((vector_size(HR_LANES * 4), aligned(4), may_alias));
typedef int32_t hr_vi __attribute__((vector_size(HR_LANES * 4), aligned(4), may_alias));
typedef double hr_vd __attribute__((vector_size(HR_LANES * 4), aligned(8), may_alias)); /* half as many lanes */
typedef int64_t hr_vl __attribute__((vector_size(HR_LANES * 4), aligned(8), may_alias));

HR_INLINE hr_vf hr_load(const float *p) { return *(const hr_vf *)p; }
HR_INLINE void hr_store(float *p, hr_vf v) { *(hr_vf *)p = v; }
HR_INLINE hr_vf hr_all(float x) { return (hr_vf){0} + x; }

/* The first `count` < HR_LANES elements; the others are 0. */
HR_INLINE hr_vf hr_load_part(const float *p, int64_t count) {
    hr_vf v = {0};
    memcpy(&v, p, (size_t)count * 4);
    return v;
}
HR_INLINE void hr_store_part(float *p, hr_vf v, int64_t count) { memcpy(p, &v, (size_t)count * 4); }

/* mask ? a : b, where the lanes of mask are -1 or 0, as comparisons give them */
HR_INLINE hr_vf hr_choose(hr_vi mask, hr_vf a, hr_vf b) { return (hr_vf)((mask & (hr_vi)a) | (~mask & (hr_vi)b)); }
#if defined(__AVX512F__)
/* Choices go by mask registers: as vectors of -1 and 0 they take three instructions more. */
#define HR_CHOOSE(x, than, y, a, b) ((hr_vf)_mm512_mask_blend_ps(_mm512_cmp_ps_mask((__m512)(x), (__m512)(y), than), (__m512)(b), (__m512)(a)))
#endif
/* As NumPy's maximum and minimum: NaN where either is. */
#if defined(__AVX512F__)
/* The instructions give the second where either is NaN. */
HR_INLINE hr_vf hr_vmax(hr_vf a, hr_vf b) {
    return HR_CHOOSE(a, _CMP_UNORD_Q, a, a, _mm512_max_ps((__m512)a, (__m512)b));
}
HR_INLINE hr_vf hr_vmin(hr_vf a, hr_vf b) {
    return HR_CHOOSE(a, _CMP_UNORD_Q, a, a, _mm512_min_ps((__m512)a, (__m512)b));
}
#else
HR_INLINE hr_vf hr_vmax(hr_vf a, hr_vf b) { return hr_choose((a > b) | (a != a), a, b); }
HR_INLINE hr_vf hr_vmin(hr_vf a, hr_vf b) { return hr_choose((a < b) | (a != a), a, b); }
#endif

HR_INLINE float hr_sum(hr_vf v) {
    float lanes[HR_LANES], total = 0;
    memcpy(lanes, &v, sizeof lanes);
    for (int width = HR_LANES / 2; width; width /= 2)
        for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
    total = lanes[0];
    return total;
}

HR_INLINE hr_vf hr_round(hr_vf x) { /* to the nearest integer, for |x| < 2^22 */
    hr_vf magic = hr_all(12582912.0f);
    return (x + magic) - magic;
}

/* e^r for |r| < ln 2 / 2 */
HR_INLINE hr_vf hr_exp_near(hr_vf r) {
    hr_vf p = hr_all(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    return p * r * r + r + 1.0f;
}

/* e^x within 2 units in the last place; inf above 88.72, 0 below -103.97, NaN for NaN */
#if defined(__AVX512F__)
HR_INLINE hr_vf hr_exp(hr_vf x) {
    /* With NaN as the second operand NaN comes out, and goes through all that follows. */
    __m512 clipped = _mm512_max_ps((__m512)hr_all(-104.0f), _mm512_min_ps((__m512)hr_all(89.0f), (__m512)x));
    __m512 n = _mm512_roundscale_ps((__m512)((hr_vf)clipped * 1.44269504088896341f), 8);
    hr_vf r = (hr_vf)clipped - (hr_vf)n * 0.693359375f;
    return (hr_vf)_mm512_scalef_ps((__m512)hr_exp_near(r + (hr_vf)n * 2.12194440e-4f), n);
}
#else
HR_INLINE hr_vf hr_exp(hr_vf x) {
    hr_vf low = hr_all(-104.0f), high = hr_all(89.0f);
    hr_vf clipped = hr_choose(x < low, low, hr_choose(x > high, high, x));
    hr_vf n = hr_round(clipped * 1.44269504088896341f);
    hr_vf r = clipped - n * 0.693359375f;
    hr_vf p = hr_exp_near(r + n * 2.12194440e-4f);
    /* 2^n in two factors, so that results near the ends of the range neither overflow nor vanish too early */
    hr_vi k = __builtin_convertvector(hr_choose(x == x, n, hr_all(0)), hr_vi);
    hr_vi half = k >> 1;
    p = p * (hr_vf)((half + 127) << 23) * (hr_vf)((k - half + 127) << 23);
    return hr_choose(x == x, p, x);
}
#endif

/* ln x within 2 units in the last place; -inf at 0, NaN below */
HR_INLINE hr_vf hr_log(hr_vf x) {
    hr_vi tiny = (x < hr_all(1.17549435e-38f)) & (x > hr_all(0));
    hr_vf scaled = hr_choose(tiny, x * 8388608.0f, x);
    hr_vi bits = (hr_vi)scaled;
    hr_vf e = __builtin_convertvector(((bits >> 23) & 0xff) - 126, hr_vf) - hr_choose(tiny, hr_all(23.0f), hr_all(0));
    hr_vf m = (hr_vf)((bits & 0x007fffff) | 0x3f000000);
    hr_vi small = m < hr_all(0.707106781186547524f);
    e = e - hr_choose(small, hr_all(1.0f), hr_all(0));
    m = m + hr_choose(small, m, hr_all(0)) - 1.0f;
    hr_vf z = m * m, y = hr_all(7.0376836292e-2f);
    y = y * m - 1.1514610310e-1f;
    y = y * m + 1.1676998740e-1f;
    y = y * m - 1.2420140846e-1f;
    y = y * m + 1.4249322787e-1f;
    y = y * m - 1.6668057665e-1f;
    y = y * m + 2.0000714765e-1f;
    y = y * m - 2.4999993993e-1f;
    y = y * m + 3.3333331174e-1f;
    y = y * m * z;
    y = y + e * -2.12194440e-4f - z * 0.5f;
    hr_vf result = m + y + e * 0.693359375f;
    result = hr_choose(x == hr_all(INFINITY), x, result);
    result = hr_choose(x == hr_all(0), hr_all(-INFINITY), result);
    return hr_choose((x < hr_all(0)) | (x != x), hr_all(NAN), result);
}

HR_INLINE hr_vf hr_sigmoid(hr_vf x) { return 1.0f / (1.0f + hr_exp(-x)); }

/* Within 4 units in the last place: a series near 0, where 1 - 2 / (e^2x + 1) would cancel. */
HR_INLINE hr_vf hr_tanh(hr_vf x) {
    hr_vf z = x * x;
    hr_vf p = hr_all(-5.70498872745e-3f);
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    p = p * z * x + x;
    hr_vf q = 1.0f - 2.0f / (hr_exp(x + x) + 1.0f);
#if defined(__AVX512F__)
    return HR_CHOOSE(z, _CMP_LT_OQ, hr_all(0.390625f), p, q);
#else
    return hr_choose(z < hr_all(0.390625f), p, q);
#endif
}

/* e^x - 1 and ln(1 + x), exact near 0 too: what exp and log round away is divided out again (Kahan). */
HR_INLINE hr_vf hr_expm1(hr_vf x) {
    hr_vf u = hr_exp(x), below = u - 1.0f;
    hr_vf r = below * (x / hr_log(u));
    r = hr_choose((u == hr_all(1.0f)) | (hr_vi)(x != x), x, r);
    return hr_choose((below == hr_all(-1.0f)) | (u == hr_all(INFINITY)), below, r);
}

HR_INLINE hr_vf hr_log1p(hr_vf x) {
    hr_vf u = x + 1.0f;
    hr_vf r = hr_log(u) * (x / (u - 1.0f));
    return hr_choose((u == hr_all(1.0f)) | (x == hr_all(INFINITY)), x, r);
}

/* Roots and roundings, of which every instruction set but the baseline has an instruction. */
#if defined(__AVX512F__)
HR_INLINE hr_vf hr_sqrt(hr_vf x) { return (hr_vf)_mm512_sqrt_ps((__m512)x); }
HR_INLINE hr_vd hr_sqrt_d(hr_vd x) { return (hr_vd)_mm512_sqrt_pd((__m512d)x); }
#define HR_ROUNDED(name, how)                                                                                          \
    HR_INLINE hr_vf hr_##name(hr_vf x) { return (hr_vf)_mm512_roundscale_ps((__m512)x, how); }                         \
    HR_INLINE hr_vd hr_##name##_d(hr_vd x) { return (hr_vd)_mm512_roundscale_pd((__m512d)x, how); }
HR_ROUNDED(floor, 9) HR_ROUNDED(ceil, 10) HR_ROUNDED(rint, 8)
#elif defined(__AVX2__)
HR_INLINE hr_vf hr_sqrt(hr_vf x) { return (hr_vf)_mm256_sqrt_ps((__m256)x); }
HR_INLINE hr_vd hr_sqrt_d(hr_vd x) { return (hr_vd)_mm256_sqrt_pd((__m256d)x); }
#define HR_ROUNDED(name, how)                                                                                          \
    HR_INLINE hr_vf hr_##name(hr_vf x) { return (hr_vf)_mm256_round_ps((__m256)x, how); }                              \
    HR_INLINE hr_vd hr_##name##_d(hr_vd x) { return (hr_vd)_mm256_round_pd((__m256d)x, how); }
HR_ROUNDED(floor, 9) HR_ROUNDED(ceil, 10) HR_ROUNDED(rint, 8)
#else
#define HR_BY_LANE(name, V, lanes, function)                                                                           \
    HR_INLINE V name(V x) {                                                                                            \
        V r = x;                                                                                                       \
        for (int i = 0; i < lanes; i++) r[i] = function(x[i]);                                                         \
        return r;                                                                                                      \
    }
HR_BY_LANE(hr_sqrt, hr_vf, HR_LANES, sqrtf) HR_BY_LANE(hr_sqrt_d, hr_vd, HR_LANES / 2, sqrt)
HR_BY_LANE(hr_floor, hr_vf, HR_LANES, floorf) HR_BY_LANE(hr_floor_d, hr_vd, HR_LANES / 2, floor)
HR_BY_LANE(hr_ceil, hr_vf, HR_LANES, ceilf) HR_BY_LANE(hr_ceil_d, hr_vd, HR_LANES / 2, ceil)
HR_BY_LANE(hr_rint, hr_vf, HR_LANES, rintf) HR_BY_LANE(hr_rint_d, hr_vd, HR_LANES / 2, rint)
#endif

#endif
