/* Copies of contiguous memory and fills. */
#include "kernel.h"

struct copy { int64_t bytes, chunk; void *out; const void *in; };

static void copy_bytes(const void *arguments, int64_t chunk, hr_context *context) {
    const struct copy *a = arguments;
    hr_range r = hr_chunk(a->bytes, a->chunk, chunk);
    (void)context;
    if (r.begin < r.end) memcpy((char *)a->out + r.begin, (const char *)a->in + r.begin, (size_t)(r.end - r.begin));
}

struct fill { int64_t count, chunk; float *out; double value; };

static void fill_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct fill *a = arguments;
    hr_range r = hr_chunk(a->count, a->chunk, chunk);
    (void)context;
    for (int64_t i = r.begin; i < r.end; i++) a->out[i] = (float)a->value;
}

HR_TABLE(copy)
HR_ENTRY(copy_bytes, struct copy)
HR_ENTRY(fill_f32, struct fill)
HR_END
