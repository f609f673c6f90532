/* Included once for each type by optimizers.h. */
#define EACH _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++)
#define ARGUMENTS int64_t n, REAL *const *a, const REAL *g, const REAL *const *h, int64_t option

HR_INLINE REAL OF(sign)(REAL x) { return x > 0 ? (REAL)1 : x < 0 ? (REAL)-1 : x; }
/* sign(x) * max(|x| - threshold, 0) */
HR_INLINE REAL OF(shrink)(REAL x, REAL threshold) {
    REAL rest = ABSOLUTE(x) - threshold;
    return rest > 0 ? (x > 0 ? rest : -rest) : rest != rest ? rest : 0;
}

HR_INLINE void OF(gradient_descent)(ARGUMENTS) {
    REAL *var = a[0], alpha = *h[0];
    (void)option;
    EACH var[i] -= g[i] * alpha;
}

HR_INLINE void OF(momentum)(ARGUMENTS) {
    REAL *var = a[0], *accum = a[1], lr = *h[0], decay = *h[1];
    if (option) EACH { accum[i] = accum[i] * decay + g[i]; var[i] -= (accum[i] * decay + g[i]) * lr; }
    else EACH { accum[i] = accum[i] * decay + g[i]; var[i] -= accum[i] * lr; }
}

HR_INLINE void OF(keras_momentum)(ARGUMENTS) {
    REAL *var = a[0], *accum = a[1], lr = *h[0], decay = *h[1];
    if (option) EACH { REAL s = g[i] * lr; accum[i] = accum[i] * decay - s; var[i] += accum[i] * decay - s; }
    else EACH { accum[i] = accum[i] * decay - g[i] * lr; var[i] += accum[i]; }
}

HR_INLINE void OF(adagrad)(ARGUMENTS) {
    REAL *var = a[0], *accum = a[1], lr = *h[0];
    if (option) EACH { accum[i] += g[i] * g[i]; var[i] -= g[i] * lr / ROOT(accum[i]); }
    else EACH var[i] -= g[i] * lr / ROOT(accum[i]);
}

HR_INLINE void OF(adagrad_v2)(ARGUMENTS) {
    REAL *var = a[0], *accum = a[1], lr = *h[0], epsilon = *h[1];
    if (option) EACH { accum[i] += g[i] * g[i]; var[i] -= g[i] * lr / (ROOT(accum[i]) + epsilon); }
    else EACH var[i] -= g[i] * lr / (ROOT(accum[i]) + epsilon);
}

HR_INLINE void OF(adagrad_da)(ARGUMENTS) {
    REAL *var = a[0], *total = a[1], *squares = a[2], lr = *h[0], l1 = *h[1], l2 = *h[2];
    REAL step = (REAL) * (const int64_t *)h[3], threshold = l1 * step;
    (void)option;
    EACH {
        total[i] += g[i];
        squares[i] += g[i] * g[i];
        REAL x = l1 > 0 ? OF(shrink)(total[i], threshold) : total[i];
        var[i] = x * -lr / (ROOT(squares[i]) + l2 * lr * step);
    }
}

HR_INLINE void OF(adadelta)(ARGUMENTS) {
    REAL *var = a[0], *accum = a[1], *steps = a[2], lr = *h[0], rho = *h[1], epsilon = *h[2], rest = 1 - rho;
    (void)option;
    EACH {
        accum[i] = accum[i] * rho + g[i] * g[i] * rest;
        REAL step = ROOT(steps[i] + epsilon) / ROOT(accum[i] + epsilon) * g[i];
        steps[i] = steps[i] * rho + step * step * rest;
        var[i] -= step * lr;
    }
}

HR_INLINE void OF(adam)(ARGUMENTS) {
    REAL *var = a[0], *m = a[1], *v = a[2], b1 = *h[3], b2 = *h[4], epsilon = *h[5];
    REAL alpha = *h[2] * ROOT(1 - *h[1]) / (1 - *h[0]), rest1 = 1 - b1, rest2 = 1 - b2;
    if (option) EACH {
        m[i] += (g[i] - m[i]) * rest1;
        v[i] += (g[i] * g[i] - v[i]) * rest2;
        var[i] -= (g[i] * rest1 + m[i] * b1) * alpha / (ROOT(v[i]) + epsilon);
    }
    else EACH {
        m[i] += (g[i] - m[i]) * rest1;
        v[i] += (g[i] * g[i] - v[i]) * rest2;
        var[i] -= m[i] * alpha / (ROOT(v[i]) + epsilon);
    }
}

HR_INLINE void OF(adam_amsgrad)(ARGUMENTS) {
    REAL *var = a[0], *m = a[1], *v = a[2], *most = a[3], rest1 = 1 - *h[3], rest2 = 1 - *h[4], epsilon = *h[5];
    REAL alpha = *h[2] * ROOT(1 - *h[1]) / (1 - *h[0]);
    (void)option;
    EACH {
        m[i] += (g[i] - m[i]) * rest1;
        v[i] += (g[i] * g[i] - v[i]) * rest2;
        most[i] = v[i] > most[i] || v[i] != v[i] ? v[i] : most[i];
        var[i] -= m[i] * alpha / (ROOT(most[i]) + epsilon);
    }
}

HR_INLINE void OF(ada_max)(ARGUMENTS) {
    REAL *var = a[0], *m = a[1], *v = a[2], alpha = *h[1] / (1 - *h[0]), rest = 1 - *h[2], b2 = *h[3], epsilon = *h[4];
    (void)option;
    EACH {
        m[i] += (g[i] - m[i]) * rest;
        REAL size = ABSOLUTE(g[i]), decayed = v[i] * b2;
        v[i] = size > decayed || size != size ? size : decayed;
        var[i] -= m[i] / (v[i] + epsilon) * alpha;
    }
}

HR_INLINE void OF(rms_prop)(ARGUMENTS) {
    REAL *var = a[0], *ms = a[1], *mom = a[2], lr = *h[0], rest = 1 - *h[1], decay = *h[2], epsilon = *h[3];
    (void)option;
    EACH {
        ms[i] += (g[i] * g[i] - ms[i]) * rest;
        mom[i] = mom[i] * decay + g[i] * lr / ROOT(ms[i] + epsilon);
        var[i] -= mom[i];
    }
}

HR_INLINE void OF(centered_rms_prop)(ARGUMENTS) {
    REAL *var = a[0], *mg = a[1], *ms = a[2], *mom = a[3], lr = *h[0], rest = 1 - *h[1], decay = *h[2], epsilon = *h[3];
    (void)option;
    EACH {
        ms[i] += (g[i] * g[i] - ms[i]) * rest;
        mg[i] += (g[i] - mg[i]) * rest;
        mom[i] = mom[i] * decay + g[i] * lr / ROOT(ms[i] - mg[i] * mg[i] + epsilon);
        var[i] -= mom[i];
    }
}

HR_INLINE REAL OF(root_power)(REAL x, REAL power) { return power == (REAL)-0.5 ? ROOT(x) : POWER(x, -power); }

HR_INLINE void OF(ftrl_v2)(ARGUMENTS) {
    REAL *var = a[0], *accum = a[1], *linear = a[2], lr = *h[0], l1 = *h[1], l2 = *h[2], shrinkage = *h[3], power = *h[4];
    (void)option;
    EACH {
        REAL before = OF(root_power)(accum[i], power);
        accum[i] += g[i] * g[i];
        REAL after = OF(root_power)(accum[i], power);
        linear[i] += var[i] * (2 * shrinkage) + g[i] - (after - before) / lr * var[i];
        REAL divisor = after / lr + 2 * l2;
        /* Where both the accumulator and l2 are zero so is the dividend: 0 / 0 must be 0. */
        divisor = divisor < TINY ? TINY : divisor;
        REAL clipped = linear[i] > l1 ? l1 : linear[i] < -l1 ? -l1 : linear[i];
        var[i] = (clipped - linear[i]) / divisor;
    }
}

HR_INLINE void OF(ftrl)(ARGUMENTS) {
    static const REAL none = 0;
    const REAL *numbers[] = {h[0], h[1], h[2], &none, h[3]};
    OF(ftrl_v2)(n, a, g, numbers, option);
}

HR_INLINE void OF(proximal_gradient_descent)(ARGUMENTS) {
    REAL *var = a[0], alpha = *h[0], l1 = *h[1], l2 = *h[2];
    (void)option;
    EACH {
        REAL x = var[i] - g[i] * alpha;
        var[i] = (l1 > 0 ? OF(shrink)(x, alpha * l1) : x) / (1 + l2 * alpha);
    }
}

HR_INLINE void OF(proximal_adagrad)(ARGUMENTS) {
    REAL *var = a[0], *accum = a[1], lr = *h[0], l1 = *h[1], l2 = *h[2];
    (void)option;
    EACH {
        accum[i] += g[i] * g[i];
        REAL rate = lr / ROOT(accum[i]), x = var[i] - g[i] * rate;
        var[i] = (l1 > 0 ? OF(shrink)(x, rate * l1) : x) / (rate * l2 + 1);
    }
}

HR_INLINE void OF(add_sign)(ARGUMENTS) {
    REAL *var = a[0], *m = a[1], lr = *h[0], alpha = *h[1], decay = *h[2], rest = 1 - *h[3];
    (void)option;
    EACH {
        m[i] += (g[i] - m[i]) * rest;
        var[i] -= (OF(sign)(g[i]) * OF(sign)(m[i]) * decay + alpha) * g[i] * lr;
    }
}

HR_INLINE void OF(power_sign)(ARGUMENTS) {
    REAL *var = a[0], *m = a[1], lr = *h[0], rest = 1 - *h[3], factor = *h[1] * *h[2];
    (void)option;
    for (int64_t i = 0; i < n; i++) {
        m[i] += (g[i] - m[i]) * rest;
        var[i] -= EXP(OF(sign)(g[i]) * OF(sign)(m[i]) * factor) * g[i] * lr;
    }
}

#undef EACH
#undef ARGUMENTS
