/* The BLAS of NumPy from kernels: row-major, single-threaded. Ask hr_has_blas() first: a build of NumPy may have none that
   can be called, and then gemm.h has the products. */
#ifndef HEADRACE_BLAS_H
#define HEADRACE_BLAS_H

#include "kernel.h"

enum { HR_ROW_MAJOR = 101, HR_PLAIN = 111, HR_TRANSPOSED = 112 };

HR_INLINE int hr_has_blas(void) { return hr_blas_sgemm != 0 && hr_blas_dgemm != 0; }

/* out[m, n] = alpha op(a) . op(b) + beta out; a is [k, m] where transpose_a, b is [n, k] where transpose_b. */
#define HR_BLAS_PRODUCT(name, type, pointer)                                                                             \
    HR_INLINE void name(int64_t transpose_a, int64_t transpose_b, int64_t m, int64_t n, int64_t k, type alpha,            \
                        const type *a, int64_t lda, const type *b, int64_t ldb, type beta, type *out, int64_t ldout) {    \
        typedef void (*wide)(int, int, int, int64_t, int64_t, int64_t, type, const type *, int64_t, const type *,          \
                             int64_t, type, type *, int64_t);                                                            \
        typedef void (*narrow)(int, int, int, int, int, int, type, const type *, int, const type *, int, type, type *,     \
                               int);                                                                                     \
        int at = transpose_a ? HR_TRANSPOSED : HR_PLAIN, bt = transpose_b ? HR_TRANSPOSED : HR_PLAIN;                     \
        if (hr_blas_wide) ((wide)pointer)(HR_ROW_MAJOR, at, bt, m, n, k, alpha, a, lda, b, ldb, beta, out, ldout);         \
        else ((narrow)pointer)(HR_ROW_MAJOR, at, bt, (int)m, (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb, beta, out,   \
                               (int)ldout);                                                                              \
    }
HR_BLAS_PRODUCT(hr_sgemm, float, hr_blas_sgemm)
HR_BLAS_PRODUCT(hr_dgemm, double, hr_blas_dgemm)

#endif
