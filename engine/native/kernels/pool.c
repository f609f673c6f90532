/* Pools of channels-last images and their gradients, by vectors of channels. */
#include "vector.h"

/* Window (i, j) covers rows from i stride_h - pad_h and columns from j stride_w - pad_w, as far as they lie in the image. */
typedef struct windows {
    int64_t images, in_h, in_w, channels, out_h, out_w, size_h, size_w, stride_h, stride_w, pad_h, pad_w;
} windows;

/* The part of a window that lies in the image. */
typedef struct box { int64_t top, bottom, left, right; } box;

HR_INLINE box box_of(const windows *g, int64_t i, int64_t j) {
    int64_t top = i * g->stride_h - g->pad_h, left = j * g->stride_w - g->pad_w;
    return (box){hr_max(top, 0), hr_min(top + g->size_h, g->in_h), hr_max(left, 0), hr_min(left + g->size_w, g->in_w)};
}

/* One over the number of places, as the mean of none is 0. */
HR_INLINE float share_of(const box *b) {
    int64_t rows = hr_max(b->bottom - b->top, 1), columns = hr_max(b->right - b->left, 1);
    return (float)(1.0 / (double)(rows * columns));
}

HR_INLINE hr_vf load_some(const float *p, int64_t count) {
    return count >= HR_LANES ? hr_load(p) : hr_load_part(p, count);
}
HR_INLINE void store_some(float *p, hr_vf v, int64_t count) {
    if (count >= HR_LANES) hr_store(p, v);
    else hr_store_part(p, v, count);
}

/* A chunk is `rows` rows of windows, counted over all images. */
struct pool { windows g; int64_t rows; float *out; const float *x; };

HR_INLINE void pool_row(const struct pool *a, int64_t row, int mean) {
    const windows *g = &a->g;
    const float *x = a->x + row / g->out_h * g->in_h * g->in_w * g->channels;
    float *out = a->out + row * g->out_w * g->channels;
    for (int64_t j = 0; j < g->out_w; j++, out += g->channels) {
        box b = box_of(g, row % g->out_h, j);
        float share = mean ? share_of(&b) : 1;
        for (int64_t c = 0; c < g->channels; c += HR_LANES) {
            hr_vf v = hr_all(mean ? 0 : -INFINITY);
            for (int64_t h = b.top; h < b.bottom; h++)
                for (int64_t w = b.left; w < b.right; w++) {
                    hr_vf number = load_some(x + (h * g->in_w + w) * g->channels + c, g->channels - c);
                    if (mean) v += number;
                    else v = hr_vmax(v, number);
                }
            if (mean) v *= share;
            store_some(out + c, v, g->channels - c);
        }
    }
}

static void max_pool_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct pool *a = arguments;
    hr_range r = hr_chunk(a->g.images * a->g.out_h, a->rows, chunk);
    (void)context;
    for (int64_t row = r.begin; row < r.end; row++) pool_row(a, row, 0);
}

static void mean_pool_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct pool *a = arguments;
    hr_range r = hr_chunk(a->g.images * a->g.out_h, a->rows, chunk);
    (void)context;
    for (int64_t row = r.begin; row < r.end; row++) pool_row(a, row, 1);
}

/* The gradient: a chunk is `group` images. Where windows neither overlap nor leave a place out (`whole`), every place is
   written once; else places are cleared first and added to. With `positive`, what belongs to a maximum of 0 or less is 0: the
   gradient through a relu before the pool. `sums`, unless NULL, gets each chunk's sums of the gradient by channels. */
struct pool_gradient {
    windows g;
    int64_t group, whole, positive;
    float *out, *sums;
    const float *x, *y, *dy;
};

HR_INLINE void put(float *to, hr_vf v, int64_t count, int whole) {
    if (!whole) v += load_some(to, count);
    store_some(to, v, count);
}

/* Each number to the first maximum of its window. */
HR_INLINE hr_vf spread_maximum(const struct pool_gradient *a, const float *x, float *out, const box *b, int64_t c, hr_vf y,
                               hr_vf dy, int whole) {
    const windows *g = &a->g;
    int64_t count = g->channels - c;
    hr_vi waiting = y == y;
    if (a->positive) waiting = y > hr_all(0);
    dy = (hr_vf)((hr_vi)dy & waiting);
    for (int64_t h = b->top; h < b->bottom; h++)
        for (int64_t w = b->left; w < b->right; w++) {
            int64_t place = (h * g->in_w + w) * g->channels + c;
            hr_vi hit = (load_some(x + place, count) == y) & waiting;
            waiting &= ~hit;
            put(out + place, (hr_vf)((hr_vi)dy & hit), count, whole);
        }
    return dy;
}

HR_INLINE void spread_mean(const struct pool_gradient *a, float *out, const box *b, int64_t c, hr_vf dy, int whole) {
    const windows *g = &a->g;
    for (int64_t h = b->top; h < b->bottom; h++)
        for (int64_t w = b->left; w < b->right; w++)
            put(out + (h * g->in_w + w) * g->channels + c, dy, g->channels - c, whole);
}

HR_INLINE void spread_window(const struct pool_gradient *a, int64_t image, int64_t i, int64_t j, float *sums, int mean,
                             int whole) {
    const windows *g = &a->g;
    box b = box_of(g, i, j);
    int64_t pixels = image * g->in_h * g->in_w * g->channels, from = ((image * g->out_h + i) * g->out_w + j) * g->channels;
    float share = mean ? share_of(&b) : 1;
    for (int64_t c = 0; c < g->channels; c += HR_LANES) {
        int64_t count = g->channels - c;
        hr_vf dy = load_some(a->dy + from + c, count);
        if (mean) {
            spread_mean(a, a->out + pixels, &b, c, dy * share, whole);
            continue;
        }
        dy = spread_maximum(a, a->x + pixels, a->out + pixels, &b, c, load_some(a->y + from + c, count), dy, whole);
        if (sums) store_some(sums + c, load_some(sums + c, count) + dy, count);
    }
}

HR_INLINE void spread(const struct pool_gradient *a, int64_t chunk, int mean, int whole) {
    const windows *g = &a->g;
    hr_range r = hr_chunk(g->images, a->group, chunk);
    int64_t pixels = g->in_h * g->in_w * g->channels;
    float *sums = a->sums ? a->sums + chunk * g->channels : 0;
    if (sums) memset(sums, 0, (size_t)g->channels * 4);
    for (int64_t image = r.begin; image < r.end; image++) {
        if (!whole) memset(a->out + image * pixels, 0, (size_t)pixels * 4);
        for (int64_t i = 0; i < g->out_h; i++)
            for (int64_t j = 0; j < g->out_w; j++) spread_window(a, image, i, j, sums, mean, whole);
    }
}

static void max_pool_gradient_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct pool_gradient *a = arguments;
    (void)context;
    if (a->whole) spread(a, chunk, 0, 1);
    else spread(a, chunk, 0, 0);
}

static void mean_pool_gradient_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct pool_gradient *a = arguments;
    (void)context;
    if (a->whole) spread(a, chunk, 1, 1);
    else spread(a, chunk, 1, 0);
}

HR_TABLE(pool)
HR_ENTRY(max_pool_f32, struct pool)
HR_ENTRY(mean_pool_f32, struct pool)
HR_ENTRY(max_pool_gradient_f32, struct pool_gradient)
HR_ENTRY(mean_pool_gradient_f32, struct pool_gradient)
HR_END
