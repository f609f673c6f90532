/* Indices of rows: int32 or int64, with any stride, and which chunk of a call a row belongs to. */
#ifndef HEADRACE_ROWS_H
#define HEADRACE_ROWS_H

#include "kernel.h"

typedef struct hr_indices {
    int64_t wide, stride; /* whether they are int64; bytes from one to the next */
    const char *first;
} hr_indices;

HR_INLINE int64_t hr_index(const hr_indices *indices, int64_t i) {
    const char *place = indices->first + i * indices->stride;
    return indices->wide ? *(const int64_t *)place : *(const int32_t *)place;
}

HR_INLINE uint32_t hr_hash(int64_t row) { return (uint32_t)(((uint64_t)row * 0x9E3779B97F4A7C15u) >> 32); }

/* Which of `parts` chunks writes a row: rows that are named twice are written by one chunk, in order. */
HR_INLINE int64_t hr_owner(int64_t row, int64_t parts) {
    return parts == 1 ? 0 : (int64_t)(((uint64_t)hr_hash(row ^ 0x5bd1e995) * (uint64_t)parts) >> 32);
}

/* Calls hr_fail and gives 0 unless all of `count` indices lie in [least, limit). */
HR_INLINE int hr_in_range(const hr_indices *indices, int64_t count, int64_t least, int64_t limit, hr_context *context) {
    int good = 1;
    for (int64_t i = 0; i < count; i++) {
        int64_t row = hr_index(indices, i);
        good &= (row >= least) & (row < limit);
    }
    if (!good) hr_fail(context);
    return good;
}

HR_INLINE void hr_copy_row(char *out, const char *in, int64_t bytes) {
    typedef struct { char bytes[16]; } block;
    if (bytes == 4) memcpy(out, in, 4);
    else if (bytes == 8) memcpy(out, in, 8);
    else if (bytes % 16 == 0 && bytes <= 256)
        for (int64_t i = 0; i < bytes; i += 16) *(block *)(out + i) = *(const block *)(in + i);
    else memcpy(out, in, (size_t)bytes);
}

#endif
