/* What the runtime and the kernels share: the form of a kernel, of a call, and of a thread's context. */
#ifndef HEADRACE_RUNTIME_H
#define HEADRACE_RUNTIME_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* A thread's own things while it runs chunks. */
typedef struct hr_context {
    void *scratch;       /* see hr_scratch */
    size_t scratch_size;
    atomic_int failed;   /* set by hr_fail, read and cleared by the runtime after each call */
} hr_context;

/* A kernel does chunk `chunk` of a call. How a call is cut into chunks depends on its arguments only, never on the number
   of threads, so that results do not depend on it either. Chunks of one call run in any order and at the same time.
   `arguments` points to a struct of 8-byte fields: int64_t, double and pointers. */
typedef void (*hr_kernel)(const void *arguments, int64_t chunk, hr_context *context);

typedef struct hr_entry {
    const char *name;
    hr_kernel kernel;
    int64_t fields; /* 8-byte fields of the arguments' struct; 0 for any number */
} hr_entry;

typedef struct hr_call {
    hr_kernel kernel;
    const void *arguments;
    int64_t chunks;
} hr_call;

/* At least `size` bytes of the calling thread's own, aligned to 64, valid until the chunk ends; NULL if there is no memory
   (then call hr_fail and return). A second request within a chunk may move the first: ask once. */
void *hr_scratch(hr_context *context, size_t size);

/* Says that the arguments' values cannot be computed with (an index out of range, no memory): the step stops after this
   call, and its NumPy kernel is run to raise the error. */
static inline void hr_fail(hr_context *context) { atomic_store_explicit(&context->failed, 1, memory_order_relaxed); }

/* BLAS as found in NumPy (see library.py), called single-threaded; NULL where there is none. Integers are 64 bits wide
   where hr_blas_wide is not 0. */
extern void *hr_blas_sgemm, *hr_blas_dgemm;
extern int hr_blas_wide;

#endif
