/* What a program does to a block of numbers of type T in vectors V of LANES, with masks M of integers I. FLOATING is 1 for
   float, 2 for double, 0 for integers. */

HR_INLINE V NAME(all)(T x) { return (V){0} + x; }
HR_INLINE V NAME(choose)(M mask, V a, V b) { return (V)((mask & (M)a) | (~mask & (M)b)); }

/* Elements of an input as T; those of bool ones as masks. */
static void NAME(gather)(T *out, const void *base, int64_t is_bool, int64_t offset, int64_t stride, int64_t n) {
    if (is_bool) {
        const uint8_t *in = (const uint8_t *)base + offset;
        for (int64_t i = 0; i < n; i++) ((I *)out)[i] = -(I)(in[i * stride] != 0);
        return;
    }
    const T *in = (const T *)base + offset;
    if (stride == 1) memcpy(out, in, (size_t)n * sizeof(T));
    else if (stride == 0) for (int64_t i = 0; i < n; i++) out[i] = *in;
    else for (int64_t i = 0; i < n; i++) out[i] = in[i * stride];
}

/* A block of an input that is repeated or strided, laid out element by element. */
static void NAME(lay_out)(T *out, const void *base, const hr_operand *o, int64_t position, int64_t n) {
    int64_t at[HR_MOST_RANK], inner = o->sizes[o->rank - 1], stride = o->strides[o->rank - 1];
    int64_t offset = hr_offset(o, position, at), run = inner - at[o->rank - 1];
    while (n > 0) {
        run = hr_min(run, n);
        NAME(gather)(out, base, o->is_bool, offset, stride, run);
        out += run;
        n -= run;
        run = inner;
        offset = hr_next_run(o, at);
    }
}

HR_INLINE void NAME(splat)(hr_state *s, int64_t slot, T x) {
    char *pad = s->pads + slot * HR_VECTOR;
    *(V *)pad = NAME(all)(x);
    s->place[slot] = pad;
    s->step[slot] = 0;
}

static T NAME(element)(const void *base, int64_t is_bool, int64_t offset) {
    T x;
    NAME(gather)(&x, base, is_bool, offset, 0, 1);
    return x;
}

/* Begins a chunk: constants, and inputs that are one number. */
static void NAME(start)(hr_state *s) {
    const hr_program *p = s->program;
    const int64_t *constants = (const int64_t *)(s->operands + p->inputs);
    for (int64_t i = 0; i < p->constants; i++) {
        T x;
        memcpy(&x, &constants[i], sizeof x);
        NAME(splat)(s, p->inputs + i, x);
    }
    for (int64_t i = 0; i < p->inputs; i++)
        if (s->operands[i].kind == HR_ONE) NAME(splat)(s, i, NAME(element)(s->inputs[i], s->operands[i].is_bool, 0));
}

/* Where the elements [position, position + n) of input `i` lie, or are laid out. Returns whether that is the input's own
   memory, behind whose end nothing may be read. */
static int NAME(place_input)(hr_state *s, int64_t i, int64_t position, int64_t n) {
    const hr_operand *o = &s->operands[i];
    int64_t at[HR_MOST_RANK], inner, offset;
    if (o->kind == HR_ONE) return 0;
    s->step[i] = LANES;
    s->place[i] = s->blocks[i];
    if (o->kind == HR_WHOLE) {
        if (!o->is_bool) { s->place[i] = (char *)s->inputs[i] + position * (int64_t)sizeof(T); return 1; }
        NAME(gather)((T *)s->blocks[i], s->inputs[i], 1, position, 1, n);
        return 0;
    }
    if (o->kind == HR_PERIODIC) {
        if (n > s->period_ready) NAME(lay_out)((T *)s->blocks[i], s->inputs[i], o, 0, n);
        return 0;
    }
    inner = o->sizes[o->rank - 1];
    if (position % inner + n > inner) { NAME(lay_out)((T *)s->blocks[i], s->inputs[i], o, position, n); return 0; }
    offset = hr_offset(o, position, at);
    if (o->strides[o->rank - 1] == 0) NAME(splat)(s, i, NAME(element)(s->inputs[i], o->is_bool, offset));
    else if (o->strides[o->rank - 1] == 1 && !o->is_bool) {
        s->place[i] = (char *)s->inputs[i] + offset * (int64_t)sizeof(T);
        return 1;
    } else NAME(gather)((T *)s->blocks[i], s->inputs[i], o->is_bool, offset, o->strides[o->rank - 1], n);
    return 0;
}

#if FLOATING
#if FLOATING == 1
#define LIBM(name) name##f
#define ROOT(x) hr_sqrt(x)
#define ROUND(name, x) hr_##name(x)
#else
#define LIBM(name) name
#define ROOT(x) hr_sqrt_d(x)
#define ROUND(name, x) hr_##name##_d(x)
#endif
HR_INLINE T NAME(floor_mod)(T a, T b) {
    T r = LIBM(fmod)(a, b);
    if (b == 0) return r;
    if (r == 0) return LIBM(copysign)(0, b);
    return (b < 0) != (r < 0) ? r + b : r;
}
HR_INLINE T NAME(floor_div)(T a, T b) {
    T r = LIBM(fmod)(a, b), q, f;
    if (b == 0) return a / b;
    q = (a - r) / b;
    if (r != 0 && (b < 0) != (r < 0)) q -= 1;
    if (q == 0) return LIBM(copysign)(0, a / b);
    f = LIBM(floor)(q);
    return q - f > (T)0.5 ? f + 1 : f;
}
HR_INLINE T NAME(c_mod)(T a, T b) { return LIBM(fmod)(a, b); }
#else
/* As NumPy's: nothing is 0 modulo 0, and the least number by -1 is itself. */
HR_INLINE T NAME(c_mod)(T a, T b) { return b == 0 || b == -1 ? 0 : a % b; }
HR_INLINE T NAME(floor_mod)(T a, T b) {
    T r = NAME(c_mod)(a, b);
    return r && (b < 0) != (r < 0) ? r + b : r;
}
HR_INLINE T NAME(floor_div)(T a, T b) {
    if (b == 0) return 0;
    if (b == -1) return (T)(0 - (uint64_t)a);
    return a / b - (a % b && (a < 0) != (b < 0));
}
#endif

#define LOOP1(W, e)                                                                                                    \
    for (int64_t i = 0; i < n; i += LANES, a += sa) {                                                                  \
        V x = *(const V *)a;                                                                                           \
        *(W *)(out + i) = (W)(e);                                                                                      \
    }                                                                                                                  \
    break;
#define LOOP2(W, e)                                                                                                    \
    for (int64_t i = 0; i < n; i += LANES, a += sa, b += sb) {                                                         \
        V x = *(const V *)a, y = *(const V *)b;                                                                        \
        *(W *)(out + i) = (W)(e);                                                                                      \
    }                                                                                                                  \
    break;
#define LOOP3(W, e)                                                                                                    \
    for (int64_t i = 0; i < n; i += LANES, a += sa, b += sb, c += sc) {                                                \
        V x = *(const V *)a, y = *(const V *)b, z = *(const V *)c;                                                     \
        *(W *)(out + i) = (W)(e);                                                                                      \
    }                                                                                                                  \
    break;
#define LOOP4(W, e)                                                                                                    \
    for (int64_t i = 0; i < n; i += LANES, a += sa, b += sb, c += sc, d += sd) {                                       \
        V x = *(const V *)a, y = *(const V *)b, z = *(const V *)c, w = *(const V *)d;                                  \
        *(W *)(out + i) = (W)(e);                                                                                      \
    }                                                                                                                  \
    break;
#define LANES1(f)                                                                                                      \
    for (int64_t i = 0; i < n; i += LANES, a += sa)                                                                    \
        for (int l = 0; l < LANES; l++) out[i + l] = f(a[l]);                                                          \
    break;
#define LANES2(f)                                                                                                      \
    for (int64_t i = 0; i < n; i += LANES, a += sa, b += sb)                                                           \
        for (int l = 0; l < LANES; l++) out[i + l] = f(a[l], b[l]);                                                    \
    break;

/* One instruction on n elements, n a multiple of LANES. */
static void NAME(step)(const hr_state *s, const hr_instruction *code, int64_t n) {
    const int64_t *o = code->operands;
    const T *a = (const T *)s->place[o[0]], *b = (const T *)s->place[o[1]], *c = (const T *)s->place[o[2]];
    const T *d = (const T *)s->place[o[3]];
    int64_t sa = s->step[o[0]] ? LANES : 0, sb = s->step[o[1]] ? LANES : 0, sc = s->step[o[2]] ? LANES : 0;
    int64_t sd = s->step[o[3]] ? LANES : 0;
    T *out = (T *)s->place[code->out];
    V zero = NAME(all)(0), one = NAME(all)(1);
    switch (code->op) {
    case HR_OP_add: LOOP2(V, x + y)
    case HR_OP_sub: LOOP2(V, x - y)
    case HR_OP_mul: LOOP2(V, x * y)
    case HR_OP_mul_add: LOOP3(V, x * y + z)
    case HR_OP_floordiv: LANES2(NAME(floor_div))
    case HR_OP_mod: LANES2(NAME(floor_mod))
    case HR_OP_fmod: LANES2(NAME(c_mod))
    case HR_OP_maximum: LOOP2(V, NAME(choose)((M)(x > y) | (M)(x != x), x, y))
    case HR_OP_minimum: LOOP2(V, NAME(choose)((M)(x < y) | (M)(x != x), x, y))
    case HR_OP_add_maximum: LOOP3(V, NAME(choose)((M)(x + y > z) | (M)(x + y != x + y), x + y, z))
    case HR_OP_neg: LOOP1(V, -x)
    case HR_OP_sign: LOOP1(V, NAME(choose)(x != x, x, NAME(choose)(x > zero, one, NAME(choose)(x < zero, -one, zero))))
    case HR_OP_square: LOOP1(V, x * x)
    case HR_OP_copy: LOOP1(V, x)
    case HR_OP_less: LOOP2(M, x < y)
    case HR_OP_less_equal: LOOP2(M, x <= y)
    case HR_OP_greater: LOOP2(M, x > y)
    case HR_OP_greater_equal: LOOP2(M, x >= y)
    case HR_OP_equal: LOOP2(M, x == y)
    case HR_OP_not_equal: LOOP2(M, x != y)
    case HR_OP_select: LOOP3(V, NAME(choose)((M)x, y, z))
    case HR_OP_select_greater: LOOP4(V, NAME(choose)(x > y, z, w))
    case HR_OP_to_bool: LOOP1(M, x != zero)
    case HR_OP_mask_and: LOOP2(M, (M)x & (M)y)
    case HR_OP_mask_or: LOOP2(M, (M)x | (M)y)
    case HR_OP_mask_xor: LOOP2(M, (M)x ^ (M)y)
    case HR_OP_mask_equal: LOOP2(M, ~((M)x ^ (M)y))
    case HR_OP_mask_not: LOOP1(M, ~(M)x)
#if FLOATING
    case HR_OP_abs: LOOP1(V, (M)x & (M)~(M)(-zero))
    case HR_OP_div: LOOP2(V, x / y)
    case HR_OP_pow: LANES2(LIBM(pow))
    case HR_OP_atan2: LANES2(LIBM(atan2))
    case HR_OP_sqrt: LOOP1(V, ROOT(x))
    case HR_OP_floor: LOOP1(V, ROUND(floor, x))
    case HR_OP_ceil: LOOP1(V, ROUND(ceil, x))
    case HR_OP_rint: LOOP1(V, ROUND(rint, x))
    case HR_OP_isnan: LOOP1(M, x != x)
    case HR_OP_isinf: LOOP1(M, (x == NAME(all)((T)INFINITY)) | (x == NAME(all)((T)-INFINITY)))
    case HR_OP_isfinite: LOOP1(M, x - x == zero)
#if FLOATING == 1
    case HR_OP_exp: LOOP1(V, hr_exp(x))
    case HR_OP_expm1: LOOP1(V, hr_expm1(x))
    case HR_OP_log: LOOP1(V, hr_log(x))
    case HR_OP_log1p: LOOP1(V, hr_log1p(x))
    case HR_OP_tanh: LOOP1(V, hr_tanh(x))
#else
    case HR_OP_exp: LANES1(exp)
    case HR_OP_expm1: LANES1(expm1)
    case HR_OP_log: LANES1(log)
    case HR_OP_log1p: LANES1(log1p)
    case HR_OP_tanh: LANES1(tanh)
#endif
    case HR_OP_sin: LANES1(LIBM(sin))
    case HR_OP_cos: LANES1(LIBM(cos))
    case HR_OP_tan: LANES1(LIBM(tan))
    case HR_OP_asin: LANES1(LIBM(asin))
    case HR_OP_acos: LANES1(LIBM(acos))
    case HR_OP_atan: LANES1(LIBM(atan))
    case HR_OP_sinh: LANES1(LIBM(sinh))
    case HR_OP_cosh: LANES1(LIBM(cosh))
    case HR_OP_asinh: LANES1(LIBM(asinh))
    case HR_OP_acosh: LANES1(LIBM(acosh))
    case HR_OP_atanh: LANES1(LIBM(atanh))
    case HR_OP_erf: LANES1(LIBM(erf))
    case HR_OP_erfc: LANES1(LIBM(erfc))
#else
    case HR_OP_abs: LOOP1(V, NAME(choose)(x < zero, -x, x))
    case HR_OP_bitwise_and: LOOP2(V, x & y)
    case HR_OP_bitwise_or: LOOP2(V, x | y)
    case HR_OP_bitwise_xor: LOOP2(V, x ^ y)
    case HR_OP_invert: LOOP1(V, ~x)
#endif
    }
}

static void NAME(run)(hr_state *s, T *out, int64_t n) {
    const hr_program *p = s->program;
    s->place[p->inputs + p->constants + p->temporaries] = (char *)out;
    for (int64_t k = 0; k < p->instructions; k++) NAME(step)(s, &s->code[k], n);
}

/* The value of the program for the elements [position, position + n), of which there are no more than hr_block_length
   gives: written to `out`, or where it is an input's own memory that. */
static const T *NAME(evaluate)(hr_state *s, int64_t position, int64_t n, T *out) {
    const hr_program *p = s->program;
    int64_t whole = n - n % LANES, left = n - whole, last = p->inputs + p->constants + p->temporaries;
    uint64_t own = 0;
    for (int64_t i = 0; i < p->inputs; i++) own |= (uint64_t)NAME(place_input)(s, i, position, n) << i;
    s->period_ready = hr_max(s->period_ready, n);
    if (p->instructions == 0) {
        if (s->step[p->result]) return (const T *)s->place[p->result];
        for (int64_t i = 0; i < n; i++) out[i] = *(const T *)s->place[p->result];
        return out;
    }
    if (whole) NAME(run)(s, out, whole);
    if (!left) return out;
    for (int64_t i = 0; i < p->inputs; i++) {
        char *rest = s->place[i] + whole * (int64_t)sizeof(T);
        if (!s->step[i]) continue;
        s->place[i] = rest;
        if (own >> i & 1) {
            s->place[i] = s->pads + i * HR_VECTOR;
            memset(s->place[i], 0, HR_VECTOR);
            memcpy(s->place[i], rest, (size_t)left * sizeof(T));
        }
    }
    NAME(run)(s, (T *)(s->pads + last * HR_VECTOR), LANES);
    memcpy(out + whole, s->pads + last * HR_VECTOR, (size_t)left * sizeof(T));
    return out;
}

/* The value as it lies in memory: masks become bytes. */
static __attribute__((unused)) void NAME(evaluate_into)(hr_state *s, int64_t position, int64_t n, void *out) {
    if (!s->program->is_bool) {
        NAME(evaluate)(s, position, n, (T *)out + position);
        return;
    }
    const I *masks = (const I *)NAME(evaluate)(s, position, n, (T *)s->value);
    uint8_t *bytes = (uint8_t *)out + position;
    for (int64_t i = 0; i < n; i++) bytes[i] = masks[i] & 1;
}

#undef LOOP1
#undef LOOP2
#undef LOOP3
#undef LOOP4
#undef LANES1
#undef LANES2
#undef LIBM
#undef ROOT
#undef ROUND
#undef T
#undef V
#undef M
#undef I
#undef LANES
#undef NAME
#undef FLOATING
