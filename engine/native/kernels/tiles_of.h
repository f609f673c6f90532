/* Included once for each type by tiles.h. */
#define UNROLL _Pragma("GCC unroll 16")

/* c[rows, width] = or += a . b, where a[i, k] lies at a[i * row + k * column], and b[k, j] at b[k * step + j]. */
#define TILE_ARGUMENTS                                                                                                    \
    int64_t k, const REAL *a, int64_t row, int64_t column, const REAL *b, int64_t step, REAL *c, int64_t ldc,             \
        int64_t width, int64_t more
typedef void (*OF(tile))(TILE_ARGUMENTS);

#define TILE(R, V)                                                                                                        \
    static void OF(tile_##R##_##V)(TILE_ARGUMENTS) {                                                                      \
        VECTOR sums[R][V];                                                                                                \
        UNROLL for (int r = 0; r < R; r++) UNROLL for (int v = 0; v < V; v++) sums[r][v] = (VECTOR){0};                   \
        for (int64_t i = 0; i < k; i++, a += column, b += step) {                                                         \
            VECTOR w[V];                                                                                                  \
            UNROLL for (int v = 0; v < V; v++) w[v] = *(const VECTOR *)(b + v * LANES);                                   \
            UNROLL for (int r = 0; r < R; r++) {                                                                          \
                REAL x = a[r * row];                                                                                      \
                UNROLL for (int v = 0; v < V; v++) sums[r][v] += w[v] * x;                                                \
            }                                                                                                             \
        }                                                                                                                 \
        if (width == V * LANES) {                                                                                         \
            UNROLL for (int r = 0; r < R; r++) UNROLL for (int v = 0; v < V; v++) {                                       \
                VECTOR *place = (VECTOR *)(c + r * ldc + v * LANES);                                                      \
                if (more) sums[r][v] += *place;                                                                           \
                *place = sums[r][v];                                                                                      \
            }                                                                                                             \
            return;                                                                                                       \
        }                                                                                                                 \
        UNROLL for (int r = 0; r < R; r++) UNROLL for (int v = 0; v < V; v++) {                                           \
            REAL *place = c + r * ldc + v * LANES;                                                                        \
            int64_t left = hr_min(width - v * LANES, LANES);                                                              \
            if (more) sums[r][v] += OF(part)(place, hr_max(left, 0));                                                     \
            if (left > 0) OF(put_part)(place, sums[r][v], left);                                                          \
        }                                                                                                                 \
    }
#define TILES(V) TILE(1, V) TILE(2, V) TILE(3, V) TILE(4, V) TILE(5, V) TILE(6, V)
#define MORE_TILES(V) TILE(7, V) TILE(8, V) TILE(9, V) TILE(10, V) TILE(11, V) TILE(12, V)
#define NAMES(V) OF(tile_1_##V), OF(tile_2_##V), OF(tile_3_##V), OF(tile_4_##V), OF(tile_5_##V), OF(tile_6_##V)
#define MORE_NAMES(V) OF(tile_7_##V), OF(tile_8_##V), OF(tile_9_##V), OF(tile_10_##V), OF(tile_11_##V), OF(tile_12_##V)

TILES(1)
TILES(2)
#if HR_VECTORS == 4
MORE_TILES(1)
MORE_TILES(2)
TILES(3)
TILES(4)
static const OF(tile) OF(tiles)[4][12] = {{NAMES(1), MORE_NAMES(1)}, {NAMES(2), MORE_NAMES(2)}, {NAMES(3)}, {NAMES(4)}};
#else
static const OF(tile) OF(tiles)[2][6] = {{NAMES(1)}, {NAMES(2)}};
#endif
#undef TILES
#undef MORE_TILES
#undef NAMES
#undef MORE_NAMES
#undef TILE
#undef TILE_ARGUMENTS

/* A product's factors: element [i, k] of the first at a[i * a_row + k * a_column], [k, j] of the second at
   b[k * ldb + j], or b[j * ldb + k] where turned. */
typedef struct OF(factors) {
    const REAL *a; int64_t a_row, a_column;
    const REAL *b; int64_t ldb, turned;
    int64_t k;
} OF(factors);

/* A panel: `rows` x width of b, each row as `wide` numbers with zeros behind the width. */
HR_INLINE void OF(pack)(const OF(factors) *f, int64_t k, int64_t rows, int64_t j, int64_t width, int64_t wide, REAL *out) {
    if (!f->turned) {
        const REAL *in = f->b + k * f->ldb + j;
        for (int64_t i = 0; i < rows; i++, in += f->ldb, out += wide) {
            int64_t v = 0;
            for (; v + LANES <= width; v += LANES) *(VECTOR *)(out + v) = *(const VECTOR *)(in + v);
            if (v < width) *(VECTOR *)(out + v) = OF(part)(in + v, width - v);
        }
        return;
    }
    int64_t q = 0;
    for (; q + 4 <= width; q += 4) {
        const REAL *in = f->b + (j + q) * f->ldb + k;
        int64_t i = 0;
        for (; i + 4 <= rows; i += 4) OF(turn)(in + i, f->ldb, out + i * wide + q, wide);
        for (; i < rows; i++)
            for (int64_t s = 0; s < 4; s++) out[i * wide + q + s] = in[s * f->ldb + i];
    }
    for (; q < wide; q++)
        for (int64_t i = 0; i < rows; i++) out[i * wide + q] = q < width ? f->b[(j + q) * f->ldb + k + i] : 0;
}

/* Vectors of the panel that begins `left` columns before the end: full ones first. */
HR_INLINE int64_t OF(vectors)(int64_t left) { return hr_min((left + LANES - 1) / LANES, HR_VECTORS); }

HR_INLINE size_t OF(block_scratch)(int64_t columns, int64_t k) {
    int64_t wide = (hr_min(columns, HR_COLUMNS) + LANES - 1) / LANES * LANES + HR_ROWS_NARROW;
    return (size_t)(wide * hr_inner_block(k) + LANES) * sizeof(REAL) + 64;
}

/* What is done to rows [i, i + rows) and columns [j, j + count) of a product when they are complete. */
typedef void (*OF(finish))(const void *what, int64_t i, int64_t rows, int64_t j, int64_t count, REAL *out, int64_t ldout);

/* Rows [i0, i1) and columns [j0, j1), at most HR_COLUMNS, of the product at `out`, the place of element [i0, j0]. Where all
   tiles are to be `stacked`, each is finished at `out` itself; the inner dimension must be one block then. */
static void OF(block)(const OF(factors) *f, int64_t i0, int64_t i1, int64_t j0, int64_t j1, REAL *out, int64_t ldout,
                      int64_t stacked, OF(finish) finish, const void *what, void *scratch) {
    int64_t block = hr_inner_block(f->k), columns = j1 - j0;
    int64_t most = columns > 2 * LANES ? HR_ROWS : HR_ROWS_NARROW, tile = hr_min(most, i1 - i0);
    REAL *panels = scratch, *strip = panels + (columns + LANES - 1) / LANES * LANES * block;
    int packs = f->turned || i1 - i0 > 4 * most, strips = f->a_row == 1 && f->a_column != 1 && columns > HR_VECTORS * LANES;
    for (int64_t k = 0; k < f->k; k += block) {
        int64_t depth = hr_min(block, f->k - k);
        for (int64_t j = 0; j < columns;) {
            int64_t wide = OF(vectors)(columns - j) * LANES, width = hr_min(wide, columns - j);
            if (packs || width < wide) OF(pack)(f, k, depth, j0 + j, width, wide, panels + j * depth);
            j += width;
        }
        for (int64_t i = i0; i < i1; i += tile) {
            int64_t rows = hr_min(tile, i1 - i), a_row = f->a_row, a_column = f->a_column;
            const REAL *a = f->a + i * a_row + k * a_column;
            if (strips) {
                /* What is stored behind a row's end is the next one's. */
                for (int64_t d = 0; d < depth; d++)
                    for (int64_t r = 0; r < rows; r += LANES)
                        *(VECTOR *)(strip + d * rows + r) = OF(part)(a + d * a_column + r, hr_min(rows - r, LANES));
                a = strip; a_row = 1; a_column = rows;
            }
            REAL *to = stacked ? out : out + (i - i0) * ldout;
            for (int64_t j = 0; j < columns;) {
                int64_t vectors = OF(vectors)(columns - j), wide = vectors * LANES, width = hr_min(wide, columns - j);
                int packed = packs || width < wide;
                const REAL *b = packed ? panels + j * depth : f->b + k * f->ldb + j0 + j;
                OF(tiles)[vectors - 1][rows - 1](depth, a, a_row, a_column, b, packed ? wide : f->ldb, to + j, ldout,
                                                 width, k > 0);
                j += width;
            }
            if (finish && k + depth == f->k) finish(what, i, rows, j0, columns, to, ldout);
        }
    }
}
#undef UNROLL
