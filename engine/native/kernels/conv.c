/* Convolution of channels-last images: tiles of windows by channels in registers, read straight from the image. The gradient
   with respect to the input is a convolution too, one for each remainder of its places by the strides. */
#include "conv.h"

/* Filters [taps_h, taps_w, in_c, out_c] by steps, as panels of two vectors of output channels or one, with zeros at the end. */
struct pack_filters {
    int64_t taps_h, taps_w, in_c, out_c;
    int64_t step_h, step_w, step_in, step_out;
    float *out;
    const float *filters;
};

HR_INLINE void pack_row(const float *from, int64_t step, int64_t count, int64_t width, float *to) {
    if (step == 1) memcpy(to, from, (size_t)count * 4);
    else
        for (int64_t i = 0; i < count; i++) to[i] = from[i * step];
    for (int64_t i = count; i < width; i++) to[i] = 0;
}

/* A chunk is the taps of one row of the window, in all panels. */
static void pack_filters_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct pack_filters *a = arguments;
    int64_t line = a->taps_w * a->in_c, width;
    (void)context;
    for (int64_t first = 0; first < a->out_c; first += width) {
        width = hr_panel_vectors(a->out_c, first) * HR_LANES;
        float *to = a->out + first * a->taps_h * line + chunk * line * width;
        for (int64_t w = 0; w < a->taps_w; w++)
            for (int64_t c = 0; c < a->in_c; c++, to += width)
                pack_row(a->filters + chunk * a->step_h + w * a->step_w + c * a->step_in + first * a->step_out, a->step_out,
                         hr_min(width, a->out_c - first), width, to);
    }
}

/* out[n, i, j, c] lies at out + n step_image + i step_row + j step_pixel + c. What is stored is the sum plus bias, at least 0
   with `relu`, and 0 where `features`, which lie as out does, are not positive; bias and features may be NULL. */
struct conv {
    hr_conv g;
    int64_t step_image, step_row, step_pixel, rows;
    float *out;
    const float *x, *filters, *bias, *features; /* filters in panels */
    int64_t relu;
};

/* What is done with a tile's sums; bias and features are those of its first channel. */
typedef struct finish { const float *bias, *features; int64_t step, channels, relu; } finish;

HR_INLINE void finish_vector(hr_vf v, const finish *f, int64_t first, int64_t place, float *out) {
    int64_t count = hr_min(f->channels - first, HR_LANES);
    if (count == HR_LANES) {
        if (f->bias) v += hr_load(f->bias + first);
        if (f->relu) v = hr_vmax(v, hr_all(0));
        if (f->features) v = (hr_vf)((hr_vi)v & (hr_load(f->features + place + first) > hr_all(0)));
        hr_store(out + place + first, v);
    } else if (count > 0) {
        if (f->bias) v += hr_load_part(f->bias + first, count);
        if (f->relu) v = hr_vmax(v, hr_all(0));
        if (f->features) v = (hr_vf)((hr_vi)v & (hr_load_part(f->features + place + first, count) > hr_all(0)));
        hr_store_part(out + place + first, v, count);
    }
}

/* Sums of WINDOWS windows, `step` apart, times filters, with VECTORS vectors of channels. Every fourth window has a pointer
   of its own, from which the next three are reached by sums of registers. */
#define TILE(VECTORS, WINDOWS)                                                                                              \
    static void tile_##VECTORS##_##WINDOWS(const float *x, int64_t step, const hr_taps *t, const float *w, const finish *f, \
                                           float *out) {                                                                    \
        enum { QUARTERS = (WINDOWS + 3) / 4 };                                                                              \
        hr_vf sums[WINDOWS][VECTORS];                                                                                       \
        HR_UNROLL for (int p = 0; p < WINDOWS; p++) HR_UNROLL for (int v = 0; v < VECTORS; v++) sums[p][v] = hr_all(0);     \
        for (int64_t h = 0; h < t->rows; h++)                                                                               \
            for (int64_t r = 0; r < t->runs; r++) {                                                                         \
                const float *run = x + h * t->row_step + r * t->run_step, *from[QUARTERS];                                  \
                HR_UNROLL for (int q = 0; q < QUARTERS; q++) from[q] = run + 4 * q * step;                                  \
                for (int64_t i = 0; i < t->run; i++, w += VECTORS * HR_LANES) {                                             \
                    hr_vf weights[VECTORS];                                                                                 \
                    HR_UNROLL for (int v = 0; v < VECTORS; v++) weights[v] = hr_load(w + v * HR_LANES);                     \
                    HR_UNROLL for (int p = 0; p < WINDOWS; p++) {                                                           \
                        float number = from[p / 4][p % 4 * step];                                                           \
                        HR_UNROLL for (int v = 0; v < VECTORS; v++) sums[p][v] += weights[v] * number;                      \
                    }                                                                                                       \
                    HR_UNROLL for (int q = 0; q < QUARTERS; q++) from[q]++;                                                 \
                }                                                                                                           \
            }                                                                                                               \
        HR_UNROLL for (int p = 0; p < WINDOWS; p++) HR_UNROLL for (int v = 0; v < VECTORS; v++)                             \
            finish_vector(sums[p][v], f, v * HR_LANES, p * f->step, out);                                                   \
    }
HR_TILES_1(TILE)
HR_TILES_2(TILE)

typedef void (*tile)(const float *, int64_t, const hr_taps *, const float *, const finish *, float *);
#define NAME(VECTORS, WINDOWS) tile_##VECTORS##_##WINDOWS,
static const tile tiles[3][HR_TILE_1 + 1] = {{0}, {0, HR_TILES_1(NAME)}, {0, HR_TILES_2(NAME)}};

static void conv_row(const struct conv *a, const hr_rows *rows, const hr_taps *taps, const float *x, int64_t first,
                     float *out) {
    int vectors = hr_panel_vectors(a->g.out_c, first);
    int64_t most = vectors == 2 ? HR_TILE_2 : HR_TILE_1, size;
    const float *filters = a->filters + first * a->g.taps_h * a->g.taps_w * a->g.in_c;
    finish f = {a->bias ? a->bias + first : 0, 0, a->step_pixel, a->g.out_c - first, a->relu};
    for (int64_t j = 0; j < a->g.out_w; j += size) {
        if (a->features) f.features = a->features + (out - a->out) + j * a->step_pixel + first;
        size = hr_tile(a->g.out_w - j, most);
        tiles[vectors][size](x + j * rows->window, rows->window, taps, filters, &f, out + j * a->step_pixel + first);
    }
}

/* A chunk is `rows` rows of windows, counted over all images. */
static void conv_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct conv *a = arguments;
    hr_range r = hr_chunk(a->g.images * a->g.out_h, a->rows, chunk);
    float *room = hr_scratch(context, (size_t)hr_conv_room(&a->g, hr_min(a->rows, a->g.out_h)) * 4 + 64);
    if (!room) { hr_fail(context); return; }
    for (int64_t row = r.begin, count; row < r.end; row += count) {
        int64_t image = row / a->g.out_h, top = row % a->g.out_h;
        count = hr_min(r.end - row, a->g.out_h - top);
        hr_rows rows = hr_conv_rows(&a->g, a->x, image, top, count, room);
        hr_taps taps = hr_conv_taps(&a->g, &rows);
        for (int64_t first = 0; first < a->g.out_c; first += HR_PANEL)
            for (int64_t i = 0; i < count; i++)
                conv_row(a, &rows, &taps, rows.x + i * rows.window_row, first,
                         a->out + image * a->step_image + (top + i) * a->step_row);
    }
}

HR_TABLE(conv)
HR_ENTRY(pack_filters_f32, struct pack_filters)
HR_ENTRY(conv_f32, struct conv)
HR_END
