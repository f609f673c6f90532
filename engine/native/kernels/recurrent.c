/* Layers of recurrent cells, LSTM and GRU, over whole sequences, float32. The product with the state
   and the gates that follow it are one call a step, in which a chunk does some rows and some units of all gates. */
#include "blas.h"
#include "panels.h"

/* packs [depth, gates * units] (or its transpose, for one gate) with leading dimension `ldw`; a chunk is `block` units */
struct pack {
    int64_t depth, units, gates, block, transposed;
    const float *w; int64_t ldw;
    float *panels;
};

static void pack_panels_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct pack *a = arguments;
    int64_t begin = chunk * a->block, end = hr_min(begin + a->block, a->units), vectors = hr_panel_vectors_of(a->gates);
    (void)context;
    for (int64_t unit = begin; unit < end; unit += hr_panel_units(a->gates)) {
        float *panel = a->panels + unit * a->gates * a->depth;
        memset(panel, 0, (size_t)(vectors * HR_LANES * a->depth) * 4);
        for (int64_t v = 0; v < vectors; v++) {
            int64_t first = a->gates == 1 ? unit + v * HR_LANES : unit, column = a->gates == 1 ? first : unit + v * a->units;
            int64_t width = hr_max(hr_min(HR_LANES, a->units - first), 0);
            float *to = panel + v * HR_LANES;
            if (a->transposed)
                for (int64_t i = 0; i < width; i++)
                    for (int64_t k = 0; k < a->depth; k++) to[k * vectors * HR_LANES + i] = a->w[(column + i) * a->ldw + k];
            else if (width)
                for (int64_t k = 0; k < a->depth; k++)
                    memcpy(to + k * vectors * HR_LANES, a->w + k * a->ldw + column, (size_t)width * 4);
        }
    }
}

/* out[m, n] = a . b + beta out, where a is [k, m] if transpose_a, b is [n, k] if transpose_b. A chunk is `slice` columns.
   Sequences may end after *limit steps: then only (*limit - start) * batch of the rows (limited 1) or of the inner
   dimension (limited 2) are taken, and other rows are 0. */
struct product {
    int64_t transpose_a, transpose_b, m, n, k;
    const float *a; int64_t lda;
    const float *b; int64_t ldb;
    float *out; int64_t ldout;
    double beta;
    int64_t slice;
    const int64_t *limit; int64_t start, batch, limited;
};

static void plain_product(const struct product *p, int64_t m, int64_t k, hr_range columns) {
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = columns.begin; j < columns.end; j++) {
            float total = 0;
            for (int64_t l = 0; l < k; l++)
                total += p->a[p->transpose_a ? l * p->lda + i : i * p->lda + l] *
                         p->b[p->transpose_b ? j * p->ldb + l : l * p->ldb + j];
            p->out[i * p->ldout + j] = total + (p->beta ? (float)p->beta * p->out[i * p->ldout + j] : 0);
        }
}

static void sequence_product_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct product *p = arguments;
    hr_range c = hr_chunk(p->n, p->slice, chunk);
    int64_t m = p->m, k = p->k, taken = p->limit ? hr_max(*p->limit - p->start, 0) * p->batch : INT64_MAX;
    (void)context;
    if (p->limited == 1) m = hr_min(m, taken);
    if (p->limited == 2) k = hr_min(k, taken);
    for (int64_t i = k ? m : 0; i < p->m && !p->beta; i++)
        memset(p->out + i * p->ldout + c.begin, 0, (size_t)(c.end - c.begin) * 4);
    if (!m || !k || c.begin >= c.end) return;
    if (!hr_has_blas()) { plain_product(p, m, k, c); return; }
    hr_sgemm(p->transpose_a, p->transpose_b, m, c.end - c.begin, k, 1, p->a, p->lda,
             p->b + (p->transpose_b ? c.begin * p->ldb : c.begin), p->ldb, (float)p->beta, p->out + c.begin, p->ldout);
}

/* out[j] (+)= sum over rows of a[row, j] * b[row, j], or of a alone where b is NULL; a chunk is `chunk` columns */
struct sums {
    int64_t rows, columns, chunk;
    const float *a; int64_t lda;
    const float *b; int64_t ldb;
    float *out;
    int64_t add;
};

static void column_products_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct sums *s = arguments;
    hr_range c = hr_chunk(s->columns, s->chunk, chunk);
    (void)context;
    for (int64_t j = c.begin; j < c.end; j += HR_LANES) {
        int64_t width = c.end - j;
        hr_vf total = s->add ? hr_get(s->out + j, width) : hr_all(0);
        for (int64_t first = 0; first < s->rows; first += 64) {
            hr_vf run = {0};
            for (int64_t i = first; i < hr_min(first + 64, s->rows); i++) {
                hr_vf a = hr_get(s->a + i * s->lda + j, width);
                if (s->b) a *= hr_get(s->b + i * s->ldb + j, width);
                run += a;
            }
            total += run;
        }
        hr_put(s->out + j, total, width);
    }
}

struct limits { const int64_t *limit; int64_t steps; };

static void sequence_limit(const void *arguments, int64_t chunk, hr_context *context) {
    const struct limits *a = arguments;
    (void)chunk;
    if (*a->limit < 0 || *a->limit > a->steps) hr_fail(context);
}

/* What steps share: a chunk is `row_chunk` rows and `block` units. Steps from *limit on are not taken. */
typedef struct place {
    int64_t rows, row_chunk, units, block;
    const int64_t *limit; int64_t step;
} place;
typedef struct part { hr_range rows, units; } part;

HR_INLINE part part_of(const place *p, int64_t chunk) {
    int64_t across = (p->units + p->block - 1) / p->block;
    return (part){hr_chunk(p->rows, p->row_chunk, chunk / across), hr_chunk(p->units, p->block, chunk % across)};
}

HR_INLINE void clear(float *to, const place *p, part at, int64_t ld) {
    for (int64_t i = at.rows.begin; i < at.rows.end; i++)
        memset(to + i * ld + at.units.begin, 0, (size_t)(at.units.end - at.units.begin) * 4);
    (void)p;
}

struct lstm_step {
    place at;
    const float *gates;  /* [rows, 4 units], the inputs' part without the bias; and the state's part without panels */
    const float *panels;
    const float *cs_prev, *h_prev, *bias;
    const float *wci, *wcf, *wco; /* NULL without peepholes */
    double forget_bias, cell_clip;
    float *i, *cs, *f, *o, *ci, *co, *h;
};

HR_INLINE void lstm_cells(const struct lstm_step *s, const hr_vf *sums, int64_t row, int64_t unit, int64_t width) {
    int64_t n = s->at.units, at = row * n + unit;
    const float *z = s->gates + row * 4 * n + unit, *b = s->bias + unit;
    hr_vf before = hr_get(s->cs_prev + at, width);
    hr_vf zi = sums[0] + (hr_get(z, width) + hr_get(b, width));
    hr_vf zc = sums[1] + (hr_get(z + n, width) + hr_get(b + n, width));
    hr_vf zf = sums[2] + (hr_get(z + 2 * n, width) + (hr_get(b + 2 * n, width) + (float)s->forget_bias));
    hr_vf zo = sums[3] + (hr_get(z + 3 * n, width) + hr_get(b + 3 * n, width));
    if (s->wci) {
        zi += before * hr_get(s->wci + unit, width);
        zf += before * hr_get(s->wcf + unit, width);
    }
    hr_vf i = hr_sigmoid(zi), f = hr_sigmoid(zf), ci = hr_tanh(zc), cs = f * before + i * ci;
    float clip = (float)s->cell_clip;
    if (clip > 0) cs = hr_vmin(hr_vmax(cs, hr_all(-clip)), hr_all(clip));
    if (s->wci) zo += cs * hr_get(s->wco + unit, width);
    hr_vf co = hr_tanh(cs), o = hr_sigmoid(zo);
    hr_put(s->i + at, i, width); hr_put(s->cs + at, cs, width); hr_put(s->f + at, f, width);
    hr_put(s->o + at, o, width); hr_put(s->ci + at, ci, width); hr_put(s->co + at, co, width);
    hr_put(s->h + at, o * co, width);
}

static void lstm_step_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct lstm_step *s = arguments;
    part at = part_of(&s->at, chunk);
    int64_t n = s->at.units;
    (void)context;
    if (s->at.limit && s->at.step >= *s->at.limit) {
        float *outputs[] = {s->i, s->cs, s->f, s->o, s->ci, s->co, s->h};
        for (int k = 0; k < 7; k++) clear(outputs[k], &s->at, at, n);
        return;
    }
    for (int64_t unit = at.units.begin; unit < at.units.end; unit += HR_LANES)
        for (int64_t row = at.rows.begin, rows; row < at.rows.end; row += rows) {
            hr_vf sums[HR_PANEL_SUMS];
            rows = hr_panel_rows(at.rows.end - row, 4);
            hr_panel_product(s->h_prev + row * n, n, rows, s->panels, unit, 4, n, sums);
            for (int64_t r = 0; r < rows; r++) lstm_cells(s, sums + 4 * r, row + r, unit, at.units.end - unit);
        }
}

struct lstm_step_grad {
    place at;
    const float *panels, *next; /* the state's columns, and the gates' gradients one step later [rows, 4 units] or NULL */
    const float *cs_prev, *i, *f, *o, *ci, *co;
    const float *wci, *wcf, *wco; /* NULL without peepholes */
    const float *cs_grad, *h_grad;
    int64_t last;               /* dc is 0 before this step */
    float *dc, *gates;
};

HR_INLINE void lstm_cells_grad(const struct lstm_step_grad *s, hr_vf dh, int64_t row, int64_t unit, int64_t width) {
    int64_t n = s->at.units, at = row * n + unit;
    float *gates = s->gates + row * 4 * n + unit;
    hr_vf i = hr_get(s->i + at, width), f = hr_get(s->f + at, width), o = hr_get(s->o + at, width);
    hr_vf ci = hr_get(s->ci + at, width), co = hr_get(s->co + at, width);
    hr_vf dc = hr_get(s->cs_grad + at, width);
    if (!s->last) dc += hr_get(s->dc + at, width);
    dh += hr_get(s->h_grad + at, width);
    dc += o * (1 - co * co) * dh;
    hr_vf d_o = o * (1 - o) * co * dh;
    if (s->wci) dc += d_o * hr_get(s->wco + unit, width);
    hr_vf di = i * (1 - i) * ci * dc, dci = (1 - ci * ci) * i * dc;
    hr_vf df = f * (1 - f) * hr_get(s->cs_prev + at, width) * dc;
    dc *= f;
    if (s->wci) dc += di * hr_get(s->wci + unit, width) + df * hr_get(s->wcf + unit, width);
    hr_put(s->dc + at, dc, width);
    hr_put(gates, di, width); hr_put(gates + n, dci, width); hr_put(gates + 2 * n, df, width);
    hr_put(gates + 3 * n, d_o, width);
}

static void lstm_step_grad_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct lstm_step_grad *s = arguments;
    part at = part_of(&s->at, chunk);
    int64_t n = s->at.units;
    (void)context;
    if (s->at.limit && s->at.step >= *s->at.limit) {
        for (int k = 0; k < 4; k++) clear(s->gates + k * n, &s->at, at, 4 * n);
        clear(s->dc, &s->at, at, n);
        return;
    }
    const float *panels = s->next && !(s->at.limit && s->at.step + 1 >= *s->at.limit) ? s->panels : 0;
    for (int64_t unit = at.units.begin; unit < at.units.end; unit += 2 * HR_LANES)
        for (int64_t row = at.rows.begin, rows; row < at.rows.end; row += rows) {
            hr_vf sums[HR_PANEL_SUMS];
            rows = hr_panel_rows(at.rows.end - row, 1);
            hr_panel_product(panels ? s->next + row * 4 * n : 0, 4 * n, rows, panels, unit, 1, 4 * n, sums);
            for (int64_t r = 0; r < rows; r++)
                for (int64_t v = 0; v < 2 && unit + v * HR_LANES < at.units.end; v++)
                    lstm_cells_grad(s, sums[2 * r + v], row + r, unit + v * HR_LANES, at.units.end - unit - v * HR_LANES);
        }
}

struct gru_gates {
    place at;
    const float *gates, *panels; /* as for the LSTM: [rows, 2 units] */
    const float *h_prev, *bias;
    float *r, *u, *reset;        /* reset = r h_prev */
};

static void gru_gates_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct gru_gates *s = arguments;
    part at = part_of(&s->at, chunk);
    int64_t n = s->at.units;
    (void)context;
    for (int64_t unit = at.units.begin; unit < at.units.end; unit += HR_LANES)
        for (int64_t row = at.rows.begin, rows; row < at.rows.end; row += rows) {
            hr_vf sums[HR_PANEL_SUMS];
            int64_t width = at.units.end - unit;
            rows = hr_panel_rows(at.rows.end - row, 2);
            hr_panel_product(s->h_prev + row * n, n, rows, s->panels, unit, 2, n, sums);
            for (int64_t i = 0; i < rows; i++) {
                int64_t to = (row + i) * n + unit;
                const float *z = s->gates + (row + i) * 2 * n + unit, *b = s->bias + unit;
                hr_vf r = hr_sigmoid(sums[2 * i] + (hr_get(z, width) + hr_get(b, width)));
                hr_vf u = hr_sigmoid(sums[2 * i + 1] + (hr_get(z + n, width) + hr_get(b + n, width)));
                hr_put(s->r + to, r, width);
                hr_put(s->u + to, u, width);
                hr_put(s->reset + to, r * hr_get(s->h_prev + to, width), width);
            }
        }
}

/* Calls `cells(s, sum, row, unit, width)` for each vector of a chunk's units, where sum = rows of a . panels. */
#define GRU_CELLS(type, kernel, cells, a_of, lda, with_panels)                                                          \
    static void kernel(const void *arguments, int64_t chunk, hr_context *context) {                                     \
        const struct type *s = arguments;                                                                               \
        part at = part_of(&s->at, chunk);                                                                               \
        int64_t n = s->at.units, depth = (lda);                                                                         \
        const float *panels = (with_panels) ? s->panels : 0, *a = s->a_of;                                              \
        (void)context;                                                                                                  \
        for (int64_t unit = at.units.begin; unit < at.units.end; unit += 2 * HR_LANES)                                  \
            for (int64_t row = at.rows.begin, rows; row < at.rows.end; row += rows) {                                   \
                hr_vf sums[HR_PANEL_SUMS];                                                                              \
                rows = hr_panel_rows(at.rows.end - row, 1);                                                             \
                hr_panel_product(panels ? a + row * depth : 0, depth, rows, panels, unit, 1, depth, sums);              \
                for (int64_t i = 0; i < rows; i++)                                                                      \
                    for (int64_t v = 0, j = unit; v < 2 && j < at.units.end; v++, j += HR_LANES)                        \
                        cells(s, sums[2 * i + v], row + i, j, at.units.end - j);                                        \
            }                                                                                                           \
        (void)n;                                                                                                        \
    }

struct gru_state {
    place at;
    const float *fresh, *panels; /* the inputs' part of the candidate [rows, units] */
    const float *reset, *bias, *h_prev, *u;
    float *c, *h;
};

HR_INLINE void gru_cells(const struct gru_state *s, hr_vf sum, int64_t row, int64_t unit, int64_t width) {
    int64_t at = row * s->at.units + unit;
    hr_vf c = hr_tanh(sum + (hr_get(s->fresh + at, width) + hr_get(s->bias + unit, width)));
    hr_put(s->c + at, c, width);
    hr_put(s->h + at, hr_get(s->u + at, width) * (hr_get(s->h_prev + at, width) - c) + c, width);
}
GRU_CELLS(gru_state, gru_state_f32, gru_cells, reset, n, 1)

struct gru_state_grad {
    place at;
    const float *panels, *next;  /* the gates' gradients one step later [rows, 2 units], or NULL after the last step */
    const float *h_grad, *h_prev, *r, *u, *c;
    float *dh, *dz, *dc, *reset; /* dh: what comes from later steps but through `next`, then all of it */
};

HR_INLINE void gru_state_cells(const struct gru_state_grad *s, hr_vf dh, int64_t row, int64_t unit, int64_t width) {
    int64_t n = s->at.units, at = row * n + unit;
    hr_vf u = hr_get(s->u + at, width), c = hr_get(s->c + at, width), h = hr_get(s->h_prev + at, width);
    dh += hr_get(s->h_grad + at, width);
    if (s->next) dh += hr_get(s->dh + at, width);
    hr_put(s->dh + at, dh, width);
    hr_put(s->dc + at, dh * (1 - u) * (1 - c * c), width);
    hr_put(s->dz + row * 2 * n + n + unit, dh * (h - c) * u * (1 - u), width);
    hr_put(s->reset + at, hr_get(s->r + at, width) * h, width);
}
GRU_CELLS(gru_state_grad, gru_state_grad_f32, gru_state_cells, next, 2 * n, s->next != 0)

struct gru_reset_grad {
    place at;
    const float *panels, *dc, *h_prev, *r, *u;
    float *dh, *dz;
};

HR_INLINE void gru_reset_cells(const struct gru_reset_grad *s, hr_vf reset, int64_t row, int64_t unit, int64_t width) {
    int64_t n = s->at.units, at = row * n + unit;
    hr_vf r = hr_get(s->r + at, width);
    hr_put(s->dz + row * 2 * n + unit, reset * hr_get(s->h_prev + at, width) * r * (1 - r), width);
    hr_put(s->dh + at, hr_get(s->dh + at, width) * hr_get(s->u + at, width) + reset * r, width);
}
GRU_CELLS(gru_reset_grad, gru_reset_grad_f32, gru_reset_cells, dc, n, 1)

/* A GRU that resets after the product: gates r, u and the candidate side by side, all by one product. */
struct gru_after_step {
    place at;
    const float *z, *panels;     /* the inputs' parts [rows, 3 units] */
    const float *h_prev, *b_x, *b_h;
    float *r, *u, *c, *s, *h;
};

HR_INLINE void gru_after_cells(const struct gru_after_step *g, const hr_vf *sums, int64_t row, int64_t unit, int64_t width) {
    int64_t n = g->at.units, to = row * n + unit;
    const float *z = g->z + row * 3 * n + unit, *b_x = g->b_x + unit, *b_h = g->b_h + unit;
    hr_vf part[3], state[3];
    for (int k = 0; k < 3; k++) {
        part[k] = hr_get(z + k * n, width) + hr_get(b_x + k * n, width);
        state[k] = sums[k] + hr_get(b_h + k * n, width);
    }
    hr_vf r = hr_sigmoid(part[0] + state[0]), u = hr_sigmoid(part[1] + state[1]), c = hr_tanh(part[2] + r * state[2]);
    hr_put(g->r + to, r, width);
    hr_put(g->u + to, u, width);
    hr_put(g->c + to, c, width);
    hr_put(g->s + to, state[2], width);
    hr_put(g->h + to, u * (hr_get(g->h_prev + to, width) - c) + c, width);
}

static void gru_after_step_f32(const void *arguments, int64_t chunk, hr_context *context) {
    const struct gru_after_step *g = arguments;
    part at = part_of(&g->at, chunk);
    int64_t n = g->at.units;
    (void)context;
    for (int64_t unit = at.units.begin; unit < at.units.end; unit += HR_LANES)
        for (int64_t row = at.rows.begin, rows; row < at.rows.end; row += rows) {
            hr_vf sums[HR_PANEL_SUMS];
            rows = hr_panel_rows(at.rows.end - row, 3);
            hr_panel_product(g->h_prev + row * n, n, rows, g->panels, unit, 3, n, sums);
            for (int64_t i = 0; i < rows; i++) gru_after_cells(g, sums + 3 * i, row + i, unit, at.units.end - unit);
        }
}

struct gru_after_grad {
    place at;
    const float *panels, *next;     /* the states' parts' gradients one step later [rows, 3 units], or NULL after the last */
    const float *h_grad, *h_prev, *r, *u, *c, *s;
    float *dh, *of_inputs, *of_states; /* dh: what goes on through u, from later steps and then to earlier ones */
};

HR_INLINE void gru_after_grads(const struct gru_after_grad *g, hr_vf dh, int64_t row, int64_t unit, int64_t width) {
    int64_t n = g->at.units, at = row * n + unit, to = row * 3 * n + unit;
    hr_vf r = hr_get(g->r + at, width), u = hr_get(g->u + at, width), c = hr_get(g->c + at, width);
    dh += hr_get(g->h_grad + at, width);
    if (g->next) dh += hr_get(g->dh + at, width);
    hr_vf fresh = dh * (1 - u) * (1 - c * c), reset = fresh * hr_get(g->s + at, width) * r * (1 - r);
    hr_vf update = dh * (hr_get(g->h_prev + at, width) - c) * u * (1 - u);
    hr_put(g->dh + at, dh * u, width);
    hr_put(g->of_inputs + to, reset, width);
    hr_put(g->of_inputs + to + n, update, width);
    hr_put(g->of_inputs + to + 2 * n, fresh, width);
    hr_put(g->of_states + to, reset, width);
    hr_put(g->of_states + to + n, update, width);
    hr_put(g->of_states + to + 2 * n, fresh * r, width);
}
GRU_CELLS(gru_after_grad, gru_after_grad_f32, gru_after_grads, next, 3 * n, s->next != 0)

HR_TABLE(recurrent)
HR_ENTRY(pack_panels_f32, struct pack)
HR_ENTRY(sequence_product_f32, struct product)
HR_ENTRY(column_products_f32, struct sums)
HR_ENTRY(sequence_limit, struct limits)
HR_ENTRY(lstm_step_f32, struct lstm_step)
HR_ENTRY(lstm_step_grad_f32, struct lstm_step_grad)
HR_ENTRY(gru_gates_f32, struct gru_gates)
HR_ENTRY(gru_state_f32, struct gru_state)
HR_ENTRY(gru_state_grad_f32, struct gru_state_grad)
HR_ENTRY(gru_reset_grad_f32, struct gru_reset_grad)
HR_ENTRY(gru_after_step_f32, struct gru_after_step)
HR_ENTRY(gru_after_grad_f32, struct gru_after_grad)
HR_END
