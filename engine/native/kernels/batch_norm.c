/* Batch normalisation of a matrix [rows, channels] and its gradient, float32. Moments are taken chunk by chunk and combined
   in order; within a chunk, columns are summed in float over RUN rows and then in double. */
#include "vector.h"

enum { RUN = 64 };

HR_INLINE hr_vf part(const float *p, int64_t width) { return width >= HR_LANES ? hr_load(p) : hr_load_part(p, width); }
HR_INLINE void put(float *p, hr_vf v, int64_t width) {
    if (width >= HR_LANES) hr_store(p, v);
    else hr_store_part(p, v, width);
}
HR_INLINE void add_to(double *totals, hr_vf v, int64_t width) {
    for (int64_t i = 0; i < hr_min(width, HR_LANES); i++) totals[i] += v[i];
}

struct moments {
    int64_t rows, chunk, channels;
    const float *x;
    double *partial; /* for each chunk [2, channels]: sums, and sums of squares about the chunk's mean */
};

static void batch_moments_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct moments *a = arguments;
    hr_range r = hr_chunk(a->rows, a->chunk, chunk);
    int64_t c = a->channels;
    double *sums = a->partial + chunk * 2 * c, *squares = sums + c;
    (void)context;
    memset(sums, 0, (size_t)(2 * c) * sizeof(double));
    for (int64_t j = 0; j < c; j += HR_LANES) {
        int64_t width = c - j;
        for (int64_t row = r.begin; row < r.end; row += RUN) {
            hr_vf total = {0};
            for (int64_t i = row; i < hr_min(row + RUN, r.end); i++) total += part(a->x + i * c + j, width);
            add_to(sums + j, total, width);
        }
        hr_vf mean = {0};
        for (int64_t i = 0; i < hr_min(width, HR_LANES); i++) mean[i] = (float)(sums[j + i] / (double)(r.end - r.begin));
        for (int64_t row = r.begin; row < r.end; row += RUN) {
            hr_vf total = {0};
            for (int64_t i = row; i < hr_min(row + RUN, r.end); i++) {
                hr_vf d = part(a->x + i * c + j, width) - mean;
                total += d * d;
            }
            add_to(squares + j, total, width);
        }
    }
}

struct statistics {
    int64_t rows, chunk, chunks, channels;
    const double *partial;
    double epsilon;
    const float *scale;
    float *mean, *reported, *mean_again, *variance, *factor;
};

/* Chan, Golub and LeVeque's rule for moments of joined sets; one chunk. */
static void batch_statistics_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct statistics *a = arguments;
    (void)chunk, (void)context;
    for (int64_t j = 0; j < a->channels; j++) {
        double mean = 0, squares = 0, seen = 0;
        for (int64_t k = 0; k < a->chunks; k++) {
            hr_range r = hr_chunk(a->rows, a->chunk, k);
            const double *sums = a->partial + k * 2 * a->channels;
            double n = (double)(r.end - r.begin), own = sums[j] / n, shift = own - mean, total = seen + n;
            squares += sums[a->channels + j] + shift * shift * seen * n / total;
            mean += shift * n / total;
            seen = total;
        }
        double variance = squares / seen;
        a->mean[j] = a->mean_again[j] = (float)mean;
        a->variance[j] = (float)variance;
        a->reported[j] = (float)(variance * (seen / (seen > 1 ? seen - 1 : 1)));
        a->factor[j] = a->scale[j] / sqrtf((float)variance + (float)a->epsilon);
    }
}

struct factors { int64_t channels; double epsilon; const float *scale, *variance; float *factor; };

/* factor = scale / sqrt(variance + epsilon) */
static void batch_factors_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct factors *a = arguments;
    (void)chunk, (void)context;
    for (int64_t j = 0; j < a->channels; j++) a->factor[j] = a->scale[j] / sqrtf(a->variance[j] + (float)a->epsilon);
}

struct normalize {
    int64_t rows, chunk, channels;
    const float *x, *mean, *factor, *offset;
    const float *added; /* to the result, element by element, or NULL */
    int64_t relu;
    float *y;
};

static void batch_normalize_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct normalize *a = arguments;
    hr_range r = hr_chunk(a->rows, a->chunk, chunk);
    int64_t c = a->channels;
    (void)context;
    for (int64_t j = 0; j < c; j += HR_LANES) {
        int64_t width = c - j;
        hr_vf mean = part(a->mean + j, width), factor = part(a->factor + j, width), offset = part(a->offset + j, width);
        for (int64_t i = r.begin; i < r.end; i++) {
            hr_vf y = (part(a->x + i * c + j, width) - mean) * factor + offset;
            if (a->added) y += part(a->added + i * c + j, width);
            if (a->relu) y = hr_vmax(y, hr_all(0));
            put(a->y + i * c + j, y, width);
        }
    }
}

struct gradient_sums {
    int64_t rows, chunk, channels;
    const float *dy, *x, *mean;
    const float *mask;  /* of dy only what belongs to elements above 0 of this counts, or NULL */
    float *masked;      /* where to leave that part of dy, or NULL */
    double *partial;    /* for each chunk [2, channels]: sums of dy and of dy (x - mean) */
};

HR_INLINE hr_vf masked_dy(const float *dy, const float *mask, int64_t at, int64_t width) {
    hr_vf g = part(dy + at, width);
    return mask ? hr_choose(part(mask + at, width) > hr_all(0), g, hr_all(0)) : g;
}

static void batch_gradient_sums_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct gradient_sums *a = arguments;
    hr_range r = hr_chunk(a->rows, a->chunk, chunk);
    int64_t c = a->channels;
    double *sums = a->partial + chunk * 2 * c;
    (void)context;
    memset(sums, 0, (size_t)(2 * c) * sizeof(double));
    for (int64_t j = 0; j < c; j += HR_LANES) {
        int64_t width = c - j;
        hr_vf mean = part(a->mean + j, width);
        for (int64_t row = r.begin; row < r.end; row += RUN) {
            hr_vf total = {0}, products = {0};
            for (int64_t i = row; i < hr_min(row + RUN, r.end); i++) {
                hr_vf g = masked_dy(a->dy, a->mask, i * c + j, width);
                if (a->masked) put(a->masked + i * c + j, g, width);
                total += g;
                products += g * (part(a->x + i * c + j, width) - mean);
            }
            add_to(sums + j, total, width);
            add_to(sums + c + j, products, width);
        }
    }
}

struct coefficients {
    int64_t rows, chunks, channels, training;
    const double *partial;
    double epsilon;
    const float *scale, *variance;
    float *dscale, *doffset;
    float *dy_factor, *x_factor, *constant; /* dx = dy dy_factor + (x - mean) x_factor + constant */
};

static void batch_gradient_coefficients_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct coefficients *a = arguments;
    double n = a->rows > 0 ? (double)a->rows : 1;
    (void)chunk, (void)context;
    for (int64_t j = 0; j < a->channels; j++) {
        double total = 0, products = 0, inverse = 1 / sqrt((double)a->variance[j] + a->epsilon);
        for (int64_t k = 0; k < a->chunks; k++) {
            total += a->partial[k * 2 * a->channels + j];
            products += a->partial[(k * 2 + 1) * a->channels + j];
        }
        double k1 = a->scale[j] * inverse;
        a->doffset[j] = (float)total;
        a->dscale[j] = (float)(products * inverse);
        a->dy_factor[j] = (float)k1;
        a->x_factor[j] = a->training ? (float)(-k1 * inverse * inverse * products / n) : 0;
        a->constant[j] = a->training ? (float)(-k1 * total / n) : 0;
    }
}

struct gradient {
    int64_t rows, chunk, channels;
    const float *dy, *x, *mean, *mask, *dy_factor, *x_factor, *constant;
    float *dx;
};

static void batch_gradient_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct gradient *a = arguments;
    hr_range r = hr_chunk(a->rows, a->chunk, chunk);
    int64_t c = a->channels;
    (void)context;
    for (int64_t j = 0; j < c; j += HR_LANES) {
        int64_t width = c - j;
        hr_vf mean = part(a->mean + j, width), k1 = part(a->dy_factor + j, width);
        hr_vf k2 = part(a->x_factor + j, width), k3 = part(a->constant + j, width);
        for (int64_t i = r.begin; i < r.end; i++) {
            hr_vf g = masked_dy(a->dy, a->mask, i * c + j, width);
            put(a->dx + i * c + j, g * k1 + (part(a->x + i * c + j, width) - mean) * k2 + k3, width);
        }
    }
}

HR_TABLE(batch_norm)
HR_ENTRY(batch_moments_f32, struct moments)
HR_ENTRY(batch_statistics_f32, struct statistics)
HR_ENTRY(batch_factors_f32, struct factors)
HR_ENTRY(batch_normalize_f32, struct normalize)
HR_ENTRY(batch_gradient_sums_f32, struct gradient_sums)
HR_ENTRY(batch_gradient_coefficients_f32, struct coefficients)
HR_ENTRY(batch_gradient_f32, struct gradient)
HR_END
