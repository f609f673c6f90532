/* Softmax along rows, and cross entropy with it: loss and gradient in one pass over each row. float32. */
#include "vector.h"

/* Vector number `i` of a row of `n`; behind its end `pad`. */
HR_INLINE hr_vf row_at(const float *row, int64_t i, int64_t n, float pad) {
    if (i + HR_LANES <= n) return hr_load(row + i);
    hr_vf v = hr_all(pad);
    memcpy(&v, row + i, (size_t)(n - i) * 4);
    return v;
}
HR_INLINE void put_at(float *row, int64_t i, int64_t n, hr_vf v) {
    if (i + HR_LANES <= n) hr_store(row + i, v);
    else hr_store_part(row + i, v, n - i);
}

HR_INLINE float largest(const float *row, int64_t n) {
    enum { MANY = 4 }; /* a maximum waits for the one before it, so there are several */
    hr_vf most = hr_all(-INFINITY), of[MANY] = {most, most, most, most};
    int64_t i = 0;
    for (; i + MANY * HR_LANES <= n; i += MANY * HR_LANES)
        for (int j = 0; j < MANY; j++) of[j] = hr_vmax(hr_load(row + i + j * HR_LANES), of[j]);
    for (int j = 0; j < MANY; j++) most = hr_vmax(of[j], most);
    for (; i < n; i += HR_LANES) most = hr_vmax(row_at(row, i, n, -INFINITY), most);
    float lanes[HR_LANES], result = -INFINITY;
    memcpy(lanes, &most, sizeof lanes);
    for (int i = 0; i < HR_LANES; i++) result = lanes[i] > result || lanes[i] != lanes[i] ? lanes[i] : result;
    return result;
}

/* out = e^(x - most); returns the sum. */
HR_INLINE float exponents(float *out, const float *row, int64_t n, float most) {
    hr_vf total = {0};
    for (int64_t i = 0; i < n; i += HR_LANES) {
        hr_vf e = hr_exp(row_at(row, i, n, -INFINITY) - most);
        total += e;
        put_at(out, i, n, e);
    }
    return hr_sum(total);
}

struct rows { int64_t count, chunk, n; const float *in; float *out; };

static void softmax_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct rows *a = arguments;
    hr_range r = hr_chunk(a->count, a->chunk, chunk);
    (void)context;
    for (int64_t row = r.begin; row < r.end; row++) {
        const float *x = a->in + row * a->n;
        float *y = a->out + row * a->n, total = exponents(y, x, a->n, largest(x, a->n));
        for (int64_t i = 0; i < a->n; i += HR_LANES) put_at(y, i, a->n, row_at(y, i, a->n, 0) / total);
    }
}

static void log_softmax_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct rows *a = arguments;
    hr_range r = hr_chunk(a->count, a->chunk, chunk);
    (void)context;
    for (int64_t row = r.begin; row < r.end; row++) {
        const float *x = a->in + row * a->n;
        float *y = a->out + row * a->n, most = largest(x, a->n);
        hr_vf total = {0};
        for (int64_t i = 0; i < a->n; i += HR_LANES) total += hr_exp(row_at(x, i, a->n, -INFINITY) - most);
        float log_total = logf(hr_sum(total));
        for (int64_t i = 0; i < a->n; i += HR_LANES) put_at(y, i, a->n, row_at(x, i, a->n, 0) - most - log_total);
    }
}

/* gradient, which may lie where the logits do, = (softmax(logits) - labels) * scale, where scale is a number a row, one for all (scale_step 0), or NULL. */
struct entropy {
    int64_t count, chunk, n;
    const float *logits;
    const void *labels;
    int64_t wide_labels;
    float *loss, *gradient;
    const float *scale;
    int64_t scale_step;
};

HR_INLINE float scale_of(const struct entropy *a, int64_t row) { return a->scale ? a->scale[row * a->scale_step] : 1.0f; }

static void sparse_cross_entropy_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct entropy *a = arguments;
    hr_range r = hr_chunk(a->count, a->chunk, chunk);
    for (int64_t row = r.begin; row < r.end; row++) {
        const float *x = a->logits + row * a->n;
        float *y = a->gradient + row * a->n, most, total, scale = scale_of(a, row);
        int64_t label = a->wide_labels ? ((const int64_t *)a->labels)[row] : ((const int32_t *)a->labels)[row];
        if (label < 0 || label >= a->n) { hr_fail(context); return; }
        most = largest(x, a->n);
        float chosen = x[label] - most;
        total = exponents(y, x, a->n, most);
        float share = scale / total;
        for (int64_t i = 0; i < a->n; i += HR_LANES) put_at(y, i, a->n, row_at(y, i, a->n, 0) * share);
        y[label] -= scale;
        a->loss[row] = logf(total) - chosen;
    }
}

static void cross_entropy_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct entropy *a = arguments;
    hr_range r = hr_chunk(a->count, a->chunk, chunk);
    (void)context;
    for (int64_t row = r.begin; row < r.end; row++) {
        const float *x = a->logits + row * a->n, *p = (const float *)a->labels + row * a->n;
        float *y = a->gradient + row * a->n, most = largest(x, a->n), scale = scale_of(a, row);
        hr_vf weighted = {0}, mass = {0};
        for (int64_t i = 0; i < a->n; i += HR_LANES) {
            hr_vf q = row_at(p, i, a->n, 0), term = q * (row_at(x, i, a->n, 0) - most);
            /* where a label is 0 its term is 0, even if the logit is infinitely small */
            weighted += hr_choose(q == hr_all(0), hr_all(0), term);
            mass += q;
        }
        float total = exponents(y, x, a->n, most);
        for (int64_t i = 0; i < a->n; i += HR_LANES)
            put_at(y, i, a->n, (row_at(y, i, a->n, 0) / total - row_at(p, i, a->n, 0)) * scale);
        a->loss[row] = hr_sum(mass) * logf(total) - hr_sum(weighted);
    }
}

HR_TABLE(softmax)
HR_ENTRY(softmax_f32, struct rows)
HR_ENTRY(log_softmax_f32, struct rows)
HR_ENTRY(sparse_cross_entropy_f32, struct entropy)
HR_ENTRY(cross_entropy_f32, struct entropy)
HR_END
