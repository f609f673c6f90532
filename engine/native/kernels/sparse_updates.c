/* Optimizer steps on some rows of variables. Rows that are named twice get one step with the sum of their gradients, added in
   order, or one step after the other. A call does the tables of a whole node; a table's rows may be dealt out to several
   chunks by their numbers. */
#include "optimizers.h"
#include "rows.h"

struct head { int64_t tables, slices, sum, option; };
struct table {
    int64_t count, inner, stride; /* rows of the gradient, elements a row, elements from one row of it to the next */
    hr_indices indices;
    void *arrays[4];
    const void *gradient;
    const void *numbers[8];
};

/* A row of fewer elements is copied to a block with others, so that vectors are full. */
enum { LONG_ROW = 64, BLOCK = 1024 };

typedef struct work { int32_t *slots; int64_t *rows; void *sums, *block; int64_t mask; } work;

static int64_t array_count(const struct table *t) {
    int64_t n = 0;
    while (n < 4 && t->arrays[n]) n++;
    return n;
}

static int reserve(work *w, const struct table *t, int64_t size, hr_context *context) {
    int64_t capacity = 16, block = hr_max(BLOCK, t->inner);
    while (capacity < 2 * t->count) capacity *= 2;
    size_t rows = (size_t)t->count * 8, sums = (size_t)(t->count * t->inner * size + 63) / 64 * 64;
    char *memory = hr_scratch(context, rows + 64 + sums + (size_t)(4 * block * size) + (size_t)capacity * 4);
    if (!memory) { hr_fail(context); return 0; }
    w->rows = (int64_t *)memory;
    w->sums = memory + (rows + 63) / 64 * 64;
    w->block = (char *)w->sums + sums;
    w->slots = (int32_t *)((char *)w->block + 4 * block * size);
    w->mask = capacity - 1;
    memset(w->slots, 0xFF, (size_t)capacity * 4);
    return 1;
}

/* The number of a row among those seen, `seen` for a new one. */
HR_INLINE int64_t find(work *w, int64_t row, int64_t seen) {
    int64_t place = hr_hash(row) & w->mask;
    while (w->slots[place] >= 0) {
        if (w->rows[w->slots[place]] == row) return w->slots[place];
        place = (place + 1) & w->mask;
    }
    w->slots[place] = (int32_t)seen;
    w->rows[seen] = row;
    return seen;
}

#define REAL float
#define OF(name) name##_f32
#include "sparse_updates_of.h"
#undef REAL
#undef OF
#define REAL double
#define OF(name) name##_f64
#include "sparse_updates_of.h"
#undef REAL
#undef OF

#define UPDATE(name, type, suffix)                                                                                    \
    static void step_##name##_##suffix(int64_t n, type *const *a, const type *g, const type *const *h, int64_t o) {   \
        hr_##name##_##suffix(n, a, g, h, o);                                                                          \
    }                                                                                                                 \
    static void sparse_##name##_##suffix(const void *arguments, int64_t chunk, hr_context *context) {                 \
        update_##suffix(arguments, chunk, context, step_##name##_##suffix);                                           \
    }
#define ALL(EACH)                                                                                                     \
    EACH(momentum) EACH(keras_momentum) EACH(adagrad) EACH(adagrad_v2) EACH(adagrad_da) EACH(adadelta) EACH(rms_prop) \
    EACH(centered_rms_prop) EACH(ftrl) EACH(ftrl_v2) EACH(proximal_gradient_descent) EACH(proximal_adagrad)
#define BOTH(name) UPDATE(name, float, f32) UPDATE(name, double, f64)
ALL(BOTH)

#define ENTRIES(name) HR_ENTRY_LIST(sparse_##name##_f32) HR_ENTRY_LIST(sparse_##name##_f64)
HR_TABLE(sparse_updates)
ALL(ENTRIES)
HR_END
