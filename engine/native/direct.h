/* Sums of arrays that lie in the processes' own memory, which the others read: nothing is copied into slots. */
#ifndef HR_DIRECT_H
#define HR_DIRECT_H

#include "exchange.h"

/* Reads another process's memory. Returns 0, or the error number where it cannot be read. */
int hr_read_process(int64_t pid, int64_t address, void *out, int64_t bytes);

/* Whether an exchange of `total` elements is done so; all processes say the same. */
int hr_is_direct(const hr_exchange *it, int64_t total);

/* As hr_exchange_run. */
int hr_direct_run(const hr_exchange *it, hr_progress *at, int64_t total, double scale, double seconds);

#endif
