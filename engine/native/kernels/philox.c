/* Philox 4x32-10: blocks of four random words, each a function of a key and a counter. */
#include "kernel.h"

struct philox { int64_t blocks, chunk, key, low, high; uint32_t *out; };

static void philox_blocks(const void *arguments, int64_t chunk, hr_context *context) {
    const struct philox *a = arguments;
    hr_range r = hr_chunk(a->blocks, a->chunk, chunk);
    (void)context;
    _Pragma("GCC ivdep") for (int64_t i = r.begin; i < r.end; i++) {
        uint64_t low = (uint64_t)a->low + (uint64_t)i, high = (uint64_t)a->high + (low < (uint64_t)i);
        uint64_t c0 = (uint32_t)low, c1 = low >> 32, c2 = (uint32_t)high, c3 = high >> 32;
        uint32_t k0 = (uint32_t)a->key, k1 = (uint32_t)((uint64_t)a->key >> 32);
        for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
            uint64_t first = c0 * 0xD2511F53u, second = c2 * 0xCD9E8D57u;
            c0 = (second >> 32) ^ c1 ^ k0;
            c1 = (uint32_t)second;
            c2 = (first >> 32) ^ c3 ^ k1;
            c3 = (uint32_t)first;
        }
        a->out[4 * i] = (uint32_t)c0;
        a->out[4 * i + 1] = (uint32_t)c1;
        a->out[4 * i + 2] = (uint32_t)c2;
        a->out[4 * i + 3] = (uint32_t)c3;
    }
}

HR_TABLE(philox)
HR_ENTRY(philox_blocks, struct philox)
HR_END
