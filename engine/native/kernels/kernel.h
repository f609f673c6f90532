/* What every file of kernels includes. Each of them is compiled once for every instruction set (HR_ISA) that the compiler
   and the architecture know; tables.c chooses among the results at run time. No file may keep a global name but its table. */
#ifndef HEADRACE_KERNEL_H
#define HEADRACE_KERNEL_H

#include <math.h>
#include <string.h>

#include "../runtime.h"

#define HR_PASTE_(a, b, c) hr_##a##_##b##_##c
#define HR_PASTE(a, b, c) HR_PASTE_(a, b, c)

/* Opens the table of a file's kernels: HR_TABLE(gemm) HR_ENTRY(gemm_f32, struct gemm) ... HR_END */
#define HR_TABLE(file) const hr_entry HR_PASTE(table, file, HR_ISA)[] = {
#define HR_ENTRY(function, arguments) {#function, function, (int64_t)(sizeof(arguments) / 8)},
/* A kernel whose arguments are as many as the calls say: a head and then a struct an item. */
#define HR_ENTRY_LIST(function) {#function, function, 0},
#define HR_END {0, 0, 0} };

#define HR_INLINE static inline __attribute__((always_inline, unused))

/* Elements [begin, end) of `count` that chunk number `chunk` of `size` elements each stands for. */
typedef struct hr_range { int64_t begin, end; } hr_range;

HR_INLINE hr_range hr_chunk(int64_t count, int64_t size, int64_t chunk) {
    int64_t begin = chunk * size, end = begin + size;
    return (hr_range){begin < count ? begin : count, end < count ? end : count};
}

HR_INLINE int64_t hr_min(int64_t a, int64_t b) { return a < b ? a : b; }
HR_INLINE int64_t hr_max(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
