/* Copies between arrays of one shape and any strides, and conversions between types. */
#include "narrow.h"
#include "vector.h"

enum { MOST_RANK = 6, TILE = 16 };
enum { RUNS, SPREAD, TURNED, SINGLE };

/* Strides are in bytes; axes of out from the widest stride to the narrowest. A chunk is `chunk` rows: all axes but the last,
   of which in TURNED (where `in` is contiguous along the last axis but one) TILE make one. */
struct strided {
    int64_t rank, item, rows, chunk, mode;
    int64_t sizes[MOST_RANK], to[MOST_RANK], from[MOST_RANK];
    char *out;
    const char *in;
};

/* What does not overlap, short most often. */
HR_INLINE void copy_run(char *out, const char *in, int64_t n) {
    if (n > 64) { memcpy(out, in, (size_t)n); return; }
#define BOTH_ENDS(size) if (n >= size) { memcpy(out, in, size); memcpy(out + n - size, in + n - size, size); return; }
    BOTH_ENDS(32) BOTH_ENDS(16) BOTH_ENDS(8) BOTH_ENDS(4) BOTH_ENDS(2)
    if (n) *out = *in;
}

#define BY_ITEM(LOOP)                                                                                                  \
    switch (item) {                                                                                                    \
    case 1: LOOP(uint8_t) break;                                                                                       \
    case 2: LOOP(uint16_t) break;                                                                                      \
    case 4: LOOP(uint32_t) break;                                                                                      \
    case 8: LOOP(uint64_t) break;                                                                                      \
    default: for (int64_t i = 0; i < n; i++) memcpy(out + i * to, in + i * from, (size_t)item);                        \
    }

HR_INLINE void spread(char *out, const char *in, int64_t n, int64_t item) {
    const int64_t to = item, from = 0;
#define LOOP(type) { type x = *(const type *)in; for (int64_t i = 0; i < n; i++) ((type *)out)[i] = x; }
    BY_ITEM(LOOP)
#undef LOOP
}

HR_INLINE void copy_single(char *out, int64_t to, const char *in, int64_t from, int64_t n, int64_t item) {
#define LOOP(type) for (int64_t i = 0; i < n; i++) *(type *)(out + i * to) = *(const type *)(in + i * from);
    BY_ITEM(LOOP)
#undef LOOP
}

#if defined(__GNUC__) && !defined(__clang__)
/* A square of HR_LANES by HR_LANES floats: each round interleaves the rows of both halves. */
HR_INLINE void turn_square(char *out, int64_t to, const char *in, int64_t from) {
    hr_vf rows[HR_LANES], next[HR_LANES];
    hr_vi low, high;
    for (int i = 0; i < HR_LANES; i++) {
        low[i] = i / 2 + i % 2 * HR_LANES;
        high[i] = low[i] + HR_LANES / 2;
    }
    for (int i = 0; i < HR_LANES; i++) rows[i] = hr_load((const float *)(in + i * from));
    for (int width = 1; width < HR_LANES; width *= 2) {
        for (int i = 0; i < HR_LANES / 2; i++) {
            next[2 * i] = __builtin_shuffle(rows[i], rows[i + HR_LANES / 2], low);
            next[2 * i + 1] = __builtin_shuffle(rows[i], rows[i + HR_LANES / 2], high);
        }
        for (int i = 0; i < HR_LANES; i++) rows[i] = next[i];
    }
    for (int i = 0; i < HR_LANES; i++) hr_store((float *)(out + i * to), rows[i]);
}
#else
HR_INLINE void turn_square(char *out, int64_t to, const char *in, int64_t from) {
    for (int j = 0; j < HR_LANES; j++) copy_single(out + j * to, 4, in + j * 4, from, HR_LANES, 4);
}
#endif

/* out[j, i] = in[i, j] for `height` of j, along which `in` is contiguous, and `width` of i, along which `out` is */
static void turn(char *out, int64_t to, const char *in, int64_t from, int64_t height, int64_t width, int64_t item) {
    for (int64_t i = 0; i < width; i += TILE) {
        int64_t columns = hr_min(TILE, width - i);
        if (item == 4 && height == TILE && columns == TILE) {
            for (int64_t j = 0; j < TILE; j += HR_LANES)
                for (int64_t k = 0; k < TILE; k += HR_LANES)
                    turn_square(out + j * to + (i + k) * 4, to, in + (i + k) * from + j * 4, from);
            continue;
        }
        for (int64_t j = 0; j < height; j++)
            copy_single(out + j * to + i * item, item, in + i * from + j * item, from, columns, item);
    }
}

static void copy_strided(const void *arguments, int64_t chunk, hr_context *context) {
    const struct strided *a = arguments;
    hr_range r = hr_chunk(a->rows, a->chunk, chunk);
    int64_t last = a->rank - 1, n = a->sizes[last], item = a->item, unit = a->mode == TURNED ? TILE : 1;
    (void)context;
    for (int64_t row = r.begin; row < r.end; row++) {
        int64_t rest = row, height = 0;
        char *out = a->out;
        const char *in = a->in;
        for (int64_t d = last - 1; d >= 0; d--) {
            int64_t step = d == last - 1 ? unit : 1, count = (a->sizes[d] + step - 1) / step, at = rest % count * step;
            if (d == last - 1) height = hr_min(unit, a->sizes[d] - at);
            rest /= count;
            out += at * a->to[d];
            in += at * a->from[d];
        }
        if (a->mode == RUNS) copy_run(out, in, n * item);
        else if (a->mode == SPREAD) spread(out, in, n, item);
        else if (a->mode == TURNED) turn(out, a->to[last - 1], in, a->from[last], height, n, item);
        else copy_single(out, a->to[last], in, a->from[last], n, item);
    }
}

struct cast { int64_t count, chunk, from, to; const void *in; void *out; };

/* Types by number: see bindings/movement.py. Small integers are made of a wide one, as NumPy's are. */
enum { BOOL, UINT8, INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BFLOAT16, FLOAT16 };

#define SAME(x) (x)
#define CONVERT(type, value) for (int64_t i = r.begin; i < r.end; i++) ((type *)a->out)[i] = (value); break;
#define FROM(name, type, READ, WIDE)                                                                                   \
    static void from_##name(const struct cast *a, hr_range r) {                                                        \
        const type *in = a->in;                                                                                        \
        switch (a->to) {                                                                                               \
        case BOOL: CONVERT(uint8_t, READ(in[i]) != 0)                                                                  \
        case UINT8: CONVERT(uint8_t, (uint8_t)(WIDE)READ(in[i]))                                                       \
        case INT8: CONVERT(int8_t, (int8_t)(WIDE)READ(in[i]))                                                          \
        case INT16: CONVERT(int16_t, (int16_t)(WIDE)READ(in[i]))                                                       \
        case INT32: CONVERT(int32_t, (int32_t)READ(in[i]))                                                             \
        case INT64: CONVERT(int64_t, (int64_t)READ(in[i]))                                                             \
        case FLOAT32: CONVERT(float, (float)READ(in[i]))                                                               \
        case FLOAT64: CONVERT(double, (double)READ(in[i]))                                                             \
        case BFLOAT16: CONVERT(hr_bfloat, hr_to_bfloat((float)READ(in[i])))                                            \
        case FLOAT16: CONVERT(hr_half, hr_to_half((float)READ(in[i])))                                                 \
        }                                                                                                              \
    }
FROM(bool, uint8_t, SAME, int32_t)
FROM(uint8, uint8_t, SAME, int32_t)
FROM(int8, int8_t, SAME, int32_t)
FROM(int16, int16_t, SAME, int32_t)
FROM(int32, int32_t, SAME, int32_t)
FROM(int64, int64_t, SAME, int64_t)
FROM(float32, float, SAME, int32_t)
FROM(float64, double, SAME, int32_t)
FROM(bfloat16, hr_bfloat, hr_of_bfloat, int32_t)
FROM(float16, hr_half, hr_of_half, int32_t)

static void cast(const void *arguments, int64_t chunk, hr_context *context) {
    const struct cast *a = arguments;
    hr_range r = hr_chunk(a->count, a->chunk, chunk);
    (void)context;
    switch (a->from) {
    case BOOL: from_bool(a, r); break;
    case UINT8: from_uint8(a, r); break;
    case INT8: from_int8(a, r); break;
    case INT16: from_int16(a, r); break;
    case INT32: from_int32(a, r); break;
    case INT64: from_int64(a, r); break;
    case FLOAT32: from_float32(a, r); break;
    case FLOAT64: from_float64(a, r); break;
    case BFLOAT16: from_bfloat16(a, r); break;
    case FLOAT16: from_float16(a, r); break;
    }
}

HR_TABLE(movement)
HR_ENTRY(copy_strided, struct strided)
HR_ENTRY(cast, struct cast)
HR_END
