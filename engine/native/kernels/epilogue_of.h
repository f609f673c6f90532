/* Included once for each type by epilogue.h. */
HR_INLINE VECTOR OF(choose)(MASK mask, VECTOR a, VECTOR b) { return (VECTOR)((mask & (MASK)a) | (~mask & (MASK)b)); }
HR_INLINE VECTOR OF(get)(const REAL *p, int64_t left) { return left >= LANES ? *(const VECTOR *)p : OF(part)(p, left); }
HR_INLINE VECTOR OF(operand)(const REAL *p, int64_t j, int64_t across, int64_t left) {
    if (across) return OF(get)(p + j, left);
    return (VECTOR){0} + *p;
}

#define ROW(expression)                                                                                                   \
    for (int64_t j = 0; j < count; j += LANES) {                                                                          \
        int64_t left = count - j;                                                                                         \
        VECTOR x = OF(get)(row + j, left), y = needs ? OF(operand)(operand, j, across, left) : x;                         \
        (void)y;                                                                                                          \
        x = expression;                                                                                                   \
        if (left >= LANES) *(VECTOR *)(row + j) = x;                                                                      \
        else OF(put_part)(row + j, x, left);                                                                              \
    }                                                                                                                     \
    break

/* One step on `count` elements of a row. NaN goes through as in NumPy's maximum and minimum. */
static void OF(step)(const struct hr_step *step, const REAL *operand, REAL *row, int64_t count) {
    const VECTOR zero = {0};
    const REAL alpha = (REAL)step->alpha, scale = (REAL)1.0507009873554805, scaled = (REAL)1.7580993408473766;
    int64_t across = step->across;
    int needs = operand != 0;
    switch (step->kind) {
    case HR_ADD: ROW(x + y);
    case HR_MUL: ROW(x * y);
    case HR_RELU: ROW(OF(choose)(x < zero, zero, x));
    case HR_RELU6: ROW(OF(choose)(x < zero, zero, OF(choose)(x > zero + 6, zero + 6, x)));
    case HR_LEAKY_RELU: ROW(OF(choose)(x > zero, x, x * alpha));
    case HR_ELU: ROW(OF(choose)(x < zero, OF(expm1)(x), x));
    case HR_SELU: ROW(OF(choose)(x < zero, OF(expm1)(x) * scaled, x * scale));
    case HR_TANH: ROW(OF(tanh)(x));
    case HR_SIGMOID: ROW(OF(sigmoid)(x));
    case HR_RELU_GRAD: ROW(OF(choose)(y > zero, x, zero));
    case HR_RELU6_GRAD: ROW(OF(choose)((y > zero) & (y < zero + 6), x, zero));
    case HR_LEAKY_RELU_GRAD: ROW(OF(choose)(y > zero, x, x * alpha));
    case HR_ELU_GRAD: ROW(OF(choose)(y < zero, x * (y + 1), x));
    case HR_SELU_GRAD: ROW(OF(choose)(y < zero, x * (y + scaled), x * scale));
    case HR_TANH_GRAD: ROW(x * (1 - y * y));
    case HR_SIGMOID_GRAD: ROW(x * y * (1 - y));
    }
}
#undef ROW

/* All steps on rows [i, i + rows) and columns [j, j + count): an hr_finish. */
static void OF(epilogue)(const void *what, int64_t i, int64_t rows, int64_t j, int64_t count, REAL *out, int64_t ldout) {
    const struct hr_epilogue *e = what;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t s = 0; s < e->count; s++) {
            const struct hr_step *step = &e->steps[s];
            const REAL *operand = step->operand;
            if (operand) operand += (i + r) * step->down + j * step->across;
            OF(step)(step, operand, out + r * ldout, count);
        }
}
