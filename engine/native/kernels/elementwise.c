/* Element-wise expressions, and the numbers of their instructions. */
#include "expression.h"

struct chain {
    int64_t count, chunk;
    const hr_program *program;
    void *out;
    const void *inputs[HR_MOST_INPUTS];
};

#define CHAIN(name, size)                                                                                              \
    static void chain_##name(const void *arguments, int64_t chunk, hr_context *context) {                              \
        const struct chain *a = arguments;                                                                             \
        hr_range r = hr_chunk(a->count, a->chunk, chunk);                                                              \
        hr_state s;                                                                                                    \
        hr_open(&s, a->program, a->inputs, size, 0, context);                                                          \
        if (!s.value) return;                                                                                          \
        start_##name(&s);                                                                                              \
        for (int64_t i = r.begin, n; i < r.end; i += n) {                                                              \
            n = hr_block_length(a->program, i, r.end);                                                                 \
            evaluate_into_##name(&s, i, n, a->out);                                                                    \
        }                                                                                                              \
    }

CHAIN(f32, 4)
CHAIN(f64, 8)
CHAIN(i32, 4)
CHAIN(i64, 8)

/* Not kernels: the opcode stands where a kernel's number of fields does. */
#define FLOAT32(op) {"float32." #op, 0, HR_OP_##op},
#define FLOAT64(op) {"float64." #op, 0, HR_OP_##op},
#define INT32(op) {"int32." #op, 0, HR_OP_##op},
#define INT64(op) {"int64." #op, 0, HR_OP_##op},

HR_TABLE(elementwise)
HR_ENTRY(chain_f32, struct chain)
HR_ENTRY(chain_f64, struct chain)
HR_ENTRY(chain_i32, struct chain)
HR_ENTRY(chain_i64, struct chain)
HR_COMMON_OPS(FLOAT32) HR_FLOAT_OPS(FLOAT32)
HR_COMMON_OPS(FLOAT64) HR_FLOAT_OPS(FLOAT64)
HR_COMMON_OPS(INT32) HR_INTEGER_OPS(INT32)
HR_COMMON_OPS(INT64) HR_INTEGER_OPS(INT64)
HR_END
