/* Floats of 16 bits as float and back, rounded to the nearest even one. Without branches, so that loops of them become vectors. */
#ifndef HEADRACE_NARROW_H
#define HEADRACE_NARROW_H

#include "kernel.h"

typedef struct { uint16_t bits; } hr_bfloat;
typedef struct { uint16_t bits; } hr_half;

HR_INLINE uint32_t hr_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}
HR_INLINE float hr_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

HR_INLINE float hr_of_bfloat(hr_bfloat x) { return hr_float((uint32_t)x.bits << 16); }
HR_INLINE hr_bfloat hr_to_bfloat(float x) {
    uint32_t bits = hr_bits(x), rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return (hr_bfloat){(uint16_t)(x != x ? (bits >> 16 & 0x8000) | 0x7fc0 : rounded)};
}

HR_INLINE float hr_of_half(hr_half x) {
    uint32_t rest = (uint32_t)(x.bits & 0x7fff) << 13;
    /* The exponent is moved by a product, which is exact and right for small numbers too. */
    uint32_t bits = hr_bits(hr_float(rest) * 0x1p112f), special = rest >= 0x0f800000 ? rest | 0x7f800000 : bits;
    return hr_float(special | (uint32_t)(x.bits & 0x8000) << 16);
}
HR_INLINE hr_half hr_to_half(float x) {
    uint32_t bits = hr_bits(x), rest = bits & 0x7fffffff, sign = bits >> 16 & 0x8000;
    /* Small numbers: the sum's last bit is 2^-24. */
    uint32_t small = hr_bits(hr_float(rest) + 0.5f) - 0x3f000000;
    uint32_t usual = (rest - 0x38000000 + 0xfff + (rest >> 13 & 1)) >> 13;
    uint32_t large = rest > 0x7f800000 ? 0x7e00 : 0x7c00;
    return (hr_half){(uint16_t)(sign | (rest < 0x38800000 ? small : rest >= 0x47800000 ? large : usual))};
}

#endif
