/* Products of a few rows with a matrix that is used again at every step of a sequence: the matrix is packed once, in panels
   of some vectors, and each tile of rows runs along a panel with its sums in registers. */
#ifndef HEADRACE_PANELS_H
#define HEADRACE_PANELS_H

#include "vector.h"

#if defined(__AVX512F__) || defined(__aarch64__)
enum { HR_PANEL_ROWS_4 = 6, HR_PANEL_ROWS_3 = 8, HR_PANEL_ROWS_2 = 12 };
#else
enum { HR_PANEL_ROWS_4 = 2, HR_PANEL_ROWS_3 = 3, HR_PANEL_ROWS_2 = 4 };
#endif
#define HR_PANEL_UNROLL _Pragma("GCC unroll 16")

/* Units lie side by side, and `gates` matrices of them as well. With one gate a panel has the vectors of two successive
   groups of units, else a vector a gate of the same units. Groups of a panel begin at multiples of hr_panel_units. */
HR_INLINE int64_t hr_panel_units(int64_t gates) { return gates == 1 ? 2 * HR_LANES : HR_LANES; }
HR_INLINE int64_t hr_panel_vectors_of(int64_t gates) { return gates == 1 ? 2 : gates; }

/* sums[r * vectors + v] = row r of a . vector v of the panel, for `ROWS` rows */
#define HR_PANEL_TILE(VECTORS, ROWS)                                                                                    \
    __attribute__((unused)) static void panel_tile_##VECTORS##_##ROWS(const float *a, int64_t lda, const float *panel,   \
                                                                      int64_t depth, hr_vf *sums) {                      \
        hr_vf s[ROWS][VECTORS];                                                                                         \
        HR_PANEL_UNROLL for (int r = 0; r < ROWS; r++)                                                                  \
            HR_PANEL_UNROLL for (int v = 0; v < VECTORS; v++) s[r][v] = hr_all(0);                                      \
        for (int64_t k = 0; k < depth; k++, panel += VECTORS * HR_LANES) {                                              \
            hr_vf w[VECTORS];                                                                                           \
            HR_PANEL_UNROLL for (int v = 0; v < VECTORS; v++) w[v] = hr_load(panel + v * HR_LANES);                     \
            HR_PANEL_UNROLL for (int r = 0; r < ROWS; r++)                                                              \
                HR_PANEL_UNROLL for (int v = 0; v < VECTORS; v++) s[r][v] += w[v] * a[r * lda + k];                     \
        }                                                                                                               \
        HR_PANEL_UNROLL for (int r = 0; r < ROWS; r++)                                                                  \
            HR_PANEL_UNROLL for (int v = 0; v < VECTORS; v++) sums[r * VECTORS + v] = s[r][v];                          \
    }
HR_PANEL_TILE(4, 1) HR_PANEL_TILE(4, 2) HR_PANEL_TILE(3, 1) HR_PANEL_TILE(3, 2) HR_PANEL_TILE(3, 3)
HR_PANEL_TILE(2, 1) HR_PANEL_TILE(2, 2) HR_PANEL_TILE(2, 3) HR_PANEL_TILE(2, 4)
#if defined(__AVX512F__) || defined(__aarch64__)
HR_PANEL_TILE(4, 3) HR_PANEL_TILE(4, 4) HR_PANEL_TILE(4, 5) HR_PANEL_TILE(4, 6)
HR_PANEL_TILE(3, 4) HR_PANEL_TILE(3, 5) HR_PANEL_TILE(3, 6) HR_PANEL_TILE(3, 7) HR_PANEL_TILE(3, 8)
HR_PANEL_TILE(2, 5) HR_PANEL_TILE(2, 6) HR_PANEL_TILE(2, 7) HR_PANEL_TILE(2, 8) HR_PANEL_TILE(2, 9) HR_PANEL_TILE(2, 10)
HR_PANEL_TILE(2, 11) HR_PANEL_TILE(2, 12)
#endif

typedef void (*hr_panel_tile)(const float *, int64_t, const float *, int64_t, hr_vf *);
#define HR_TILE_AT(VECTORS, ROWS) panel_tile_##VECTORS##_##ROWS
__attribute__((unused)) static const hr_panel_tile panel_tiles_4[] = {
    HR_TILE_AT(4, 1), HR_TILE_AT(4, 2),
#if defined(__AVX512F__) || defined(__aarch64__)
    HR_TILE_AT(4, 3), HR_TILE_AT(4, 4), HR_TILE_AT(4, 5), HR_TILE_AT(4, 6),
#endif
};
__attribute__((unused)) static const hr_panel_tile panel_tiles_3[] = {
    HR_TILE_AT(3, 1), HR_TILE_AT(3, 2), HR_TILE_AT(3, 3),
#if defined(__AVX512F__) || defined(__aarch64__)
    HR_TILE_AT(3, 4), HR_TILE_AT(3, 5), HR_TILE_AT(3, 6), HR_TILE_AT(3, 7), HR_TILE_AT(3, 8),
#endif
};
__attribute__((unused)) static const hr_panel_tile panel_tiles_2[] = {
    HR_TILE_AT(2, 1), HR_TILE_AT(2, 2), HR_TILE_AT(2, 3), HR_TILE_AT(2, 4),
#if defined(__AVX512F__) || defined(__aarch64__)
    HR_TILE_AT(2, 5), HR_TILE_AT(2, 6), HR_TILE_AT(2, 7), HR_TILE_AT(2, 8), HR_TILE_AT(2, 9), HR_TILE_AT(2, 10),
    HR_TILE_AT(2, 11), HR_TILE_AT(2, 12),
#endif
};

enum { HR_PANEL_SUMS = 24 };

/* Rows of the next tile where `left` are left: tiles of about equal size. */
HR_INLINE int64_t hr_panel_rows(int64_t left, int64_t gates) {
    int64_t most = gates == 4 ? HR_PANEL_ROWS_4 : gates == 3 ? HR_PANEL_ROWS_3 : HR_PANEL_ROWS_2;
    int64_t tiles = (left + most - 1) / most;
    return (left + tiles - 1) / tiles;
}

/* The sums of `rows` rows (as hr_panel_rows says) from unit `unit` on, which begins a panel. Zeros without panels. */
HR_INLINE void hr_panel_product(const float *a, int64_t lda, int64_t rows, const float *panels, int64_t unit, int64_t gates,
                                int64_t depth, hr_vf *sums) {
    const hr_panel_tile *tiles = gates == 4 ? panel_tiles_4 : gates == 3 ? panel_tiles_3 : panel_tiles_2;
    if (!panels) memset(sums, 0, HR_PANEL_SUMS * sizeof(hr_vf));
    else tiles[rows > 1 ? rows - 1 : 0](a, lda, panels + unit * gates * depth, depth, sums);
}

HR_INLINE hr_vf hr_get(const float *p, int64_t width) { return width >= HR_LANES ? hr_load(p) : hr_load_part(p, width); }
HR_INLINE void hr_put(float *p, hr_vf v, int64_t width) {
    if (width >= HR_LANES) hr_store(p, v);
    else hr_store_part(p, v, width);
}

#endif
