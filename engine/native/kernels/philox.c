/* Random words of a stream in chunks. */
#include "philox.h"

struct philox { int64_t blocks, chunk, key, low, high; uint32_t *out; };

static void philox_blocks(const void *arguments, int64_t chunk, hr_context *context) {
    const struct philox *a = arguments;
    hr_range r = hr_chunk(a->blocks, a->chunk, chunk);
    (void)context;
    hr_philox((uint64_t)a->key, (uint64_t)a->low, (uint64_t)a->high, r.begin, r.end, a->out + 4 * r.begin);
}

HR_TABLE(philox)
HR_ENTRY(philox_blocks, struct philox)
HR_END
