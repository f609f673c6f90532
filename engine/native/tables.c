/* setup.py defines HR_WITH_<SET> for each instruction set that kernels/ was compiled for. */
#include "tables.h"

#include <string.h>

#define PASTE_(a, b) hr_table_##a##_##b
#define PASTE(a, b) PASTE_(a, b)

#define SET baseline
#define HR_FILE(file) extern const hr_entry PASTE(file, SET)[];
#include "kernels/files.h"
#undef HR_FILE
#define HR_FILE(file) PASTE(file, SET),
static const hr_entry *const baseline[] = {
#include "kernels/files.h"
    NULL};
#undef HR_FILE
#undef SET

#ifdef HR_WITH_AVX2
#define SET avx2
#define HR_FILE(file) extern const hr_entry PASTE(file, SET)[];
#include "kernels/files.h"
#undef HR_FILE
#define HR_FILE(file) PASTE(file, SET),
static const hr_entry *const avx2[] = {
#include "kernels/files.h"
    NULL};
#undef HR_FILE
#undef SET
#endif

#ifdef HR_WITH_AVX512
#define SET avx512
#define HR_FILE(file) extern const hr_entry PASTE(file, SET)[];
#include "kernels/files.h"
#undef HR_FILE
#define HR_FILE(file) PASTE(file, SET),
static const hr_entry *const avx512[] = {
#include "kernels/files.h"
    NULL};
#undef HR_FILE
#undef SET
#endif

const char *const *hr_instruction_sets(void) {
    static const char *names[4];
    int count = 0;
    names[count++] = "baseline";
#ifdef HR_WITH_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) names[count++] = "avx2";
#endif
#ifdef HR_WITH_AVX512
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
        names[count++] = "avx512";
#endif
    names[count] = NULL;
    return names;
}

const hr_entry *hr_table(const char *instruction_set, int index) {
    (void)instruction_set;
#ifdef HR_WITH_AVX2
    if (!strcmp(instruction_set, "avx2")) return avx2[index];
#endif
#ifdef HR_WITH_AVX512
    if (!strcmp(instruction_set, "avx512")) return avx512[index];
#endif
    return baseline[index];
}
