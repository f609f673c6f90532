/* An optimizer's step on the rows of a gradient while these are warm: the gradient, a matrix product, is never written out. */
#include "optimizers.h"
#include "tiles.h"

/* As struct gemm, without an output and without batches; the arrays are [m, n] without gaps. */
struct gemm_apply {
    int64_t m, n, k;
    const void *a; int64_t a_row, a_column;
    const void *b; int64_t ldb, turned;
    int64_t rows, columns, option;
    void *arrays[3];
    const void *numbers[6];
};

/* Numbers of the gradient that are kept at a time where the inner dimension has several blocks. */
enum { KEPT = 64 * 1024 };

#define APPLY(name, type, suffix)                                                                                         \
    static void finish_##name##_##suffix(const void *what, int64_t i, int64_t rows, int64_t j, int64_t count, type *out,  \
                                         int64_t ldout) {                                                                 \
        const struct gemm_apply *g = what;                                                                                \
        for (int64_t r = 0; r < rows; r++) {                                                                              \
            type *arrays[3];                                                                                              \
            for (int s = 0; s < 3; s++) arrays[s] = g->arrays[s] ? (type *)g->arrays[s] + (i + r) * g->n + j : 0;         \
            hr_##name##_##suffix(count, arrays, out + r * ldout, (const type *const *)g->numbers, g->option);             \
        }                                                                                                                 \
    }                                                                                                                     \
    static void gemm_##name##_##suffix(const void *arguments, int64_t chunk, hr_context *context) {                       \
        const struct gemm_apply *g = arguments;                                                                           \
        int64_t across = (g->n + g->columns - 1) / g->columns, wide = hr_min(g->columns, HR_COLUMNS);                     \
        hr_range r = hr_chunk(g->m, g->rows, chunk / across), c = hr_chunk(g->n, g->columns, chunk % across);             \
        /* With one block of the inner dimension a tile is complete at once, and the next may take its place. */          \
        int64_t once = hr_inner_block(g->k) >= g->k, kept = once ? g->rows : hr_max(KEPT / wide, HR_ROWS_NARROW);         \
        int64_t height = once ? HR_ROWS_NARROW : hr_min(kept, g->rows);                                                   \
        size_t panels = (hr_block_scratch_##suffix(wide, g->k) + 63) / 64 * 64;                                           \
        char *scratch = hr_scratch(context, panels + (size_t)(height * wide) * sizeof(type));                             \
        if (!scratch) { hr_fail(context); return; }                                                                       \
        type *gradient = (type *)(scratch + panels);                                                                      \
        hr_factors_##suffix f = {g->a, g->a_row, g->a_column, g->b, g->ldb, g->turned, g->k};                             \
        for (int64_t j = c.begin; j < c.end; j += HR_COLUMNS)                                                             \
            for (int64_t i = r.begin; i < r.end; i += kept)                                                               \
                hr_block_##suffix(&f, i, hr_min(i + kept, r.end), j, hr_min(j + HR_COLUMNS, c.end), gradient, wide, once, \
                                  finish_##name##_##suffix, g, scratch);                                                  \
    }
#define BOTH(name) APPLY(name, float, f32) APPLY(name, double, f64)
BOTH(gradient_descent)
BOTH(momentum)
BOTH(adam)

#define ENTRIES(name) HR_ENTRY(gemm_##name##_f32, struct gemm_apply) HR_ENTRY(gemm_##name##_f64, struct gemm_apply)
HR_TABLE(gemm_apply)
ENTRIES(gradient_descent)
ENTRIES(momentum)
ENTRIES(adam)
HR_END
