/* Matrix products, single and in batches, by own tiles or by the BLAS of NumPy, and what follows them while it is warm. */
#include "blas.h"
#include "epilogue.h"

/* out[m, n] = op(a) . op(b) for each of batch[0] x batch[1] x batch[2] pairs; a step is the distance to the next of a batch
   in elements. Element [i, k] of the first factor is a[i * a_row + k * a_column]. A chunk is `rows` x `columns` of `group`
   successive products. */
struct gemm {
    int64_t m, n, k;
    const void *a; int64_t a_row, a_column;
    const void *b; int64_t ldb, turned;
    void *out; int64_t ldout;
    int64_t rows, columns, group, by_blas;
    int64_t batch[3], a_step[3], b_step[3], out_step[3];
};

/* A single product and what follows it. */
struct gemm_steps { struct gemm product; struct hr_epilogue epilogue; };

#define PRODUCTS(type, suffix, blas)                                                                                 \
    static void piece_##suffix(const struct gemm *g, int64_t row, int64_t column, int64_t at,                            \
                               const struct hr_epilogue *steps, void *scratch) {                                          \
        int64_t index[3] = {at / (g->batch[1] * g->batch[2]), at / g->batch[2] % g->batch[1], at % g->batch[2]};          \
        const type *a = g->a, *b = g->b;                                                                                  \
        type *out = g->out;                                                                                               \
        for (int i = 0; i < 3; i++) {                                                                                     \
            a += index[i] * g->a_step[i]; b += index[i] * g->b_step[i]; out += index[i] * g->out_step[i];                 \
        }                                                                                                                 \
        hr_range r = hr_chunk(g->m, g->rows, row), c = hr_chunk(g->n, g->columns, column);                                \
        type *place = out + r.begin * g->ldout + c.begin;                                                                 \
        if (g->k > 0 && !(g->by_blas && hr_has_blas())) {                                                                 \
            hr_factors_##suffix f = {a, g->a_row, g->a_column, b, g->ldb, g->turned, g->k};                               \
            for (int64_t j = c.begin; j < c.end; j += HR_COLUMNS)                                                         \
                hr_block_##suffix(&f, r.begin, r.end, j, hr_min(j + HR_COLUMNS, c.end), place + j - c.begin, g->ldout,    \
                                  0, steps ? hr_epilogue_##suffix : 0, steps, scratch);                                   \
            return;                                                                                                       \
        }                                                                                                                 \
        int64_t turned = g->a_column != 1;                                                                                \
        if (g->k > 0)                                                                                                     \
            blas(turned, g->turned, r.end - r.begin, c.end - c.begin, g->k, 1, a + r.begin * g->a_row,                 \
                    turned ? g->a_column : g->a_row, b + c.begin * (g->turned ? g->ldb : 1), g->ldb, 0, place, g->ldout); \
        else                                                                                                              \
            for (int64_t i = 0; i < r.end - r.begin; i++)                                                                 \
                memset(place + i * g->ldout, 0, (size_t)(c.end - c.begin) * sizeof(type));                                \
        if (steps) hr_epilogue_##suffix(steps, r.begin, r.end - r.begin, c.begin, c.end - c.begin, place, g->ldout);      \
    }                                                                                                                     \
    static void run_##suffix(const struct gemm *g, const struct hr_epilogue *steps, int64_t chunk, hr_context *context) { \
        int64_t down = (g->m + g->rows - 1) / g->rows, across = (g->n + g->columns - 1) / g->columns;                     \
        int64_t total = g->batch[0] * g->batch[1] * g->batch[2];                                                          \
        hr_range products = hr_chunk(total, g->group, chunk / (down * across));                                           \
        void *scratch = hr_scratch(context, hr_block_scratch_##suffix(g->columns, g->k));                                 \
        if (!scratch) { hr_fail(context); return; }                                                                       \
        for (int64_t i = products.begin; i < products.end; i++)                                                           \
            piece_##suffix(g, chunk / across % down, chunk % across, i, steps, scratch);                                  \
    }                                                                                                                     \
    static void gemm_##suffix(const void *arguments, int64_t chunk, hr_context *context) {                                \
        run_##suffix(arguments, 0, chunk, context);                                                                       \
    }                                                                                                                     \
    static void gemm_steps_##suffix(const void *arguments, int64_t chunk, hr_context *context) {                          \
        const struct gemm_steps *g = arguments;                                                                           \
        run_##suffix(&g->product, &g->epilogue, chunk, context);                                                          \
    }

PRODUCTS(float, f32, hr_sgemm)
PRODUCTS(double, f64, hr_dgemm)

HR_TABLE(gemm)
HR_ENTRY(gemm_f32, struct gemm)
HR_ENTRY(gemm_f64, struct gemm)
HR_ENTRY(gemm_steps_f32, struct gemm_steps)
HR_ENTRY(gemm_steps_f64, struct gemm_steps)
HR_END
