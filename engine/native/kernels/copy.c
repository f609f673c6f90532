/* Copies of contiguous memory and fills. */
#include "kernel.h"

struct copy { int64_t bytes, chunk; void *out; const void *in; };

static void copy_bytes(const void *arguments, int64_t chunk, hr_context *context) {
    const struct copy *a = arguments;
    hr_range r = hr_chunk(a->bytes, a->chunk, chunk);
    (void)context;
    if (r.begin < r.end) memcpy((char *)a->out + r.begin, (const char *)a->in + r.begin, (size_t)(r.end - r.begin));
}

/* `pattern` holds one element as often as it goes into 8 bytes; chunks are multiples of 8 bytes. */
struct fill { int64_t bytes, chunk; void *out; int64_t pattern; };

static void fill_bytes(const void *arguments, int64_t chunk, hr_context *context) {
    const struct fill *a = arguments;
    hr_range r = hr_chunk(a->bytes, a->chunk, chunk);
    char *out = a->out;
    (void)context;
    for (; r.begin + 8 <= r.end; r.begin += 8) memcpy(out + r.begin, &a->pattern, 8);
    if (r.begin < r.end) memcpy(out + r.begin, &a->pattern, (size_t)(r.end - r.begin));
}

struct fill_f32 { int64_t count, chunk; float *out; double value; };

static void fill_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct fill_f32 *a = arguments;
    hr_range r = hr_chunk(a->count, a->chunk, chunk);
    (void)context;
    for (int64_t i = r.begin; i < r.end; i++) a->out[i] = (float)a->value;
}

HR_TABLE(copy)
HR_ENTRY(copy_bytes, struct copy)
HR_ENTRY(fill_bytes, struct fill)
HR_ENTRY(fill_f32, struct fill_f32)
HR_END
