// One step of a GRU that resets after its product, and of its gradient, after the products: a thread a unit of a row.

template <class T> HR_DEVICE T gate(T x) { return 1 / (1 + exp(-x)); }

// z and p [batch, 3 units] are the inputs' and the states' products of r, u and the candidate.
template <class T>
HR_DEVICE void gru_after_cell(
    const T *z, const T *p, const T *h_prev, const T *b_x, const T *b_h, long long batch, int units, T *r_out, T *u_out,
    T *c_out, T *s_out, T *h_out) {
    HR_EACH(at, (int)batch * units) {
        int unit = (int)(at % units);
        const T *x = z + at / units * 3 * units + unit, *y = p + at / units * 3 * units + unit;
        T r = gate(x[0] + b_x[unit] + y[0] + b_h[unit]);
        T u = gate(x[units] + b_x[units + unit] + y[units] + b_h[units + unit]);
        T s = y[2 * units] + b_h[2 * units + unit];
        T c = tanh(x[2 * units] + b_x[2 * units + unit] + r * s);
        r_out[at] = r;
        u_out[at] = u;
        c_out[at] = c;
        s_out[at] = s;
        h_out[at] = u * (h_prev[at] - c) + c;
    }
}

// `later`: what comes through the parts of the next step, null after the last, when dh is not read either.
template <class T>
HR_DEVICE void gru_after_gradient(
    const T *later, const T *h_grad, const T *h_prev, const T *r_in, const T *u_in, const T *c_in, const T *s_in,
    long long batch, int units, T *dh_io, T *of_inputs, T *of_states) {
    HR_EACH(at, (int)batch * units) {
        T dh = h_grad[at], r = r_in[at], u = u_in[at], c = c_in[at];
        if (later) dh += later[at] + dh_io[at];
        dh_io[at] = dh * u;
        T fresh = dh * (1 - u) * (1 - c * c), reset = fresh * s_in[at] * r * (1 - r);
        T update = dh * (h_prev[at] - c) * u * (1 - u);
        long long to = at / units * 3 * units + at % units;
        of_inputs[to] = of_states[to] = reset;
        of_inputs[to + units] = of_states[to + units] = update;
        of_inputs[to + 2 * units] = fresh;
        of_states[to + 2 * units] = fresh * r;
    }
}
