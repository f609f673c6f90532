/* Philox 4x32-10: blocks of four random words, each a function of a key and a counter. */
#ifndef HEADRACE_PHILOX_H
#define HEADRACE_PHILOX_H

#include "kernel.h"

/* Blocks [begin, end) after the counter, to `out`. */
HR_INLINE void hr_philox(uint64_t key, uint64_t counter, uint64_t above, int64_t begin, int64_t end, uint32_t *out) {
    _Pragma("GCC ivdep") for (int64_t i = begin; i < end; i++) {
        uint64_t low = counter + (uint64_t)i, high = above + (low < (uint64_t)i);
        uint64_t c0 = (uint32_t)low, c1 = low >> 32, c2 = (uint32_t)high, c3 = high >> 32;
        uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
        for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
            uint64_t first = c0 * 0xD2511F53u, second = c2 * 0xCD9E8D57u;
            c0 = (second >> 32) ^ c1 ^ k0;
            c1 = (uint32_t)second;
            c2 = (first >> 32) ^ c3 ^ k1;
            c3 = (uint32_t)first;
        }
        out[4 * (i - begin)] = (uint32_t)c0;
        out[4 * (i - begin) + 1] = (uint32_t)c1;
        out[4 * (i - begin) + 2] = (uint32_t)c2;
        out[4 * (i - begin) + 3] = (uint32_t)c3;
    }
}

#endif
