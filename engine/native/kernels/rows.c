/* Rows by index: gathers, scatters, sums by segment, one-hot rows. Indices are checked before they are used. */
#include "rows.h"

/* out[outer, i] = params[outer, indices[i]], of `row_bytes` each; out_stride is from one row of out to the next. */
struct gather {
    int64_t outer, rows, count, chunk, row_bytes, out_stride;
    hr_indices indices;
    const char *params;
    char *out;
};

static void gather(const void *arguments, int64_t chunk, hr_context *context) {
    const struct gather *a = arguments;
    hr_range r = hr_chunk(a->outer * a->count, a->chunk, chunk);
    for (int64_t place = r.begin; place < r.end;) {
        int64_t outer = place / a->count, first = place - outer * a->count;
        int64_t last = hr_min(a->count, first + r.end - place);
        const char *params = a->params + outer * a->rows * a->row_bytes;
        char *out = a->out + place * a->out_stride;
        for (int64_t i = first; i < last; i++, out += a->out_stride) {
            int64_t row = hr_index(&a->indices, i);
            if (row < 0 || row >= a->rows) { hr_fail(context); return; }
            hr_copy_row(out, params + row * a->row_bytes, a->row_bytes);
        }
        place += last - first;
    }
}

/* out[i] = params[indices[i, 0], indices[i, 1], ...], where a dimension has a limit and a step in bytes. */
struct gather_nd {
    int64_t count, chunk, row_bytes, rank, wide;
    const void *indices;
    const int64_t *limits, *steps;
    const char *params;
    char *out;
};

static void gather_nd(const void *arguments, int64_t chunk, hr_context *context) {
    const struct gather_nd *a = arguments;
    hr_range r = hr_chunk(a->count, a->chunk, chunk);
    for (int64_t i = r.begin; i < r.end; i++) {
        int64_t offset = 0;
        for (int64_t d = 0; d < a->rank; d++) {
            int64_t place = i * a->rank + d;
            int64_t index = a->wide ? ((const int64_t *)a->indices)[place] : ((const int32_t *)a->indices)[place];
            if (index < 0 || index >= a->limits[d]) { hr_fail(context); return; }
            offset += index * a->steps[d];
        }
        hr_copy_row(a->out + i * a->row_bytes, a->params + offset, a->row_bytes);
    }
}

struct check_rows { int64_t count, least, limit; hr_indices indices; };

static void check_rows(const void *arguments, int64_t chunk, hr_context *context) {
    const struct check_rows *a = arguments;
    (void)chunk;
    hr_in_range(&a->indices, a->count, a->least, a->limit, context);
}

struct zero { int64_t bytes, chunk; void *out; };

static void zero_bytes(const void *arguments, int64_t chunk, hr_context *context) {
    const struct zero *a = arguments;
    hr_range r = hr_chunk(a->bytes, a->chunk, chunk);
    (void)context;
    if (r.begin < r.end) memset((char *)a->out + r.begin, 0, (size_t)(r.end - r.begin));
}

/* target[indices[i]] op= values[i], in the order of i for equal indices; negative indices are passed over. `inner` elements
   a row; value_stride elements from a row of values to the next. */
struct scatter {
    int64_t parts, count, inner, value_stride;
    hr_indices indices;
    void *target;
    const void *values;
};

#define SCATTER(name, type, expression)                                                                               \
    static void name(const void *arguments, int64_t chunk, hr_context *context) {                                     \
        const struct scatter *a = arguments;                                                                          \
        int64_t inner = a->inner;                                                                                     \
        (void)context;                                                                                                \
        for (int64_t i = 0; i < a->count; i++) {                                                                      \
            int64_t row = hr_index(&a->indices, i);                                                                   \
            if (row < 0 || hr_owner(row, a->parts) != chunk) continue;                                                \
            type *target = (type *)a->target + row * inner;                                                           \
            const type *values = (const type *)a->values + i * a->value_stride;                                       \
            _Pragma("GCC ivdep") for (int64_t k = 0; k < inner; k++) {                                                \
                type x = target[k], y = values[k];                                                                    \
                target[k] = expression;                                                                               \
            }                                                                                                         \
        }                                                                                                             \
    }

SCATTER(scatter_add_f32, float, x + y)
SCATTER(scatter_sub_f32, float, x - y)
SCATTER(scatter_mul_f32, float, x * y)
SCATTER(scatter_div_f32, float, x / y)
SCATTER(scatter_min_f32, float, (x < y || x != x ? x : y))
SCATTER(scatter_max_f32, float, (x > y || x != x ? x : y))
SCATTER(scatter_add_f64, double, x + y)
SCATTER(scatter_sub_f64, double, x - y)
SCATTER(scatter_mul_f64, double, x * y)
SCATTER(scatter_div_f64, double, x / y)
SCATTER(scatter_min_f64, double, (x < y || x != x ? x : y))
SCATTER(scatter_max_f64, double, (x > y || x != x ? x : y))
/* Unsigned: sums of integers wrap around. */
SCATTER(scatter_add_i32, uint32_t, x + y)
SCATTER(scatter_sub_i32, uint32_t, x - y)
SCATTER(scatter_add_i64, uint64_t, x + y)
SCATTER(scatter_sub_i64, uint64_t, x - y)
SCATTER(scatter_update_1, uint8_t, ((void)x, y))
SCATTER(scatter_update_2, uint16_t, ((void)x, y))
SCATTER(scatter_update_4, uint32_t, ((void)x, y))
SCATTER(scatter_update_8, uint64_t, ((void)x, y))

/* sums[i] = the sum of the rows of values whose index is that of row i, if i is the first of them, else zeros. */
struct summed_rows {
    int64_t parts, count, inner, stride;
    hr_indices indices;
    const void *values;
    void *sums;
};

#define SUMMED_ROWS(name, type)                                                                                       \
    static void name(const void *arguments, int64_t chunk, hr_context *context) {                                     \
        const struct summed_rows *a = arguments;                                                                      \
        int64_t capacity = 16, inner = a->inner;                                                                      \
        while (capacity < 2 * a->count) capacity *= 2;                                                                \
        int64_t *first = hr_scratch(context, (size_t)capacity * 8);                                                   \
        if (!first) { hr_fail(context); return; }                                                                     \
        memset(first, 0xFF, (size_t)capacity * 8);                                                                    \
        for (int64_t i = 0; i < a->count; i++) {                                                                      \
            int64_t row = hr_index(&a->indices, i), place = hr_hash(row) & (capacity - 1);                            \
            if (hr_owner(row, a->parts) != chunk) continue;                                                           \
            while (first[place] >= 0 && hr_index(&a->indices, first[place]) != row)                                   \
                place = (place + 1) & (capacity - 1);                                                                 \
            const type *values = (const type *)a->values + i * a->stride;                                             \
            type *sum = (type *)a->sums + i * inner;                                                                  \
            if (first[place] < 0) {                                                                                   \
                first[place] = i;                                                                                     \
                for (int64_t k = 0; k < inner; k++) sum[k] = values[k] + (type)0;                                     \
            } else {                                                                                                  \
                memset(sum, 0, (size_t)inner * sizeof(type));                                                         \
                sum = (type *)a->sums + first[place] * inner;                                                         \
                for (int64_t k = 0; k < inner; k++) sum[k] += values[k];                                              \
            }                                                                                                         \
        }                                                                                                             \
    }

SUMMED_ROWS(summed_rows_f32, float)
SUMMED_ROWS(summed_rows_f64, double)

/* out[outer, d, inner] = on where indices[outer, inner] == d, else off; one block of inner elements a (outer, d). */
struct one_hot {
    int64_t outer, depth, inner, chunk;
    hr_indices indices;
    const void *on, *off;
    void *out;
};

#define ONE_HOT(name, type)                                                                                           \
    static void name(const void *arguments, int64_t chunk, hr_context *context) {                                     \
        const struct one_hot *a = arguments;                                                                          \
        hr_range r = hr_chunk(a->outer, a->chunk, chunk);                                                             \
        type on = *(const type *)a->on, off = *(const type *)a->off, *out = a->out;                                   \
        int64_t size = a->depth * a->inner;                                                                           \
        (void)context;                                                                                                \
        for (int64_t i = r.begin * size; i < r.end * size; i++) out[i] = off;                                         \
        for (int64_t i = r.begin; i < r.end; i++)                                                                     \
            for (int64_t k = 0; k < a->inner; k++) {                                                                  \
                int64_t d = hr_index(&a->indices, i * a->inner + k);                                                  \
                if (d >= 0 && d < a->depth) out[i * size + d * a->inner + k] = on;                                    \
            }                                                                                                         \
    }

ONE_HOT(one_hot_1, uint8_t)
ONE_HOT(one_hot_2, uint16_t)
ONE_HOT(one_hot_4, uint32_t)
ONE_HOT(one_hot_8, uint64_t)

#define EACH(entry)                                                                                                   \
    entry(scatter_add_f32) entry(scatter_sub_f32) entry(scatter_mul_f32) entry(scatter_div_f32)                       \
    entry(scatter_min_f32) entry(scatter_max_f32) entry(scatter_add_f64) entry(scatter_sub_f64)                       \
    entry(scatter_mul_f64) entry(scatter_div_f64) entry(scatter_min_f64) entry(scatter_max_f64)                       \
    entry(scatter_add_i32) entry(scatter_sub_i32) entry(scatter_add_i64) entry(scatter_sub_i64)                       \
    entry(scatter_update_1) entry(scatter_update_2) entry(scatter_update_4) entry(scatter_update_8)
#define ENTRY(name) HR_ENTRY(name, struct scatter)

HR_TABLE(rows)
HR_ENTRY(gather, struct gather)
HR_ENTRY(gather_nd, struct gather_nd)
HR_ENTRY(check_rows, struct check_rows)
HR_ENTRY(zero_bytes, struct zero)
EACH(ENTRY)
HR_ENTRY(summed_rows_f32, struct summed_rows)
HR_ENTRY(summed_rows_f64, struct summed_rows)
HR_ENTRY(one_hot_1, struct one_hot)
HR_ENTRY(one_hot_2, struct one_hot)
HR_ENTRY(one_hot_4, struct one_hot)
HR_ENTRY(one_hot_8, struct one_hot)
HR_END
