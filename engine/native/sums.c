#include "sums.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
/* Sums of more bytes than caches hold are written around them: memory need not be read to be overwritten. */
static const int64_t AROUND = 1 << 23;
#endif

enum { BLOCK = 512, LEVELS = 16 };

/* Numbers of 16 bits */

static inline float from_bits(uint32_t bits) { float x; memcpy(&x, &bits, 4); return x; }
static inline uint32_t to_bits(float x) { uint32_t bits; memcpy(&bits, &x, 4); return bits; }

static inline float from_half(uint16_t half) {
    uint32_t low = half & 0x7fffu, sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t bits = to_bits(from_bits(low << 13) * 0x1p112f);
    if (low >= 0x7c00u) bits = 0x7f800000u | (low & 0x3ffu) << 13;
    return from_bits(bits | sign);
}

static inline uint16_t to_half(float x) {
    uint32_t bits = to_bits(x), low = bits & 0x7fffffffu, sign = bits >> 16 & 0x8000u;
    uint32_t normal = (low + 0xfffu + (low >> 13 & 1) - 0x38000000u) >> 13;
    uint32_t tiny = to_bits(from_bits(low) + 0.5f) - 0x3f000000u;
    uint32_t half = low < 0x38800000u ? tiny : normal;
    if (low >= 0x47800000u) half = 0x7c00u;
    if (low > 0x7f800000u) half = 0x7e00u;
    return (uint16_t)(half | sign);
}

static inline float from_brain(uint16_t brain) { return from_bits((uint32_t)brain << 16); }

static inline uint16_t to_brain(float x) {
    uint32_t bits = to_bits(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

int64_t hr_bytes_of(int64_t dtype) {
    return dtype == HR_F64 || dtype == HR_I64 ? 8 : dtype == HR_F16 || dtype == HR_BF16 ? 2 : 4;
}

/* Filling a slot */

static void load(const void *from, int64_t dtype, float *out, int64_t n) {
    const uint16_t *halves = from;
    if (dtype == HR_F32) memcpy(out, from, (size_t)n * 4);
    else if (dtype == HR_F16) for (int64_t i = 0; i < n; i++) out[i] = from_half(halves[i]);
    else for (int64_t i = 0; i < n; i++) out[i] = from_brain(halves[i]);
}

static void store(const float *from, int64_t dtype, void *out, int64_t n) {
    uint16_t *halves = out;
    if (dtype == HR_F32) memcpy(out, from, (size_t)n * 4);
    else if (dtype == HR_F16) for (int64_t i = 0; i < n; i++) halves[i] = to_half(from[i]);
    else for (int64_t i = 0; i < n; i++) halves[i] = to_brain(from[i]);
}

/* In place as well: an element is read before it is written. */

static void scaled_f32(const float *in, float *out, int64_t n, float scale) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) out[i] = in[i] * scale;
}

static void scaled_f64(const double *in, double *out, int64_t n, double scale) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) out[i] = in[i] * scale;
}

void hr_fill(const hr_exchange *it, const char *in, char *out, int64_t n, double scale) {
    int64_t dtype = it->dtype, wire = it->wire;
    if (scale == 0) memset(out, 0, (size_t)(n * hr_bytes_of(wire)));
    else if (dtype == wire && (scale == 1 || dtype == HR_I32 || dtype == HR_I64)) {
        if (out != in) memcpy(out, in, (size_t)(n * hr_bytes_of(dtype)));
    } else if (dtype == HR_F64) scaled_f64((const double *)in, (double *)out, n, scale);
    else if (dtype == HR_F32 && wire == HR_F32) scaled_f32((const float *)in, (float *)out, n, (float)scale);
    else {
        float block[BLOCK];
        for (int64_t i = 0; i < n; i += BLOCK) {
            int64_t m = n - i < BLOCK ? n - i : BLOCK;
            load(in + i * hr_bytes_of(dtype), dtype, block, m);
            for (int64_t j = 0; j < m; j++) block[j] *= (float)scale;
            store(block, wire, out + i * hr_bytes_of(wire), m);
        }
    }
}

/* Adding: pairs of neighbours, then pairs of pairs, whatever the number of processes and of parts. What is added may lie where
   the sum goes: all of an element, or of a block, is read before its sum is written. */

#define ADDS(NAME, T)                                                                                                  \
    static void two_##NAME(const T *a, const T *b, T *out, int64_t n) {                                                \
        _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) out[i] = a[i] + b[i];                                     \
    }                                                                                                                  \
    static void four_##NAME(const T *a, const T *b, const T *c, const T *d, T *out, int64_t n) {                       \
        _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) out[i] = (a[i] + b[i]) + (c[i] + d[i]);                   \
    }                                                                                                                  \
    static void tree_##NAME(const hr_exchange *it, char *const *slots, int64_t at, int64_t low, int64_t count,         \
                            T *out, int64_t n, T (*spare)[BLOCK]) {                                                    \
        if (count == 1) {                                                                                              \
            LEAF_##NAME(slots[low] + at * hr_bytes_of(it->wire), out, n);                                              \
            return;                                                                                                    \
        }                                                                                                              \
        int64_t half = 1;                                                                                              \
        while (2 * half < count) half *= 2;                                                                            \
        tree_##NAME(it, slots, at, low, half, out, n, spare + 1);                                                      \
        tree_##NAME(it, slots, at, low + half, count - half, *spare, n, spare + 1);                                    \
        for (int64_t i = 0; i < n; i++) out[i] += (*spare)[i];                                                         \
    }                                                                                                                  \
    static void sum_##NAME(const hr_exchange *it, char *const *slots, int64_t at, T *out, int64_t n) {                 \
        T spare[LEVELS][BLOCK];                                                                                        \
        const T *s[4];                                                                                                 \
        for (int64_t q = 0; q < it->size && q < 4; q++) s[q] = (const T *)slots[q] + at;                               \
        if (it->dtype == it->wire && it->size == 2) two_##NAME(s[0], s[1], out, n);                                    \
        else if (it->dtype == it->wire && it->size == 4) four_##NAME(s[0], s[1], s[2], s[3], out, n);                  \
        else                                                                                                           \
            for (int64_t i = 0; i < n; i += BLOCK) {                                                                   \
                /* Not in `out` at once: there may be what is added later. */                                          \
                int64_t m = n - i < BLOCK ? n - i : BLOCK;                                                             \
                tree_##NAME(it, slots, at + i, 0, it->size, *spare, m, spare + 1);                                     \
                memcpy(out + i, *spare, (size_t)m * sizeof(T));                                                        \
            }                                                                                                          \
    }

#define LEAF_f32(from, to, n) load(from, it->wire, to, n)
#define LEAF_f64(from, to, n) memcpy(to, from, (size_t)(n) * 8)
#define LEAF_i32(from, to, n) memcpy(to, from, (size_t)(n) * 4)
#define LEAF_i64(from, to, n) memcpy(to, from, (size_t)(n) * 8)
ADDS(f32, float)
ADDS(f64, double)
ADDS(i32, uint32_t)
ADDS(i64, uint64_t)

static void sum_halves(const hr_exchange *it, char *const *slots, int64_t at, char *out, int64_t n) {
    float spare[LEVELS][BLOCK], sum[BLOCK];
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t m = n - i < BLOCK ? n - i : BLOCK;
        tree_f32(it, slots, at + i, 0, it->size, sum, m, spare);
        store(sum, it->dtype, out + 2 * i, m);
    }
}

static void add(const hr_exchange *it, char *const *slots, int64_t at, char *out, int64_t n) {
    switch (it->dtype) {
    case HR_F32: sum_f32(it, slots, at, (float *)out, n); break;
    case HR_F64: sum_f64(it, slots, at, (double *)out, n); break;
    case HR_I32: sum_i32(it, slots, at, (uint32_t *)out, n); break;
    case HR_I64: sum_i64(it, slots, at, (uint64_t *)out, n); break;
    default: sum_halves(it, slots, at, out, n);
    }
}

/* Whether what is added is written around the caches; what is added in place is in them. */
static int goes_around(const hr_exchange *it, const hr_part *part) {
#ifdef __SSE2__
    return part->count * hr_bytes_of(it->dtype) >= AROUND && part->in != part->out && part->out % 16 == 0;
#else
    (void)it; (void)part;
    return 0;
#endif
}

static void sum_around(const hr_exchange *it, char *const *slots, int64_t at, char *out, int64_t n) {
#ifdef __SSE2__
    _Alignas(64) char block[BLOCK * 8];
    int64_t item = hr_bytes_of(it->dtype);
    for (int64_t i = 0; i < n; i += BLOCK, out += BLOCK * item) {
        int64_t m = n - i < BLOCK ? n - i : BLOCK, whole = m * item / 16 * 16;
        add(it, slots, at + i, block, m);
        for (int64_t b = 0; b < whole; b += 16)
            _mm_stream_si128((__m128i *)(out + b), _mm_load_si128((const __m128i *)(block + b)));
        memcpy(out + whole, block + whole, (size_t)(m * item - whole));
    }
    _mm_sfence();
#else
    add(it, slots, at, out, n);
#endif
}

void hr_sum(const hr_exchange *it, const hr_part *part, char *const *slots, int64_t at, char *out, int64_t n) {
    (goes_around(it, part) && (intptr_t)out % 16 == 0 ? sum_around : add)(it, slots, at, out, n);
}
