/* Matrix products by the BLAS of NumPy, called single-threaded on slices of the output's rows or columns. */
#include "blas.h"

/* out[m, n] = a . b (+ beta out), row-major with leading dimensions; a is [k, m] where transpose_a, b is [n, k] where
   transpose_b. A chunk is `slice` rows of out, or columns where by_columns. */
struct gemm {
    int64_t transpose_a, transpose_b, m, n, k;
    const float *a; int64_t lda;
    const float *b; int64_t ldb;
    float *out; int64_t ldout;
    double beta;
    int64_t by_columns, slice;
};

static void gemm_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct gemm *g = arguments;
    hr_range r = hr_chunk(g->by_columns ? g->n : g->m, g->slice, chunk);
    (void)context;
    if (r.begin >= r.end) return;
    if (g->by_columns)
        hr_sgemm(g->transpose_a, g->transpose_b, g->m, r.end - r.begin, g->k, 1.0f, g->a, g->lda,
              g->b + (g->transpose_b ? r.begin * g->ldb : r.begin), g->ldb, (float)g->beta, g->out + r.begin, g->ldout);
    else
        hr_sgemm(g->transpose_a, g->transpose_b, r.end - r.begin, g->n, g->k, 1.0f,
              g->a + (g->transpose_a ? r.begin : r.begin * g->lda), g->lda, g->b, g->ldb, (float)g->beta,
              g->out + r.begin * g->ldout, g->ldout);
}

HR_TABLE(gemm)
HR_ENTRY(gemm_f32, struct gemm)
HR_END
