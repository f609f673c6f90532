/* Depthwise convolution of channels-last images, and the gradient with respect to its filters, by vectors of channels. Each
   channel has one filter: bindings repeat channels for several. The gradient with respect to the input is a convolution too. */
#include "conv.h"

/* Filters lie step_h and step_w numbers apart, which may be negative, with their channels side by side; g.in_c = g.out_c.
   out[n, i, j, c] lies at out + n step_image + i step_row + j step_pixel + c. A chunk is `rows` rows over all images. */
struct depthwise {
    hr_conv g;
    int64_t step_image, step_row, step_pixel, rows, step_h, step_w;
    float *out;
    const float *x, *filters;
};

HR_INLINE hr_vf load_some(const float *p, int64_t count) {
    return count >= HR_LANES ? hr_load(p) : hr_load_part(p, count);
}
HR_INLINE void store_some(float *p, hr_vf v, int64_t count) {
    if (count >= HR_LANES) hr_store(p, v);
    else hr_store_part(p, v, count);
}

enum { WINDOWS = 8 };

/* The sums of `windows` windows side by side, at most WINDOWS, for one vector of `count` channels. */
HR_INLINE void windows_of_channels(const struct depthwise *a, const hr_rows *rows, const float *x, const float *filters,
                                   int windows, int64_t count, float *out) {
    hr_vf sums[WINDOWS];
    HR_UNROLL for (int p = 0; p < windows; p++) sums[p] = hr_all(0);
    for (int64_t h = 0; h < a->g.taps_h; h++)
        for (int64_t w = 0; w < a->g.taps_w; w++) {
            const float *from = x + h * a->g.dilation_h * rows->row + w * a->g.dilation_w * a->g.in_c;
            hr_vf weights = load_some(filters + h * a->step_h + w * a->step_w, count);
            HR_UNROLL for (int p = 0; p < windows; p++) sums[p] += load_some(from + p * rows->window, count) * weights;
        }
    HR_UNROLL for (int p = 0; p < windows; p++) store_some(out + p * a->step_pixel, sums[p], count);
}

/* All channels of some windows before the next windows: neighbouring windows share what they read. */
HR_INLINE void some_windows(const struct depthwise *a, const hr_rows *rows, const float *x, int windows, float *out) {
    int64_t c = 0;
    for (; c + HR_LANES <= a->g.out_c; c += HR_LANES)
        windows_of_channels(a, rows, x + c, a->filters + c, windows, HR_LANES, out + c);
    if (c < a->g.out_c) windows_of_channels(a, rows, x + c, a->filters + c, windows, a->g.out_c - c, out + c);
}

static void depthwise_row(const struct depthwise *a, const hr_rows *rows, const float *x, float *out) {
    int64_t j = 0;
    for (; j + WINDOWS <= a->g.out_w; j += WINDOWS)
        some_windows(a, rows, x + j * rows->window, WINDOWS, out + j * a->step_pixel);
    for (; j < a->g.out_w; j++) some_windows(a, rows, x + j * rows->window, 1, out + j * a->step_pixel);
}

static void depthwise_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct depthwise *a = arguments;
    const hr_conv *g = &a->g;
    hr_range r = hr_chunk(g->images * g->out_h, a->rows, chunk);
    float *room = hr_scratch(context, (size_t)hr_conv_room(g, hr_min(a->rows, g->out_h)) * 4 + 64);
    if (!room) { hr_fail(context); return; }
    for (int64_t row = r.begin, count; row < r.end; row += count) {
        int64_t image = row / g->out_h, top = row % g->out_h;
        count = hr_min(r.end - row, g->out_h - top);
        hr_rows rows = hr_conv_rows(g, a->x, image, top, count, room);
        for (int64_t i = 0; i < count; i++)
            depthwise_row(a, &rows, rows.x + i * rows.window_row, a->out + image * a->step_image + (top + i) * a->step_row);
    }
}

/* Groups of `group` images each have sums [taps_h, taps_w, channels] of their own; a chunk is a group. */
struct depthwise_filters {
    hr_conv g;
    int64_t group;
    float *sums;
    const float *x, *dy;
};

enum { TAPS = 5 };

/* Adds what `taps` neighbouring taps, at most TAPS, meet over all windows of an image. */
HR_INLINE void add_taps(const hr_conv *g, const hr_rows *rows, const float *x, const float *dy, int taps, int64_t count,
                        float *out) {
    hr_vf sums[TAPS];
    HR_UNROLL for (int t = 0; t < taps; t++) sums[t] = load_some(out + t * g->in_c, count);
    for (int64_t i = 0; i < g->out_h; i++)
        for (int64_t j = 0; j < g->out_w; j++) {
            const float *from = x + i * rows->window_row + j * rows->window;
            hr_vf d = load_some(dy + (i * g->out_w + j) * g->in_c, count);
            HR_UNROLL for (int t = 0; t < taps; t++) sums[t] += load_some(from + t * g->dilation_w * g->in_c, count) * d;
        }
    HR_UNROLL for (int t = 0; t < taps; t++) store_some(out + t * g->in_c, sums[t], count);
}

HR_INLINE void add_channels(const hr_conv *g, const hr_rows *rows, const float *dy, int64_t c, int64_t count, float *sums) {
    for (int64_t h = 0; h < g->taps_h; h++) {
        const float *x = rows->x + h * g->dilation_h * rows->row + c;
        float *out = sums + h * g->taps_w * g->in_c + c;
        int64_t w = 0, step = g->dilation_w * g->in_c;
        for (; w + TAPS <= g->taps_w; w += TAPS) add_taps(g, rows, x + w * step, dy + c, TAPS, count, out + w * g->in_c);
        for (; w + 3 <= g->taps_w; w += 3) add_taps(g, rows, x + w * step, dy + c, 3, count, out + w * g->in_c);
        for (; w < g->taps_w; w++) add_taps(g, rows, x + w * step, dy + c, 1, count, out + w * g->in_c);
    }
}

static void depthwise_filters_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct depthwise_filters *a = arguments;
    const hr_conv *g = &a->g;
    hr_range images = hr_chunk(g->images, a->group, chunk);
    int64_t size = g->taps_h * g->taps_w * g->in_c;
    float *sums = a->sums + chunk * size, *room = hr_scratch(context, (size_t)hr_conv_room(g, g->out_h) * 4 + 64);
    if (!room) { hr_fail(context); return; }
    memset(sums, 0, (size_t)size * 4);
    for (int64_t image = images.begin; image < images.end; image++) {
        hr_rows rows = hr_conv_rows(g, a->x, image, 0, g->out_h, room);
        const float *dy = a->dy + image * g->out_h * g->out_w * g->in_c;
        int64_t c = 0;
        for (; c + HR_LANES <= g->in_c; c += HR_LANES) add_channels(g, &rows, dy, c, HR_LANES, sums);
        if (c < g->in_c) add_channels(g, &rows, dy, c, g->in_c - c, sums);
    }
}

/* out[i] = in[i / times], and out[i] = the sum of in[i times ...]; a chunk is `chunk` numbers of the shorter array. */
struct repeat { int64_t count, chunk, times; float *out; const float *in; };

static void repeat_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct repeat *a = arguments;
    hr_range r = hr_chunk(a->count, a->chunk, chunk);
    (void)context;
    for (int64_t i = r.begin; i < r.end; i++)
        for (int64_t t = 0; t < a->times; t++) a->out[i * a->times + t] = a->in[i];
}

static void fold_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct repeat *a = arguments;
    hr_range r = hr_chunk(a->count, a->chunk, chunk);
    (void)context;
    for (int64_t i = r.begin; i < r.end; i++) {
        float total = 0;
        for (int64_t t = 0; t < a->times; t++) total += a->in[i * a->times + t];
        a->out[i] = total;
    }
}

HR_TABLE(depthwise)
HR_ENTRY(depthwise_f32, struct depthwise)
HR_ENTRY(depthwise_filters_f32, struct depthwise_filters)
HR_ENTRY(repeat_f32, struct repeat)
HR_ENTRY(fold_f32, struct repeat)
HR_END
