// Resizing of channels-last images, local response normalisation, and places among the largest of a row.


template <class T, class U, class W>
HR_DEVICE void resample(
    const T *in, U *out, const long long *row_starts, const long long *row_places, const double *row_weights,
    const long long *column_starts, const long long *column_places, const double *column_weights, long long n, int in_h,
    int in_w, int out_h, int out_w, int channels) {
    HR_EACH(i, n) {
        long long pixel = i / channels, line = pixel / out_w, image = line / out_h;
        int c = (int)(i - pixel * channels), x = (int)(pixel - line * out_w), y = (int)(line - image * out_h);
        W sum = 0;
        for (long long k = row_starts[y]; k < row_starts[y + 1]; k++) {
            const T *from = in + ((image * in_h + row_places[k]) * in_w) * channels + c;
            W part = 0;
            for (long long j = column_starts[x]; j < column_starts[x + 1]; j++)
                part += W(from[column_places[j] * channels]) * W(column_weights[j]);
            sum += part * W(row_weights[k]);
        }
        out[i] = U(sum);
    }
}

// The sum of squares of the channels around, as it divides.
template <class T>
HR_DEVICE wide_t<T> response(const T *pixel, int c, int channels, int radius, double bias, double alpha) {
    typedef wide_t<T> W;
    int begin = c - radius < 0 ? 0 : c - radius, end = c + radius < channels - 1 ? c + radius : channels - 1;
    W sum = 0;
    for (int k = begin; k <= end; k++) sum += W(pixel[k]) * W(pixel[k]);
    return sum * W(alpha) + W(bias);
}

template <class T>
HR_DEVICE void lrn(const T *x, T *y, long long n, int channels, int radius, double bias, double alpha, double beta) {
    HR_EACH(i, n) {
        int c = (int)(i % channels);
        wide_t<T> norm = response(x + (i - c), c, channels, radius, bias, alpha);
        y[i] = wide_t<T>(x[i]) * pow(norm, -wide_t<T>(beta));
    }
}

template <class T>
HR_DEVICE void lrn_gradient(
    const T *dy, const T *x, const T *y, T *dx, long long n, int channels, int radius, double bias, double alpha,
    double beta) {
    typedef wide_t<T> W;
    HR_EACH(i, n) {
        int c = (int)(i % channels);
        const T *pixel = x + (i - c);
        W shared = 0;
        int begin = c - radius < 0 ? 0 : c - radius, end = c + radius < channels - 1 ? c + radius : channels - 1;
        for (int k = begin; k <= end; k++)
            shared += W(dy[i - c + k]) * W(y[i - c + k]) / response(pixel, k, channels, radius, bias, alpha);
        W own = pow(response(pixel, c, channels, radius, bias, alpha), -W(beta));
        dx[i] = W(dy[i]) * own - W(2 * alpha * beta) * W(x[i]) * shared;
    }
}

// Whether x at place i comes before y at place j among the largest: NaN first, then by value, then by place.
template <class W> HR_DEVICE bool ranks_before(W x, long long i, W y, long long j) {
    if (is_nan(x) || is_nan(y)) return is_nan(x) && (!is_nan(y) || i < j);
    return x > y || (x == y && i < j);
}

// Each number counts those before it: it is at home where that many are.
template <class T>
HR_DEVICE void top_k(const T *x, T *values, int *places, long long rows, int n, int k) {
    HR_EACH(i, rows * n) {
        long long row = i / n;
        int own = (int)(i - row * n), before = 0;
        wide_t<T> value = x[i];
        for (int j = 0; j < n && before < k; j++) before += ranks_before(wide_t<T>(x[row * n + j]), j, value, own);
        if (before < k) {
            values[row * k + before] = x[i];
            places[row * k + before] = own;
        }
    }
}

// A row a warp: whether fewer than k are greater than the target's. What is not finite, and no class, is never among them.
template <class T> HR_DEVICE void in_top_k(const float *x, const T *targets, const T *k, bool *out, long long rows, int n, long long fixed) {
    long long step = (long long)gridDim.x * (blockDim.x / 32);
    for (long long row = (long long)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; row < rows; row += step) {
        long long target = targets[row], most = k ? (long long)*k : fixed;
        bool valid = target >= 0 && target < n;
        float chosen = valid ? x[row * n + target] : 0.0f;
        int above = 0, wrong = 0;
        for (int j = threadIdx.x % 32; j < n; j += 32) {
            float value = x[row * n + j];
            above += value > chosen;
            wrong += !(fabsf(value) < HR_INFINITY);
        }
        above = warp_sum(above);
        wrong = warp_sum(wrong);
        if (threadIdx.x % 32 == 0) out[row] = valid && !wrong && above < most;
    }
}
