// One step of LSTM and GRU cells, and of their gradients, after the products: a thread a unit of a row.

template <class T> HR_DEVICE T sigmoid(T x) { return 1 / (1 + exp(-x)); }

// A sequence may end after *limit steps, which must be between 0 and the number of its steps.
HR_DEVICE void sequence_limit(const long long *limit, long long steps, int *error, int step) {
    if (blockIdx.x == 0 && threadIdx.x == 0 && (*limit < 0 || *limit > steps)) fail(error, step);
}

// z [batch, 4 units] are the products of the gates i, c, f, o. After the limit all is 0.
template <class T>
HR_DEVICE void lstm_cell(
    const T *z, const T *cs_prev, const T *bias, const T *wci, const T *wcf, const T *wco, double forget_bias,
    double cell_clip, const long long *limit, int t, long long batch, int units, T *i_out, T *cs_out, T *f_out, T *o_out,
    T *ci_out, T *co_out, T *h_out) {
    bool over = limit && t >= *limit;
    HR_EACH(at, (int)batch * units) {
        if (over) {
            i_out[at] = cs_out[at] = f_out[at] = o_out[at] = ci_out[at] = co_out[at] = h_out[at] = 0;
            continue;
        }
        int unit = (int)(at % units);
        const T *own = z + at / units * 4 * units + unit;
        T before = cs_prev[at];
        T zi = own[0] + bias[unit], zc = own[units] + bias[units + unit];
        T zf = own[2 * units] + (bias[2 * units + unit] + T(forget_bias)), zo = own[3 * units] + bias[3 * units + unit];
        if (wci) {
            zi += before * wci[unit];
            zf += before * wcf[unit];
        }
        T i = sigmoid(zi), f = sigmoid(zf), ci = tanh(zc), cs = f * before + i * ci, clip = T(cell_clip);
        if (clip > 0) cs = minimum(maximum(cs, -clip), clip);
        if (wci) zo += cs * wco[unit];
        T co = tanh(cs), o = sigmoid(zo);
        i_out[at] = i;
        cs_out[at] = cs;
        f_out[at] = f;
        o_out[at] = o;
        ci_out[at] = ci;
        co_out[at] = co;
        h_out[at] = o * co;
    }
}

// From dh, what later steps say of the output (null after the last), and dc, what they say of the cell state, which is
// replaced by the same for the step before: the gradients of the gates' inputs [batch, 4 units].
template <class T>
HR_DEVICE void lstm_cell_gradient(
    const T *dh, const T *cs_prev, const T *i_in, const T *f_in, const T *o_in, const T *ci_in, const T *co_in,
    const T *wci, const T *wcf, const T *wco, const T *cs_grad, const T *h_grad, const long long *limit, int t, int last,
    long long batch, int units, T *dc_io, T *gates) {
    bool over = limit && t >= *limit;
    HR_EACH(at, (int)batch * units) {
        int unit = (int)(at % units);
        T *own = gates + at / units * 4 * units + unit;
        if (over) {
            own[0] = own[units] = own[2 * units] = own[3 * units] = dc_io[at] = 0;
            continue;
        }
        T i = i_in[at], f = f_in[at], o = o_in[at], ci = ci_in[at], co = co_in[at];
        T out = dh ? dh[at] + h_grad[at] : h_grad[at], dc = last ? cs_grad[at] : dc_io[at] + cs_grad[at];
        dc += o * (1 - co * co) * out;
        T d_o = o * (1 - o) * co * out;
        if (wci) dc += d_o * wco[unit];
        T di = i * (1 - i) * ci * dc, dci = (1 - ci * ci) * i * dc, df = f * (1 - f) * cs_prev[at] * dc;
        dc *= f;
        if (wci) dc += di * wci[unit] + df * wcf[unit];
        dc_io[at] = dc;
        own[0] = di;
        own[units] = dci;
        own[2 * units] = df;
        own[3 * units] = d_o;
    }
}

template <class T>
HR_DEVICE void gru_gates(
    const T *z, const T *h_prev, const T *bias, long long batch, int units, T *r_out, T *u_out, T *reset) {
    HR_EACH(at, (int)batch * units) {
        int unit = (int)(at % units);
        const T *own = z + at / units * 2 * units + unit;
        T r = sigmoid(own[0] + bias[unit]);
        r_out[at] = r;
        u_out[at] = sigmoid(own[units] + bias[units + unit]);
        reset[at] = r * h_prev[at];
    }
}

template <class T>
HR_DEVICE void gru_state(
    const T *fresh, const T *h_prev, const T *bias, const T *u, long long batch, int units, T *c_out, T *h_out) {
    HR_EACH(at, (int)batch * units) {
        T c = tanh(fresh[at] + bias[at % units]);
        c_out[at] = c;
        h_out[at] = u[at] * (h_prev[at] - c) + c;
    }
}

// `later`: what comes through the gates of the next step, null after the last, when dh is not read either.
template <class T>
HR_DEVICE void gru_state_gradient(
    const T *later, const T *h_grad, const T *h_prev, const T *r, const T *u, const T *c, long long batch, int units,
    T *dh_io, T *dz, T *dc, T *reset) {
    HR_EACH(at, (int)batch * units) {
        T dh = h_grad[at], state = h_prev[at];
        if (later) dh += later[at] + dh_io[at];
        dh_io[at] = dh;
        dc[at] = dh * (1 - u[at]) * (1 - c[at] * c[at]);
        dz[at / units * 2 * units + units + at % units] = dh * (state - c[at]) * u[at] * (1 - u[at]);
        reset[at] = r[at] * state;
    }
}

template <class T>
HR_DEVICE void gru_reset_gradient(
    const T *through, const T *h_prev, const T *r, const T *u, long long batch, int units, T *dh_io, T *dz) {
    HR_EACH(at, (int)batch * units) {
        T reset = through[at];
        dz[at / units * 2 * units + at % units] = reset * h_prev[at] * r[at] * (1 - r[at]);
        dh_io[at] = dh_io[at] * u[at] + reset * r[at];
    }
}
