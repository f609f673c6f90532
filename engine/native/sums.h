/* What the processes of a host add up: numbers of several dtypes, in one order whatever the number of processes and of parts. */
#ifndef HR_SUMS_H
#define HR_SUMS_H

#include "exchange.h"

int64_t hr_bytes_of(int64_t dtype);

/* `n` elements of the exchange's dtype times `scale`, as elements of its wire dtype; a scale of 0 makes zeros of anything.
   `out` may be `in` where the two dtypes are the same. */
void hr_fill(const hr_exchange *it, const char *in, char *out, int64_t n, double scale);

/* The sum of `n` elements from element `at` of each process's slot on: of neighbours, of pairs of neighbours, and so on. */
void hr_sum(const hr_exchange *it, const hr_part *part, char *const *slots, int64_t at, char *out, int64_t n);

#endif
