/* Included once for each type by sparse_updates.c. */
typedef void (*OF(step))(int64_t n, REAL *const *a, const REAL *g, const REAL *const *h, int64_t option);

HR_INLINE int64_t OF(sum_rows)(const struct table *t, const struct head *head, int64_t slice, work *w, int64_t inner) {
    int64_t seen = 0, arrays = array_count(t);
    for (int64_t i = 0; i < t->count; i++) {
        int64_t row = hr_index(&t->indices, i);
        if (hr_owner(row, head->slices) != slice) continue;
        int64_t number = head->sum ? find(w, row, seen) : seen;
        REAL *sum = (REAL *)w->sums + number * inner;
        const REAL *g = (const REAL *)t->gradient + i * t->stride;
        if (number < seen) {
            _Pragma("GCC ivdep") for (int64_t k = 0; k < inner; k++) sum[k] += g[k];
            continue;
        }
        for (int64_t a = 0; a < arrays; a++) __builtin_prefetch((const REAL *)t->arrays[a] + row * inner, 1);
        w->rows[seen++] = row;
        /* A sum begins at 0: alone, -0 becomes 0. */
        if (head->sum) _Pragma("GCC ivdep") for (int64_t k = 0; k < inner; k++) sum[k] = g[k] + (REAL)0;
        else memcpy(sum, g, (size_t)inner * sizeof(REAL));
    }
    return seen;
}

/* Rows [first, first + n) of those seen, through the block. */
HR_INLINE void OF(step_short)(const struct table *t, const struct head *head, work *w, int64_t first, int64_t n,
                              int64_t inner, OF(step) step) {
    REAL *parts[4] = {0};
    int64_t arrays = array_count(t);
    for (int64_t a = 0; a < arrays; a++) {
        REAL *part = parts[a] = (REAL *)w->block + a * hr_max(BLOCK, inner);
        for (int64_t i = 0; i < n; i++)
            memcpy(part + i * inner, (const REAL *)t->arrays[a] + w->rows[first + i] * inner,
                   (size_t)inner * sizeof(REAL));
    }
    step(n * inner, parts, (const REAL *)w->sums + first * inner, (const REAL *const *)t->numbers, head->option);
    for (int64_t a = 0; a < arrays; a++)
        for (int64_t i = 0; i < n; i++)
            memcpy((REAL *)t->arrays[a] + w->rows[first + i] * inner, parts[a] + i * inner,
                   (size_t)inner * sizeof(REAL));
}

static void OF(step_long)(const struct table *t, const struct head *head, work *w, int64_t seen, OF(step) step) {
    int64_t inner = t->inner, arrays = array_count(t);
    for (int64_t i = 0; i < seen; i++) {
        REAL *parts[4] = {0};
        for (int64_t a = 0; a < arrays; a++) parts[a] = (REAL *)t->arrays[a] + w->rows[i] * inner;
        step(inner, parts, (const REAL *)w->sums + i * inner, (const REAL *const *)t->numbers, head->option);
    }
}

HR_INLINE void OF(update_rows)(const struct table *t, const struct head *head, int64_t slice, work *w, int64_t inner,
                               OF(step) step) {
    int64_t seen = OF(sum_rows)(t, head, slice, w, inner);
    if (inner >= LONG_ROW) { OF(step_long)(t, head, w, seen, step); return; }
    int64_t most = head->sum ? BLOCK / inner : 1;
    for (int64_t i = 0; i < seen; i += most) OF(step_short)(t, head, w, i, hr_min(most, seen - i), inner, step);
}

static void OF(update)(const void *arguments, int64_t chunk, hr_context *context, OF(step) step) {
    const struct head *head = arguments;
    const struct table *t = (const struct table *)(head + 1) + chunk / head->slices;
    int64_t slice = chunk % head->slices;
    work w;
    if (!t->count || !t->inner || !reserve(&w, t, sizeof(REAL), context)) return;
    /* Copies of known size are a load and a store. */
    if (t->inner == 1) OF(update_rows)(t, head, slice, &w, 1, step);
    else if (t->inner == 8) OF(update_rows)(t, head, slice, &w, 8, step);
    else if (t->inner == 16) OF(update_rows)(t, head, slice, &w, 16, step);
    else OF(update_rows)(t, head, slice, &w, t->inner, step);
}
