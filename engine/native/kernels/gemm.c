/* Matrix products by the BLAS of NumPy, called single-threaded on slices of the output's rows or columns. */
#include "kernel.h"

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

typedef void (*narrow_sgemm)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
typedef void (*wide_sgemm)(int, int, int, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *, int64_t,
                           float, float *, int64_t);

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };

static void sgemm(int64_t ta, int64_t tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                  int64_t ldb, float beta, float *out, int64_t ldout) {
    int at = ta ? TRANSPOSED : PLAIN, bt = tb ? TRANSPOSED : PLAIN;
    if (hr_blas_wide) ((wide_sgemm)hr_blas_sgemm)(ROW_MAJOR, at, bt, m, n, k, 1.0f, a, lda, b, ldb, beta, out, ldout);
    else ((narrow_sgemm)hr_blas_sgemm)(ROW_MAJOR, at, bt, (int)m, (int)n, (int)k, 1.0f, a, (int)lda, b, (int)ldb, beta, out,
                                       (int)ldout);
}

static void gemm_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct gemm *g = arguments;
    hr_range r = hr_chunk(g->by_columns ? g->n : g->m, g->slice, chunk);
    (void)context;
    if (r.begin >= r.end) return;
    if (g->by_columns)
        sgemm(g->transpose_a, g->transpose_b, g->m, r.end - r.begin, g->k, g->a, g->lda,
              g->b + (g->transpose_b ? r.begin * g->ldb : r.begin), g->ldb, (float)g->beta, g->out + r.begin, g->ldout);
    else
        sgemm(g->transpose_a, g->transpose_b, r.end - r.begin, g->n, g->k,
              g->a + (g->transpose_a ? r.begin : r.begin * g->lda), g->lda, g->b, g->ldb, (float)g->beta,
              g->out + r.begin * g->ldout, g->ldout);
}

HR_TABLE(gemm)
HR_ENTRY(gemm_f32, struct gemm)
HR_END
