/* Normalisation of rows by their own moments, and its gradient, float32. */
#include "vector.h"

HR_INLINE hr_vf part(const float *p, int64_t width) { return width >= HR_LANES ? hr_load(p) : hr_load_part(p, width); }
HR_INLINE void put(float *p, hr_vf v, int64_t width) {
    if (width >= HR_LANES) hr_store(p, v);
    else hr_store_part(p, v, width);
}
/* The first `width` lanes, 0 behind them. */
HR_INLINE hr_vf first_lanes(hr_vf v, int64_t width) {
    if (width >= HR_LANES) return v;
    float lanes[HR_LANES];
    memcpy(lanes, &v, sizeof lanes);
    return hr_load_part(lanes, width);
}

struct layer_norm {
    int64_t rows, chunk, n;
    double epsilon;
    const float *x, *scale, *offset;
    float *y, *mean, *inverse;
};

static void layer_norm_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct layer_norm *a = arguments;
    hr_range r = hr_chunk(a->rows, a->chunk, chunk);
    int64_t n = a->n;
    (void)context;
    for (int64_t row = r.begin; row < r.end; row++) {
        const float *x = a->x + row * n;
        hr_vf total = {0}, squares = {0};
        for (int64_t j = 0; j < n; j += HR_LANES) total += part(x + j, n - j);
        float mean = hr_sum(total) / (float)n;
        for (int64_t j = 0; j < n; j += HR_LANES) {
            hr_vf d = first_lanes(part(x + j, n - j) - mean, n - j);
            squares += d * d;
        }
        float inverse = 1 / sqrtf(hr_sum(squares) / (float)n + (float)a->epsilon);
        for (int64_t j = 0; j < n; j += HR_LANES) {
            hr_vf unit = (part(x + j, n - j) - mean) * inverse;
            put(a->y + row * n + j, unit * part(a->scale + j, n - j) + part(a->offset + j, n - j), n - j);
        }
        a->mean[row] = mean;
        a->inverse[row] = inverse;
    }
}

struct layer_norm_grad {
    int64_t rows, chunk, n;
    const float *dy, *x, *scale, *mean, *inverse;
    float *dx, *partial; /* for each chunk [2, n]: the sums that make the gradients of scale and offset */
};

static void layer_norm_grad_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct layer_norm_grad *a = arguments;
    hr_range r = hr_chunk(a->rows, a->chunk, chunk);
    int64_t n = a->n;
    float *dscale = a->partial + chunk * 2 * n, *doffset = dscale + n;
    (void)context;
    memset(dscale, 0, (size_t)(2 * n) * 4);
    for (int64_t row = r.begin; row < r.end; row++) {
        const float *x = a->x + row * n, *dy = a->dy + row * n;
        float mean = a->mean[row], inverse = a->inverse[row];
        hr_vf total = {0}, products = {0};
        for (int64_t j = 0; j < n; j += HR_LANES) {
            int64_t w = n - j;
            hr_vf g = part(dy + j, w), unit = first_lanes((part(x + j, w) - mean) * inverse, w);
            hr_vf scaled = g * part(a->scale + j, w);
            total += scaled;
            products += scaled * unit;
            put(dscale + j, part(dscale + j, w) + g * unit, w);
            put(doffset + j, part(doffset + j, w) + g, w);
        }
        float average = hr_sum(total) / (float)n, slope = hr_sum(products) / (float)n;
        for (int64_t j = 0; j < n; j += HR_LANES) {
            int64_t w = n - j;
            hr_vf unit = (part(x + j, w) - mean) * inverse;
            put(a->dx + row * n + j, (part(dy + j, w) * part(a->scale + j, w) - average - unit * slope) * inverse, w);
        }
    }
}

struct layer_norm_sums { int64_t n, chunk, chunks; const float *partial; float *dscale, *doffset; };

static void layer_norm_sums_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct layer_norm_sums *a = arguments;
    hr_range c = hr_chunk(a->n, a->chunk, chunk);
    (void)context;
    for (int64_t j = c.begin; j < c.end; j++) {
        double dscale = 0, doffset = 0;
        for (int64_t k = 0; k < a->chunks; k++) {
            dscale += a->partial[2 * k * a->n + j];
            doffset += a->partial[(2 * k + 1) * a->n + j];
        }
        a->dscale[j] = (float)dscale;
        a->doffset[j] = (float)doffset;
    }
}

HR_TABLE(layer_norm)
HR_ENTRY(layer_norm_f32, struct layer_norm)
HR_ENTRY(layer_norm_grad_f32, struct layer_norm_grad)
HR_ENTRY(layer_norm_sums_f32, struct layer_norm_sums)
HR_END
