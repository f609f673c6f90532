/* What convolutions over channels-last images share: their geometry, the rows of an image with zeros around them, panels of
   filters, and the table of tiles. */
#ifndef HEADRACE_CONV_H
#define HEADRACE_CONV_H

#include "vector.h"

/* Window (i, j) begins at row i stride_h - pad_h and column j stride_w - pad_w of the image; pads may be negative. */
typedef struct hr_conv {
    int64_t images, in_h, in_w, in_c;
    int64_t out_h, out_w, out_c;
    int64_t taps_h, taps_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
} hr_conv;

/* Where the numbers of a window lie: for each of `rows` rows, `runs` runs of `run` numbers. */
typedef struct hr_taps { int64_t rows, row_step, runs, run_step, run; } hr_taps;

/* Rows of one image as the windows see them: the first window's first number, and steps between rows and windows. */
typedef struct hr_rows { const float *x; int64_t row, window_row, window; } hr_rows;

/* Registers hold a tile of HR_TILE_1 windows by one vector of channels, or HR_TILE_2 by two, and what it is made of. */
#if defined(__AVX512F__) || defined(__aarch64__)
enum { HR_TILE_1 = 16, HR_TILE_2 = 14 };
#else
enum { HR_TILE_1 = 12, HR_TILE_2 = 6 };
#endif
enum { HR_PANEL = 2 * HR_LANES };

HR_INLINE int64_t hr_reach(int64_t outputs, int64_t stride, int64_t taps, int64_t dilation) {
    return (outputs - 1) * stride + (taps - 1) * dilation + 1;
}

HR_INLINE int64_t hr_conv_width(const hr_conv *g) { return hr_reach(g->out_w, g->stride_w, g->taps_w, g->dilation_w); }

/* Whether windows reach beyond the image, which then is copied with zeros around it. */
HR_INLINE int hr_conv_padded(const hr_conv *g) {
    return g->pad_h > 0 || g->pad_w > 0 || hr_conv_width(g) - g->pad_w > g->in_w ||
           hr_reach(g->out_h, g->stride_h, g->taps_h, g->dilation_h) - g->pad_h > g->in_h;
}

/* Numbers of scratch memory for `rows` rows of windows. */
HR_INLINE int64_t hr_conv_room(const hr_conv *g, int64_t rows) {
    return hr_conv_padded(g) ? hr_reach(rows, g->stride_h, g->taps_h, g->dilation_h) * hr_conv_width(g) * g->in_c : 0;
}

/* The image's columns that windows see, with zeros where there is none. */
HR_INLINE void hr_copy_row(const hr_conv *g, const float *image, int64_t h, int64_t width, float *to) {
    int64_t left = hr_max(g->pad_w, 0), from = hr_max(-g->pad_w, 0);
    int64_t count = h < 0 || h >= g->in_h ? 0 : hr_max(hr_min(width - left, g->in_w - from), 0);
    left = count ? left : 0;
    memset(to, 0, (size_t)(left * g->in_c) * 4);
    if (count) memcpy(to + left * g->in_c, image + (h * g->in_w + from) * g->in_c, (size_t)(count * g->in_c) * 4);
    memset(to + (left + count) * g->in_c, 0, (size_t)((width - left - count) * g->in_c) * 4);
}

/* `rows` rows of windows of one image from row `first`; `room` has hr_conv_room numbers. */
HR_INLINE hr_rows hr_conv_rows(const hr_conv *g, const float *x, int64_t image, int64_t first, int64_t rows, float *room) {
    const float *start = x + image * g->in_h * g->in_w * g->in_c;
    int64_t top = first * g->stride_h - g->pad_h, width = g->in_w, window = g->stride_w * g->in_c;
    if (hr_conv_padded(g)) {
        int64_t count = hr_reach(rows, g->stride_h, g->taps_h, g->dilation_h);
        width = hr_conv_width(g);
        for (int64_t i = 0; i < count; i++) hr_copy_row(g, start, top + i, width, room + i * width * g->in_c);
        start = room;
    } else {
        start += (top * g->in_w - g->pad_w) * g->in_c;
    }
    return (hr_rows){start, width * g->in_c, g->stride_h * width * g->in_c, window};
}

HR_INLINE hr_taps hr_conv_taps(const hr_conv *g, const hr_rows *rows) {
    int together = g->dilation_w == 1 || g->taps_w == 1;
    return (hr_taps){g->taps_h, g->dilation_h * rows->row, together ? 1 : g->taps_w, g->dilation_w * g->in_c,
                     together ? g->taps_w * g->in_c : g->in_c};
}

/* Vectors of channels that the panel from channel `first` on has: two while so many are left. */
HR_INLINE int hr_panel_vectors(int64_t channels, int64_t first) { return channels - first > HR_LANES ? 2 : 1; }

/* The size of the next tile for `left` of a line, such that the line's tiles are about equally long. */
HR_INLINE int64_t hr_tile(int64_t left, int64_t most) {
    int64_t tiles = (left + most - 1) / most;
    return (left + tiles - 1) / tiles;
}

/* Lists of the tiles' sizes, to define functions and tables of them. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define HR_TILES_1(F) F(1, 1) F(1, 2) F(1, 3) F(1, 4) F(1, 5) F(1, 6) F(1, 7) F(1, 8) F(1, 9) F(1, 10) F(1, 11) F(1, 12) \
    F(1, 13) F(1, 14) F(1, 15) F(1, 16)
#define HR_TILES_2(F) F(2, 1) F(2, 2) F(2, 3) F(2, 4) F(2, 5) F(2, 6) F(2, 7) F(2, 8) F(2, 9) F(2, 10) F(2, 11) F(2, 12) \
    F(2, 13) F(2, 14)
#else
#define HR_TILES_1(F) F(1, 1) F(1, 2) F(1, 3) F(1, 4) F(1, 5) F(1, 6) F(1, 7) F(1, 8) F(1, 9) F(1, 10) F(1, 11) F(1, 12)
#define HR_TILES_2(F) F(2, 1) F(2, 2) F(2, 3) F(2, 4) F(2, 5) F(2, 6)
#endif
#define HR_UNROLL _Pragma("GCC unroll 16")

#endif
