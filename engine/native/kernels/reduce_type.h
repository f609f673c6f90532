/* Reductions of numbers of type T in vectors V of LANES; totals are SUMS, maxima begin with LEAST and minima with MOST. */

HR_INLINE SUMS NAME(neutral)(int64_t operation) {
    return operation == SUM ? 0 : operation == PROD ? 1 : operation == MAX ? (SUMS)LEAST : (SUMS)MOST;
}

/* Integers wrap round, as NumPy's do; of numbers that are not, NaN stays. */
HR_INLINE SUMS NAME(wrapped)(SUMS a, SUMS b, int64_t operation) {
    if ((SUMS)0.5 != 0) return operation == SUM ? a + b : a * b;
    return (SUMS)(operation == SUM ? (uint64_t)a + (uint64_t)b : (uint64_t)a * (uint64_t)b);
}

HR_INLINE SUMS NAME(join)(SUMS a, SUMS b, int64_t operation) {
    if (operation <= PROD) return NAME(wrapped)(a, b, operation);
    if (a != a) return a;
    if (operation == MAX) return a > b ? a : b;
    return a < b ? a : b;
}

HR_INLINE V NAME(join_all)(V a, V b, int64_t operation) {
    if (operation == SUM) return a + b;
    if (operation == PROD) return a * b;
    M first = (operation == MAX ? (M)(a > b) : (M)(a < b)) | (M)(a != a);
    return NAME(choose)(first, a, b);
}

/* Of n elements in a row. */
HR_INLINE SUMS NAME(fold_with)(const T *p, int64_t n, int64_t operation) {
    enum { STREAMS = 4, FLUSH = 16 };
    SUMS total = NAME(neutral)(operation);
    int64_t i = 0;
    while (n - i >= LANES) {
        V sums[STREAMS];
        int64_t vectors = hr_min((n - i) / LANES, STREAMS * FLUSH), j = 0;
        for (int k = 0; k < STREAMS; k++) sums[k] = NAME(all)((T)NAME(neutral)(operation));
        for (; j + STREAMS <= vectors; j += STREAMS, i += STREAMS * LANES)
            for (int k = 0; k < STREAMS; k++)
                sums[k] = NAME(join_all)(sums[k], *(const V *)(p + i + k * LANES), operation);
        for (; j < vectors; j++, i += LANES) sums[0] = NAME(join_all)(sums[0], *(const V *)(p + i), operation);
        sums[0] = NAME(join_all)(NAME(join_all)(sums[0], sums[1], operation), NAME(join_all)(sums[2], sums[3], operation),
                                 operation);
        SUMS lanes[LANES];
        for (int l = 0; l < LANES; l++) lanes[l] = sums[0][l];
        for (int width = LANES / 2; width; width /= 2)
            for (int l = 0; l < width; l++) lanes[l] = NAME(join)(lanes[l], lanes[l + width], operation);
        total = NAME(join)(total, lanes[0], operation);
    }
    for (; i < n; i++) total = NAME(join)(total, (SUMS)p[i], operation);
    return total;
}

static SUMS NAME(fold)(const T *p, int64_t n, int64_t operation) {
    switch (operation) {
    case SUM: return NAME(fold_with)(p, n, SUM);
    case PROD: return NAME(fold_with)(p, n, PROD);
    case MAX: return NAME(fold_with)(p, n, MAX);
    default: return NAME(fold_with)(p, n, MIN);
    }
}

static void NAME(finish)(void *out, int64_t place, SUMS total, double divisor, int64_t root, int64_t is_bool) {
    if (is_bool) { ((uint8_t *)out)[place] = (uint8_t)((int64_t)total & 1); return; }
    if (divisor != 0) total = (SUMS)((double)total / divisor);
    ((T *)out)[place] = (T)(root ? (SUMS)sqrt((double)total) : total);
}

static void NAME(give)(const struct reduce *a, int64_t row, int64_t part, int64_t column, SUMS total) {
    if (a->parts > 1) ((SUMS *)a->out)[(row * a->parts + part) * a->inner + column] = total;
    else NAME(finish)(a->out, row * a->inner + column, total, a->divisor, a->root, a->program->is_bool);
}

/* inner is 1: a chunk is `width` rows, or a part of one. */
static void NAME(reduce_rows)(const void *arguments, int64_t chunk, hr_context *context) {
    const struct reduce *a = arguments;
    int64_t row = chunk * a->width, part = 0, begin, end, left;
    hr_state s;
    SUMS total = NAME(neutral)(a->operation);
    hr_open(&s, a->program, a->inputs, sizeof(T), 0, context);
    if (!s.value) return;
    NAME(start)(&s);
    begin = row * a->length;
    end = hr_min(row + a->width, a->outer) * a->length;
    left = a->length;
    if (a->parts > 1) {
        row = chunk / a->parts;
        part = chunk % a->parts;
        begin = row * a->length + part * a->part;
        end = hr_min(begin + a->part, (row + 1) * a->length);
        left = end - begin;
    }
    while (begin < end) {
        int64_t n = hr_block_length(a->program, begin, end);
        const T *p = NAME(evaluate)(&s, begin, n, a->kept ? (T *)a->kept + begin : (T *)s.value);
        begin += n;
        while (n > 0) {
            int64_t taken = hr_min(left, n);
            total = NAME(join)(total, NAME(fold)(p, taken, a->operation), a->operation);
            p += taken;
            n -= taken;
            left -= taken;
            if (left) continue;
            NAME(give)(a, row++, part, 0, total);
            total = NAME(neutral)(a->operation);
            left = a->length;
        }
    }
}

/* sums[i] = sums[i] with p[i], p[i + stride], ... of `rows` rows */
HR_INLINE void NAME(add_rows_with)(T *sums, const T *p, int64_t n, int64_t stride, int64_t rows, int64_t operation) {
    for (; rows >= 4; rows -= 4, p += 4 * stride) {
        int64_t i = 0;
        for (; i + LANES <= n; i += LANES) {
            V x = NAME(join_all)(*(const V *)(p + i), *(const V *)(p + i + stride), operation);
            V y = NAME(join_all)(*(const V *)(p + i + 2 * stride), *(const V *)(p + i + 3 * stride), operation);
            *(V *)(sums + i) = NAME(join_all)(*(const V *)(sums + i), NAME(join_all)(x, y, operation), operation);
        }
        for (; i < n; i++)
            for (int k = 0; k < 4; k++) sums[i] = (T)NAME(join)((SUMS)sums[i], (SUMS)p[i + k * stride], operation);
    }
    for (; rows; rows--, p += stride) {
        int64_t i = 0;
        for (; i + LANES <= n; i += LANES)
            *(V *)(sums + i) = NAME(join_all)(*(const V *)(sums + i), *(const V *)(p + i), operation);
        for (; i < n; i++) sums[i] = (T)NAME(join)((SUMS)sums[i], (SUMS)p[i], operation);
    }
}

static void NAME(add_rows)(T *sums, const T *p, int64_t n, int64_t stride, int64_t rows, int64_t operation) {
    switch (operation) {
    case SUM: NAME(add_rows_with)(sums, p, n, stride, rows, SUM); break;
    case PROD: NAME(add_rows_with)(sums, p, n, stride, rows, PROD); break;
    case MAX: NAME(add_rows_with)(sums, p, n, stride, rows, MAX); break;
    default: NAME(add_rows_with)(sums, p, n, stride, rows, MIN);
    }
}

/* Adds sums to totals and begins new sums. */
static void NAME(flush)(SUMS *totals, T *sums, int64_t n, int64_t operation) {
    if (operation == SUM) for (int64_t i = 0; i < n; i++) totals[i] = NAME(wrapped)(totals[i], (SUMS)sums[i], SUM);
    else for (int64_t i = 0; i < n; i++) totals[i] = NAME(join)(totals[i], (SUMS)sums[i], operation);
    for (int64_t i = 0; i < n; i++) sums[i] = (T)NAME(neutral)(operation);
}

/* A chunk is `width` columns of a part. Rows that are shorter than a few vectors are put together as one. */
static void NAME(reduce_columns)(const void *arguments, int64_t chunk, hr_context *context) {
    enum { FLUSH = 32, SHORT = 64 };
    const struct reduce *a = arguments;
    int64_t blocks = (a->inner + a->width - 1) / a->width, part = chunk / blocks % a->parts, row = chunk / blocks / a->parts;
    int64_t first = chunk % blocks * a->width, width = hr_min(a->width, a->inner - first);
    int64_t begin = part * a->part, end = hr_min(begin + a->part, a->length), whole = width == a->inner;
    int64_t joined = whole ? (width < SHORT ? SHORT / width : 1) : 1, span = width * joined, added = 0, column = 0;
    hr_state s;
    hr_open(&s, a->program, a->inputs, sizeof(T), span * (int64_t)(sizeof(SUMS) + sizeof(T)) + 128, context);
    if (!s.value) return;
    NAME(start)(&s);
    SUMS *totals = (SUMS *)hr_extra(&s);
    T *sums = (T *)(totals + span);
    for (int64_t i = 0; i < span; i++) totals[i] = NAME(neutral)(a->operation);
    for (int64_t i = 0; i < span; i++) sums[i] = (T)NAME(neutral)(a->operation);
    /* Columns that are all of the rows make one stretch of memory, others a stretch each row. */
    for (int64_t r = begin; r < end; r = whole ? end : r + 1) {
        int64_t from = (row * a->length + r) * a->inner + first;
        int64_t to = whole ? (row * a->length + end) * a->inner : from + width;
        while (from < to) {
            int64_t n = hr_block_length(a->program, from, to);
            const T *p = NAME(evaluate)(&s, from, n, a->kept ? (T *)a->kept + from : (T *)s.value);
            from += n;
            while (n > 0) {
                int64_t taken = hr_min(span - column, n), rows = 1;
                if (taken == span) rows = hr_min(n / span, FLUSH - added);
                NAME(add_rows)(sums + column, p, taken, span, rows, a->operation);
                p += taken * rows;
                n -= taken * rows;
                column += taken;
                if (column < span) continue;
                column = 0;
                added += rows;
                if (added < FLUSH) continue;
                NAME(flush)(totals, sums, span, a->operation);
                added = 0;
            }
        }
    }
    NAME(flush)(totals, sums, span, a->operation);
    for (int64_t i = 0; i < width; i++) {
        for (int64_t j = 1; j < joined; j++) totals[i] = NAME(join)(totals[i], totals[i + j * width], a->operation);
        NAME(give)(a, row, part, first + i, totals[i]);
    }
}

static void NAME(combine)(const void *arguments, int64_t chunk, hr_context *context) {
    const struct combine *a = arguments;
    hr_range r = hr_chunk(a->count, a->chunk, chunk);
    (void)context;
    for (int64_t i = r.begin; i < r.end; i++) {
        const SUMS *in = (const SUMS *)a->in + i / a->inner * a->parts * a->inner + i % a->inner;
        SUMS total = *in;
        for (int64_t k = 1; k < a->parts; k++) total = NAME(join)(total, in[k * a->inner], a->operation);
        NAME(finish)(a->out, i, total, a->divisor, a->root, a->is_bool);
    }
}

#ifndef HR_ARG_BEST
#define HR_ARG_BEST
/* Where the greatest (or least) of `length` elements lies, the first of equal ones. NaN is passed over. */
struct arg_best { int64_t outer, length, inner, least, wide, chunk; const void *in; void *out; };
#endif

static void NAME(arg_best)(const void *arguments, int64_t chunk, hr_context *context) {
    const struct arg_best *a = arguments;
    hr_range r = hr_chunk(a->outer * a->inner, a->chunk, chunk);
    (void)context;
    for (int64_t i = r.begin; i < r.end; i++) {
        const T *p = (const T *)a->in + i / a->inner * a->length * a->inner + i % a->inner;
        T best = a->least ? (T)MOST : (T)LEAST;
        int64_t found = 0;
        for (int64_t k = 0; k < a->length; k++) {
            T x = p[k * a->inner];
            if (a->least ? x < best : x > best) { best = x; found = k; }
        }
        if (a->wide) ((int64_t *)a->out)[i] = found;
        else ((int32_t *)a->out)[i] = (int32_t)found;
    }
}

#undef T
#undef V
#undef M
#undef SUMS
#undef LANES
#undef NAME
#undef LEAST
#undef MOST
