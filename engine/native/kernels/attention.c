/* Attention and its gradient in float32, of matrices of 32 or 16 bits: scores exist for a block of rows and a block of keys at a
   time, and of 16 bits so do the rows as float32. */
/* The tiles of the other dtype are not used here. */
#pragma GCC diagnostic ignored "-Wunused-function"
#include "narrow.h"
#include "philox.h"
#include "tiles.h"

/* Rows and keys of a block: its scores stay in the second-level cache. */
enum { ROWS = 64, KEYS = 256 };
/* What matrices are of. */
enum { FLOAT32, BFLOAT16, FLOAT16 };

/* A matrix of each of outer x inner pairs; steps in elements. */
struct place { void *at; int64_t outer, inner, row; };
struct mask { const float *at; int64_t outer, inner, row, column; };
struct sizes { int64_t pairs, inner, rows, keys, depth, width, kind; double scale, factor, hidden; };

/* From a row of scores to the next: whole vectors, and no power of two, by which rows would share few sets of the cache. */
HR_INLINE int64_t row_of_scores(const struct sizes *s) {
    return (hr_min(KEYS, s->keys) + HR_LANES - 1) / HR_LANES * HR_LANES + 16;
}
/* Some rows of a matrix: where they lie, how far apart, and how many elements each has. */
struct rows { char *at; int64_t step, count, width, kind; };
HR_INLINE struct rows rows_of(const struct sizes *s, const struct place *p, int64_t pair, int64_t row, int64_t count,
                              int64_t width) {
    int64_t offset = pair / s->inner * p->outer + pair % s->inner * p->inner + row * p->row;
    return (struct rows){(char *)p->at + offset * (s->kind == FLOAT32 ? 4 : 2), p->row, count, width, s->kind};
}
/* As float32: where they lie, or copied to `room`. */
struct matrix { float *at; int64_t row; };
static struct matrix wide_of(struct rows r, float *room) {
    if (r.kind == FLOAT32) return (struct matrix){(float *)r.at, r.step};
    for (int64_t i = 0; i < r.count; i++) {
        const char *from = r.at + i * r.step * 2;
        float *to = room + i * r.width;
        if (r.kind == BFLOAT16)
            for (int64_t j = 0; j < r.width; j++) to[j] = hr_of_bfloat(((const hr_bfloat *)from)[j]);
        else
            for (int64_t j = 0; j < r.width; j++) to[j] = hr_of_half(((const hr_half *)from)[j]);
    }
    return (struct matrix){room, r.width};
}
/* Where rows are to be computed, and their way from there. */
static struct matrix room_for(struct rows r, float *room) {
    return r.kind == FLOAT32 ? (struct matrix){(float *)r.at, r.step} : (struct matrix){room, r.width};
}
static void write_rows(struct rows r, const float *room) {
    if (r.kind == FLOAT32) return;
    for (int64_t i = 0; i < r.count; i++) {
        char *to = r.at + i * r.step * 2;
        const float *from = room + i * r.width;
        if (r.kind == BFLOAT16)
            for (int64_t j = 0; j < r.width; j++) ((hr_bfloat *)to)[j] = hr_to_bfloat(from[j]);
        else
            for (int64_t j = 0; j < r.width; j++) ((hr_half *)to)[j] = hr_to_half(from[j]);
    }
}
/* Elements of room for such rows. */
HR_INLINE int64_t room_of(const struct sizes *s, int64_t rows, int64_t width) { return s->kind == FLOAT32 ? 0 : rows * width; }
HR_INLINE hr_vf part_of(const float *row, int64_t i, int64_t n, float pad) {
    if (i + HR_LANES <= n) return hr_load(row + i);
    hr_vf v = hr_all(pad);
    memcpy(&v, row + i, (size_t)(n - i) * 4);
    return v;
}
HR_INLINE void put_part(float *row, int64_t i, int64_t n, hr_vf v) {
    if (i + HR_LANES <= n) hr_store(row + i, v);
    else hr_store_part(row + i, v, n - i);
}

/* out = a . b for rows x columns; element [i, k] of a at a[i * a_row + k * a_column]; out += where `more`, by way of `sums`. */
static void multiply(int64_t rows, int64_t columns, int64_t depth, const float *a, int64_t a_row, int64_t a_column,
                     const float *b, int64_t ldb, int64_t turned, float *out, int64_t ldout, float *sums, void *scratch) {
    hr_factors_f32 f = {a, a_row, a_column, b, ldb, turned, depth};
    float *to = sums ? sums : out;
    int64_t ld = sums ? columns : ldout;
    hr_block_f32(&f, 0, rows, 0, columns, to, ld, 0, 0, 0, scratch);
    if (!sums) return;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < columns; j++) out[r * ldout + j] += sums[r * columns + j];
}

/* scores = scores * scale + mask * factor, no less than `hidden`, for rows from `row` and keys from `key` */
static void finish_scores(const struct sizes *s, const struct mask *m, int64_t pair, int64_t row, int64_t rows, int64_t key,
                          int64_t keys, float *scores) {
    float scale = (float)s->scale, factor = (float)s->factor;
    int64_t ld = row_of_scores(s);
    const float *mask = m->at ? m->at + pair / s->inner * m->outer + pair % s->inner * m->inner : 0;
    hr_vf hidden = hr_all(s->hidden < 0 ? (float)s->hidden : -INFINITY);
    for (int64_t r = 0; r < rows; r++) {
        float *x = scores + r * ld;
        const float *added = mask ? mask + (row + r) * m->row + key * m->column : 0;
        for (int64_t j = 0; j < keys; j += HR_LANES) {
            hr_vf v = hr_load(x + j) * scale;
            if (added) v = hr_vmax(v + (m->column ? part_of(added, j, keys, 0) : hr_all(*added)) * factor, hidden);
            hr_store(x + j, v);
        }
    }
}

/* By what weights are dropped: as the op _DropoutChance gives it, or null. */
HR_INLINE float factor_of(const uint32_t *chance) { return hr_float(chance[8]); }

/* Multiplies `count` weights, of which the first is number `start` of all, by 0 or the factor; slopes too, if there are. */
static void drop(const uint32_t *chance, int64_t start, int64_t count, float *weights, float *slopes) {
    uint32_t words[KEYS + 8], limit = chance[6], least = chance[7];
    uint64_t key = (uint64_t)chance[1] << 32 | chance[0], low = (uint64_t)chance[3] << 32 | chance[2];
    uint64_t high = (uint64_t)chance[5] << 32 | chance[4];
    hr_philox(key, low, high, start / 4, (start + count + 3) / 4, words);
    float factor = factor_of(chance);
    const uint32_t *drawn = words + start % 4;
    for (int64_t i = 0; i < count; i++) weights[i] = (drawn[i] & limit) >= least ? weights[i] * factor : 0;
    for (int64_t i = 0; slopes && i < count; i++) slopes[i] = (drawn[i] & limit) >= least ? slopes[i] * factor : 0;
}

struct attention {
    struct sizes sizes;
    struct place query, key, value, out;
    struct mask mask;
    const uint32_t *chance;
    float *most, *share;
};

static float largest_of(const float *x, int64_t n, float most) {
    hr_vf v = hr_all(most);
    float lanes[HR_LANES];
    for (int64_t j = 0; j < n; j += HR_LANES) v = hr_vmax(part_of(x, j, n, -INFINITY), v);
    memcpy(lanes, &v, sizeof lanes);
    for (int i = 0; i < HR_LANES; i++) most = lanes[i] > most || lanes[i] != lanes[i] ? lanes[i] : most;
    return most;
}

static void attention(const void *arguments, int64_t chunk, hr_context *context) {
    const struct attention *a = arguments;
    const struct sizes *s = &a->sizes;
    int64_t blocks = (s->rows + ROWS - 1) / ROWS, pair = chunk / blocks, row = chunk % blocks * ROWS;
    int64_t rows = hr_min(ROWS, s->rows - row), ld = row_of_scores(s), widest = hr_max(KEYS, hr_max(s->depth, s->width));
    int64_t own = room_of(s, ROWS, s->depth), others = room_of(s, KEYS, hr_max(s->depth, s->width));
    int64_t ends = room_of(s, ROWS, s->width);
    size_t room = (size_t)(ROWS * (ld + s->width) + own + others + ends) * 4;
    float *scores = hr_scratch(context, hr_block_scratch_f32(widest, widest) + room);
    if (!scores) { hr_fail(context); return; }
    float *sums = scores + ROWS * ld, *own_room = sums + ROWS * s->width, *others_room = own_room + own;
    float *end_room = others_room + others, *scratch = end_room + ends, most[ROWS], total[ROWS];
    struct matrix query = wide_of(rows_of(s, &a->query, pair, row, rows, s->depth), own_room);
    struct rows result = rows_of(s, &a->out, pair, row, rows, s->width);
    struct matrix out = room_for(result, end_room);
    for (int64_t r = 0; r < rows; r++) { most[r] = -INFINITY; total[r] = 0; }
    for (int64_t j = 0; j < s->keys; j += KEYS) {
        int64_t keys = hr_min(KEYS, s->keys - j);
        struct matrix key = wide_of(rows_of(s, &a->key, pair, j, keys, s->depth), others_room);
        multiply(rows, keys, s->depth, query.at, query.row, 1, key.at, key.row, 1, scores, ld, 0, scratch);
        finish_scores(s, &a->mask, pair, row, rows, j, keys, scores);
        for (int64_t r = 0; r < rows; r++) {
            float *x = scores + r * ld, before = most[r], now = most[r] = largest_of(x, keys, before);
            /* Where all is -inf so far, nothing is added. */
            float base = now == -INFINITY ? 0 : now, fade = before == -INFINITY ? 0 : expf(before - base);
            hr_vf sum = {0};
            for (int64_t k = 0; k < keys; k += HR_LANES) {
                hr_vf e = hr_exp(part_of(x, k, keys, -INFINITY) - base);
                sum += e;
                put_part(x, k, keys, e);
            }
            total[r] = (j ? total[r] * fade : 0) + hr_sum(sum);
            if (a->chance) drop(a->chance, (pair * s->rows + row + r) * s->keys + j, keys, x, 0);
            for (int64_t k = 0; j && k < s->width; k++) out.at[r * out.row + k] *= fade;
        }
        struct matrix value = wide_of(rows_of(s, &a->value, pair, j, keys, s->width), others_room);
        multiply(rows, s->width, keys, scores, ld, 1, value.at, value.row, 0, out.at, out.row, j ? sums : 0, scratch);
    }
    for (int64_t r = 0; r < rows; r++) {
        int64_t place = pair * s->rows + row + r;
        float share = most[r] == -INFINITY ? NAN : 1 / total[r];
        a->most[place] = most[r];
        a->share[place] = share;
        for (int64_t k = 0; k < s->width; k++) out.at[r * out.row + k] *= share;
    }
    write_rows(result, out.at);
}

struct attention_grad {
    struct sizes sizes;
    struct place dy, query, key, value, out, dquery, dkey, dvalue;
    struct mask mask;
    const uint32_t *chance;
    const float *most, *share;
};

/* weights = e^(weights - most) * share, slopes = weights * (slopes - mean) * scale; then weights are dropped, as slopes before */
static void slopes_of(const struct attention_grad *a, int64_t place, int64_t rows, int64_t key, int64_t keys, const float *mean,
                      float *weights, float *slopes) {
    const struct sizes *s = &a->sizes;
    int64_t ld = row_of_scores(s);
    for (int64_t r = 0; r < rows; r++) {
        float *w = weights + r * ld, *g = slopes + r * ld, most = a->most[place + r], share = a->share[place + r];
        float scale = (float)s->scale, kept[KEYS + HR_LANES];
        if (a->chance) {
            for (int64_t k = 0; k < keys; k++) kept[k] = 1;
            drop(a->chance, (place + r) * s->keys + key, keys, kept, g);
        }
        for (int64_t k = 0; k < keys; k += HR_LANES) {
            hr_vf p = hr_exp(hr_load(w + k) - most) * share;
            hr_store(w + k, p);
            hr_store(g + k, (hr_load(g + k) - mean[r]) * p * scale);
        }
        /* Scores that all are hidden depend on nothing, though their weights be NaN. */
        if (s->hidden < 0 && most == (float)s->hidden) memset(g, 0, (size_t)keys * sizeof *g);
        for (int64_t k = 0; a->chance && k < keys; k++) w[k] *= kept[k];
    }
}

static void attention_grad(const void *arguments, int64_t pair, hr_context *context) {
    const struct attention_grad *a = arguments;
    const struct sizes *s = &a->sizes;
    int64_t widest = hr_max(KEYS, hr_max(s->depth, s->width)), ld = row_of_scores(s);
    int64_t parts[] = {
        2 * ROWS * ld, KEYS * hr_max(s->depth, s->width), room_of(s, ROWS, s->depth), room_of(s, ROWS, s->width),
        room_of(s, ROWS, s->width), room_of(s, KEYS, s->depth), room_of(s, KEYS, s->width), room_of(s, ROWS, s->depth),
        room_of(s, s->keys, s->depth), room_of(s, s->keys, s->width)};
    enum { PARTS = sizeof parts / sizeof *parts };
    int64_t all = 0;
    for (int i = 0; i < PARTS; i++) all += parts[i];
    float *weights = hr_scratch(context, hr_block_scratch_f32(widest, widest) + (size_t)all * 4), *places[PARTS];
    if (!weights) { hr_fail(context); return; }
    places[0] = weights;
    for (int i = 1; i < PARTS; i++) places[i] = places[i - 1] + parts[i - 1];
    float *slopes = weights + ROWS * ld, *sums = places[1], *scratch = weights + all, mean[ROWS];
    struct rows key_result = rows_of(s, &a->dkey, pair, 0, s->keys, s->depth);
    struct rows value_result = rows_of(s, &a->dvalue, pair, 0, s->keys, s->width);
    struct matrix dkey = room_for(key_result, places[8]), dvalue = room_for(value_result, places[9]);
    /* Columns behind the last key are computed with and not looked at. */
    memset(weights, 0, (size_t)(2 * ROWS * ld) * 4);
    for (int64_t i = 0; i < s->rows; i += ROWS) {
        int64_t rows = hr_min(ROWS, s->rows - i);
        struct matrix q = wide_of(rows_of(s, &a->query, pair, i, rows, s->depth), places[2]);
        struct matrix g = wide_of(rows_of(s, &a->dy, pair, i, rows, s->width), places[3]);
        struct matrix out = wide_of(rows_of(s, &a->out, pair, i, rows, s->width), places[4]);
        struct rows query_result = rows_of(s, &a->dquery, pair, i, rows, s->depth);
        struct matrix dquery = room_for(query_result, places[7]);
        for (int64_t r = 0; r < rows; r++) {
            hr_vf sum = {0};
            for (int64_t k = 0; k < s->width; k += HR_LANES)
                sum += part_of(g.at + r * g.row, k, s->width, 0) * part_of(out.at + r * out.row, k, s->width, 0);
            mean[r] = hr_sum(sum);
        }
        for (int64_t j = 0; j < s->keys; j += KEYS) {
            int64_t keys = hr_min(KEYS, s->keys - j);
            struct matrix key = wide_of(rows_of(s, &a->key, pair, j, keys, s->depth), places[5]);
            struct matrix value = wide_of(rows_of(s, &a->value, pair, j, keys, s->width), places[6]);
            multiply(rows, keys, s->depth, q.at, q.row, 1, key.at, key.row, 1, weights, ld, 0, scratch);
            multiply(rows, keys, s->width, g.at, g.row, 1, value.at, value.row, 1, slopes, ld, 0, scratch);
            finish_scores(s, &a->mask, pair, i, rows, j, keys, weights);
            slopes_of(a, pair * s->rows + i, rows, j, keys, mean, weights, slopes);
            multiply(keys, s->width, rows, weights, 1, ld, g.at, g.row, 0, dvalue.at + j * dvalue.row, dvalue.row,
                     i ? sums : 0, scratch);
            multiply(keys, s->depth, rows, slopes, 1, ld, q.at, q.row, 0, dkey.at + j * dkey.row, dkey.row, i ? sums : 0,
                     scratch);
            multiply(rows, s->depth, keys, slopes, ld, 1, key.at, key.row, 0, dquery.at, dquery.row, j ? sums : 0, scratch);
        }
        write_rows(query_result, dquery.at);
    }
    write_rows(key_result, dkey.at);
    write_rows(value_result, dvalue.at);
}

HR_TABLE(attention)
HR_ENTRY(attention, struct attention)
HR_ENTRY(attention_grad, struct attention_grad)
HR_END
