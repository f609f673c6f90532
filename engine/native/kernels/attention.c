/* Attention and its gradient, float32: scores exist for a block of rows and a block of keys at a time. */
/* The tiles of the other dtype are not used here. */
#pragma GCC diagnostic ignored "-Wunused-function"
#include "tiles.h"

/* Rows and keys of a block: its scores stay in the second-level cache. */
enum { ROWS = 64, KEYS = 256 };

/* A matrix of each of outer x inner pairs; steps in elements. */
struct place { float *at; int64_t outer, inner, row; };
struct mask { const float *at; int64_t outer, inner, row, column; };
struct sizes { int64_t pairs, inner, rows, keys, depth, width; double scale, factor; };

/* From a row of scores to the next: whole vectors, and no power of two, by which rows would share few sets of the cache. */
HR_INLINE int64_t row_of_scores(const struct sizes *s) {
    return (hr_min(KEYS, s->keys) + HR_LANES - 1) / HR_LANES * HR_LANES + 16;
}
HR_INLINE float *matrix(const struct sizes *s, const struct place *p, int64_t pair) {
    return p->at + pair / s->inner * p->outer + pair % s->inner * p->inner;
}
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

/* scores = scores * scale + mask * factor, for rows from `row` and keys from `key` */
static void finish_scores(const struct sizes *s, const struct mask *m, int64_t pair, int64_t row, int64_t rows, int64_t key,
                          int64_t keys, float *scores) {
    float scale = (float)s->scale, factor = (float)s->factor;
    int64_t ld = row_of_scores(s);
    const float *mask = m->at ? m->at + pair / s->inner * m->outer + pair % s->inner * m->inner : 0;
    for (int64_t r = 0; r < rows; r++) {
        float *x = scores + r * ld;
        const float *added = mask ? mask + (row + r) * m->row + key * m->column : 0;
        for (int64_t j = 0; j < keys; j += HR_LANES) {
            hr_vf v = hr_load(x + j) * scale;
            if (added) v += (m->column ? part_of(added, j, keys, 0) : hr_all(*added)) * factor;
            hr_store(x + j, v);
        }
    }
}

struct attention { struct sizes sizes; struct place query, key, value, out; struct mask mask; float *most, *share; };

static float largest_of(const float *x, int64_t n, float most) {
    hr_vf v = hr_all(most);
    float lanes[HR_LANES];
    for (int64_t j = 0; j < n; j += HR_LANES) v = hr_vmax(part_of(x, j, n, -INFINITY), v);
    memcpy(lanes, &v, sizeof lanes);
    for (int i = 0; i < HR_LANES; i++) most = lanes[i] > most || lanes[i] != lanes[i] ? lanes[i] : most;
    return most;
}

static void attention_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct attention *a = arguments;
    const struct sizes *s = &a->sizes;
    int64_t blocks = (s->rows + ROWS - 1) / ROWS, pair = chunk / blocks, row = chunk % blocks * ROWS;
    int64_t rows = hr_min(ROWS, s->rows - row), ld = row_of_scores(s), widest = hr_max(KEYS, hr_max(s->depth, s->width));
    const float *query = matrix(s, &a->query, pair) + row * a->query.row, *key = matrix(s, &a->key, pair);
    const float *value = matrix(s, &a->value, pair);
    float *out = matrix(s, &a->out, pair) + row * a->out.row;
    float *scores = hr_scratch(context, hr_block_scratch_f32(widest, widest) + (size_t)(ROWS * (ld + s->width)) * 4);
    if (!scores) { hr_fail(context); return; }
    float *sums = scores + ROWS * ld, *scratch = sums + ROWS * s->width, most[ROWS], total[ROWS];
    for (int64_t r = 0; r < rows; r++) { most[r] = -INFINITY; total[r] = 0; }
    for (int64_t j = 0; j < s->keys; j += KEYS) {
        int64_t keys = hr_min(KEYS, s->keys - j);
        multiply(rows, keys, s->depth, query, a->query.row, 1, key + j * a->key.row, a->key.row, 1, scores, ld, 0, scratch);
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
            for (int64_t k = 0; j && k < s->width; k++) out[r * a->out.row + k] *= fade;
        }
        multiply(rows, s->width, keys, scores, ld, 1, value + j * a->value.row, a->value.row, 0, out, a->out.row,
                 j ? sums : 0, scratch);
    }
    for (int64_t r = 0; r < rows; r++) {
        int64_t place = pair * s->rows + row + r;
        float share = most[r] == -INFINITY ? NAN : 1 / total[r];
        a->most[place] = most[r];
        a->share[place] = share;
        for (int64_t k = 0; k < s->width; k++) out[r * a->out.row + k] *= share;
    }
}

struct attention_grad {
    struct sizes sizes;
    struct place dy, query, key, value, out, dquery, dkey, dvalue;
    struct mask mask;
    const float *most, *share;
};

/* weights = e^(weights - most) * share, slopes = weights * (slopes - mean) * scale */
static void slopes_of(const struct attention_grad *a, int64_t place, int64_t rows, int64_t keys, const float *mean,
                      float *weights, float *slopes) {
    float scale = (float)a->sizes.scale;
    int64_t ld = row_of_scores(&a->sizes);
    for (int64_t r = 0; r < rows; r++) {
        float *w = weights + r * ld, *g = slopes + r * ld, most = a->most[place + r], share = a->share[place + r];
        for (int64_t k = 0; k < keys; k += HR_LANES) {
            hr_vf p = hr_exp(hr_load(w + k) - most) * share;
            hr_store(w + k, p);
            hr_store(g + k, (hr_load(g + k) - mean[r]) * p * scale);
        }
    }
}

static void attention_grad_f32(const void *arguments, int64_t pair, hr_context *context) {
    const struct attention_grad *a = arguments;
    const struct sizes *s = &a->sizes;
    int64_t widest = hr_max(KEYS, hr_max(s->depth, s->width)), ld = row_of_scores(s);
    const float *dy = matrix(s, &a->dy, pair), *query = matrix(s, &a->query, pair), *key = matrix(s, &a->key, pair);
    const float *value = matrix(s, &a->value, pair), *out = matrix(s, &a->out, pair);
    float *dquery = matrix(s, &a->dquery, pair), *dkey = matrix(s, &a->dkey, pair), *dvalue = matrix(s, &a->dvalue, pair);
    size_t own = (size_t)(2 * ROWS * ld + KEYS * hr_max(s->depth, s->width)) * 4;
    float *weights = hr_scratch(context, hr_block_scratch_f32(widest, widest) + own);
    if (!weights) { hr_fail(context); return; }
    float *slopes = weights + ROWS * ld, *sums = slopes + ROWS * ld;
    float *scratch = sums + KEYS * hr_max(s->depth, s->width), mean[ROWS];
    /* Columns behind the last key are computed with and not looked at. */
    memset(weights, 0, (size_t)(2 * ROWS * ld) * 4);
    for (int64_t i = 0; i < s->rows; i += ROWS) {
        int64_t rows = hr_min(ROWS, s->rows - i), ldq = a->query.row, ldy = a->dy.row;
        const float *q = query + i * ldq, *g = dy + i * ldy;
        for (int64_t r = 0; r < rows; r++) {
            hr_vf sum = {0};
            for (int64_t k = 0; k < s->width; k += HR_LANES)
                sum += part_of(g + r * ldy, k, s->width, 0) * part_of(out + (i + r) * a->out.row, k, s->width, 0);
            mean[r] = hr_sum(sum);
        }
        for (int64_t j = 0; j < s->keys; j += KEYS) {
            int64_t keys = hr_min(KEYS, s->keys - j), ldk = a->key.row, ldv = a->value.row;
            multiply(rows, keys, s->depth, q, ldq, 1, key + j * ldk, ldk, 1, weights, ld, 0, scratch);
            multiply(rows, keys, s->width, g, ldy, 1, value + j * ldv, ldv, 1, slopes, ld, 0, scratch);
            finish_scores(s, &a->mask, pair, i, rows, j, keys, weights);
            slopes_of(a, pair * s->rows + i, rows, keys, mean, weights, slopes);
            multiply(keys, s->width, rows, weights, 1, ld, g, ldy, 0, dvalue + j * a->dvalue.row, a->dvalue.row,
                     i ? sums : 0, scratch);
            multiply(keys, s->depth, rows, slopes, 1, ld, q, ldq, 0, dkey + j * a->dkey.row, a->dkey.row, i ? sums : 0,
                     scratch);
            multiply(rows, s->depth, keys, slopes, ld, 1, key + j * ldk, ldk, 0, dquery + i * a->dquery.row,
                     a->dquery.row, j ? sums : 0, scratch);
        }
    }
}

HR_TABLE(attention)
HR_ENTRY(attention_f32, struct attention)
HR_ENTRY(attention_grad_f32, struct attention_grad)
HR_END
