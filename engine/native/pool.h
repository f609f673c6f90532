/* A pool of threads that runs the chunks of one call after the other. */
#ifndef HEADRACE_POOL_H
#define HEADRACE_POOL_H

#include "runtime.h"

enum { HR_MAX_THREADS = 256 };

/* Registers what keeps the pool usable in a child after fork(). Returns 0, or an errno. */
int hr_pool_initialize(void);

/* Runs `count` calls in order on up to `threads` threads, the caller's included; calls[i] begins when calls[i-1] has ended.
   If another thread is using the pool the caller does the work alone. Returns -1, or the index of the call that failed:
   calls after it have not run. */
int64_t hr_pool_run(const hr_call *calls, int64_t count, int threads);

/* The same with a clock: times[0] is when the first call begins and times[i + 1] when calls[i] has ended, in nanoseconds
   since the start of hr_pool_run_timed. `times` has count + 1 places; those after a call that failed are not written. */
int64_t hr_pool_run_timed(const hr_call *calls, int64_t count, int threads, int64_t *times);

#endif
