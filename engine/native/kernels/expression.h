/* Element-wise programs: an expression of engine/scalar.py as instructions over blocks that stay in the first-level cache.
   What the instructions do is in interpret.h, which is included here for each type of number. */
#ifndef HEADRACE_EXPRESSION_H
#define HEADRACE_EXPRESSION_H

#include "opcodes.h"
#include "vector.h"

enum { HR_MOST_INPUTS = 12, HR_MOST_SLOTS = 64, HR_MOST_RANK = 6, HR_VECTOR = HR_LANES * 4 };

/* How an input lies against the output: element by element, one number for all, a piece that is repeated in every block,
   or by strides (0 along axes that it is repeated on). */
enum { HR_WHOLE, HR_ONE, HR_PERIODIC, HR_STRIDED };

/* Strides are in elements. */
typedef struct hr_operand { int64_t kind, is_bool, rank, sizes[HR_MOST_RANK], strides[HR_MOST_RANK]; } hr_operand;

/* Operands are slots: the inputs, then the constants, then the temporaries, then the result. */
typedef struct hr_instruction { int64_t op, out, operands[4]; } hr_instruction;

/* Followed in memory by its operands, the constants' bits and the instructions. Blocks have `block` elements at most and do
   not cross multiples of `cut`; `result` is the slot that holds the value, masks where `is_bool`. */
typedef struct hr_program {
    int64_t block, cut, inputs, constants, temporaries, instructions, result, is_bool;
} hr_program;

/* A program at work in one thread: where each slot's block lies, and by how much it moves on with each vector. */
typedef struct hr_state {
    const hr_program *program;
    const hr_operand *operands;
    const hr_instruction *code;
    const void *const *inputs;
    int64_t period_ready;
    char *pads, *value;
    char *blocks[HR_MOST_INPUTS];
    char *place[HR_MOST_SLOTS];
    int64_t step[HR_MOST_SLOTS];
} hr_state;

/* Elements from `position` on that one block may hold. */
HR_INLINE int64_t hr_block_length(const hr_program *p, int64_t position, int64_t end) {
    int64_t n = hr_min(p->block, end - position);
    return p->cut ? hr_min(n, p->cut - position % p->cut) : n;
}

/* Where the element at `position` of the output lies in an input, and its coordinates. */
HR_INLINE int64_t hr_offset(const hr_operand *o, int64_t position, int64_t *coordinates) {
    int64_t offset = 0;
    for (int64_t d = o->rank - 1; d >= 0; d--) {
        coordinates[d] = position % o->sizes[d];
        position /= o->sizes[d];
        offset += coordinates[d] * o->strides[d];
    }
    return offset;
}

/* From the end of a run along the last axis to the start of the next one. */
HR_INLINE int64_t hr_next_run(const hr_operand *o, int64_t *coordinates) {
    int64_t offset = 0;
    coordinates[o->rank - 1] = 0;
    for (int64_t d = o->rank - 2; d >= 0; d--) {
        if (++coordinates[d] < o->sizes[d]) break;
        coordinates[d] = 0;
    }
    for (int64_t d = 0; d < o->rank - 1; d++) offset += coordinates[d] * o->strides[d];
    return offset;
}

/* Lays out a thread's scratch memory; NULL in `value` where there is none. `size` is that of an element. */
static inline void hr_open(hr_state *s, const hr_program *program, const void *const *inputs, int64_t size,
                           int64_t extra, hr_context *context) {
    int64_t block = (program->block * size + HR_VECTOR + 63) & ~(int64_t)63;
    int64_t slots = program->inputs + program->constants + program->temporaries + 1;
    char *memory = hr_scratch(context, (size_t)(block * (program->inputs + program->temporaries + 1) + slots * HR_VECTOR + extra));
    s->value = memory;
    if (!memory) { hr_fail(context); return; }
    s->program = program;
    s->operands = (const hr_operand *)(program + 1);
    s->code = (const hr_instruction *)((const int64_t *)(s->operands + program->inputs) + program->constants);
    s->inputs = inputs;
    s->period_ready = 0;
    memory += block;
    for (int64_t i = 0; i < program->inputs; i++, memory += block) s->blocks[i] = memory;
    for (int64_t i = 0; i < program->temporaries; i++, memory += block) {
        int64_t slot = program->inputs + program->constants + i;
        s->place[slot] = memory;
        s->step[slot] = 1;
    }
    s->pads = memory;
    s->step[slots - 1] = 1;
}

/* The `extra` bytes that hr_open was asked for. */
HR_INLINE char *hr_extra(const hr_state *s) {
    const hr_program *p = s->program;
    return s->pads + (p->inputs + p->constants + p->temporaries + 1) * HR_VECTOR;
}

#define T float
#define V hr_vf
#define M hr_vi
#define I int32_t
#define LANES HR_LANES
#define NAME(name) name##_f32
#define FLOATING 1
#include "interpret.h"

#define T double
#define V hr_vd
#define M hr_vl
#define I int64_t
#define LANES (HR_LANES / 2)
#define NAME(name) name##_f64
#define FLOATING 2
#include "interpret.h"

#define T int32_t
#define V hr_vi
#define M hr_vi
#define I int32_t
#define LANES HR_LANES
#define NAME(name) name##_i32
#define FLOATING 0
#include "interpret.h"

#define T int64_t
#define V hr_vl
#define M hr_vl
#define I int64_t
#define LANES (HR_LANES / 2)
#define NAME(name) name##_i64
#define FLOATING 0
#include "interpret.h"

#endif
