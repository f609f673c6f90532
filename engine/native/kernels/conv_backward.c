/* The gradient of a convolution with respect to its filters: tiles of taps by channels in registers over all windows of an
   image, summed over runs of images, and these added up in order. */
#include "conv.h"

/* Groups of `group` images each have sums [taps_h, taps_w, in_c, out_c] of their own. A chunk is a group and one of `slices`
   parts of the window's rows. */
struct conv_filters {
    hr_conv g;
    int64_t group, slices;
    float *sums;
    const float *x, *dy;
};

/* What lies at TAPS neighbouring numbers of all windows times VECTORS vectors of dy's channels, added to `sums`. */
typedef struct plane { const float *x, *dy; int64_t x_row, x_step, dy_row, dy_step, rows, columns; } plane;

#define TILE(VECTORS, TAPS)                                                                                                 \
    static void tile_##VECTORS##_##TAPS(const plane *a, float *out, int64_t out_step, int64_t channels) {                   \
        hr_vf sums[TAPS][VECTORS];                                                                                          \
        HR_UNROLL for (int t = 0; t < TAPS; t++) HR_UNROLL for (int v = 0; v < VECTORS; v++) sums[t][v] = hr_all(0);        \
        for (int64_t i = 0; i < a->rows; i++) {                                                                             \
            const float *x = a->x + i * a->x_row, *dy = a->dy + i * a->dy_row;                                              \
            for (int64_t j = 0; j < a->columns; j++, x += a->x_step, dy += a->dy_step) {                                    \
                hr_vf d[VECTORS];                                                                                           \
                HR_UNROLL for (int v = 0; v < VECTORS; v++) d[v] = hr_load(dy + v * HR_LANES);                              \
                HR_UNROLL for (int t = 0; t < TAPS; t++) HR_UNROLL for (int v = 0; v < VECTORS; v++)                        \
                    sums[t][v] += d[v] * x[t];                                                                              \
            }                                                                                                               \
        }                                                                                                                   \
        HR_UNROLL for (int t = 0; t < TAPS; t++) HR_UNROLL for (int v = 0; v < VECTORS; v++)                                \
            add_to(out + t * out_step + v * HR_LANES, sums[t][v], channels - v * HR_LANES);                                 \
    }

HR_INLINE void add_to(float *out, hr_vf v, int64_t count) {
    if (count >= HR_LANES) hr_store(out, hr_load(out) + v);
    else if (count > 0) hr_store_part(out, hr_load_part(out, count) + v, count);
}
HR_TILES_1(TILE)
HR_TILES_2(TILE)

typedef void (*tile)(const plane *, float *, int64_t, int64_t);
#define NAME(VECTORS, TAPS) tile_##VECTORS##_##TAPS,
static const tile tiles[3][HR_TILE_1 + 1] = {{0}, {0, HR_TILES_1(NAME)}, {0, HR_TILES_2(NAME)}};

/* The sums of one run of numbers of the window. */
static void add_run(plane p, const float *dy, int64_t run, int64_t channels, float *sums) {
    for (int64_t first = 0; first < channels; first += HR_PANEL) {
        int vectors = hr_panel_vectors(channels, first);
        int64_t most = vectors == 2 ? HR_TILE_2 : HR_TILE_1, size;
        p.dy = dy + first;
        const float *x = p.x;
        for (int64_t q = 0; q < run; q += size, p.x += size) {
            size = hr_tile(run - q, most);
            tiles[vectors][size](&p, sums + q * channels + first, channels, channels - first);
        }
        p.x = x;
    }
}

/* dy of one image with its channels filled up with zeros to whole vectors. */
HR_INLINE void widen(const float *dy, int64_t pixels, int64_t channels, int64_t width, float *to) {
    for (int64_t i = 0; i < pixels; i++, dy += channels, to += width) {
        memcpy(to, dy, (size_t)channels * 4);
        memset(to + channels, 0, (size_t)(width - channels) * 4);
    }
}

static void conv_filters_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct conv_filters *a = arguments;
    const hr_conv *g = &a->g;
    int64_t slice = chunk % a->slices, line = g->taps_w * g->in_c * g->out_c, pixels = g->out_h * g->out_w;
    int64_t begin = slice * g->taps_h / a->slices, end = (slice + 1) * g->taps_h / a->slices;
    int64_t width = (g->out_c + HR_LANES - 1) / HR_LANES * HR_LANES, room = hr_conv_room(g, g->out_h);
    hr_range images = hr_chunk(g->images, a->group, chunk / a->slices);
    float *sums = a->sums + chunk / a->slices * g->taps_h * line, *scratch = hr_scratch(context, (size_t)(room + pixels * width + 16) * 4);
    if (!scratch) { hr_fail(context); return; }
    memset(sums + begin * line, 0, (size_t)((end - begin) * line) * 4);
    for (int64_t image = images.begin; image < images.end; image++) {
        hr_rows rows = hr_conv_rows(g, a->x, image, 0, g->out_h, scratch);
        hr_taps taps = hr_conv_taps(g, &rows);
        const float *dy = a->dy + image * pixels * g->out_c;
        if (width != g->out_c) { widen(dy, pixels, g->out_c, width, scratch + room); dy = scratch + room; }
        plane p = {0, dy, rows.window_row, rows.window, g->out_w * width, width, g->out_h, g->out_w};
        for (int64_t h = begin; h < end; h++)
            for (int64_t r = 0; r < taps.runs; r++) {
                p.x = rows.x + h * taps.row_step + r * taps.run_step;
                add_run(p, dy, taps.run, g->out_c, sums + h * line + r * taps.run * g->out_c);
            }
    }
}

/* out = the sum of `parts` arrays that lie one after the other, added in order */
struct add_parts { int64_t count, chunk, parts; float *out; const float *sums; };

static void add_parts_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct add_parts *a = arguments;
    hr_range r = hr_chunk(a->count, a->chunk, chunk);
    int64_t i = r.begin;
    (void)context;
    for (; i + HR_LANES <= r.end; i += HR_LANES) {
        hr_vf total = hr_load(a->sums + i);
        for (int64_t p = 1; p < a->parts; p++) total += hr_load(a->sums + p * a->count + i);
        hr_store(a->out + i, total);
    }
    for (; i < r.end; i++) {
        float total = a->sums[i];
        for (int64_t p = 1; p < a->parts; p++) total += a->sums[p * a->count + i];
        a->out[i] = total;
    }
}

HR_TABLE(conv_backward)
HR_ENTRY(conv_filters_f32, struct conv_filters)
HR_ENTRY(add_parts_f32, struct add_parts)
HR_END
