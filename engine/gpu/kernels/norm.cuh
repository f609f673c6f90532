// Batch normalisation of images [rows, channels], and normalisation of rows by their own moments; their gradients.

// Parts [slices, 2, channels] of the sums of x less its first row, and of their squares: that row is near the mean, so that
// the squares do not swamp the differences.
template <class T, class U>
HR_DEVICE void moment_parts(const T *x, long long rows, long long columns, long long share, U *parts) {
    __shared__ U room[HR_COLUMN_ROWS][32];
    HR_COLUMN_PLACE;
    U sum = 0, squares = 0;
    if (column < columns) {
        U pivot = U(x[column]);
        for (long long row = start; row < stop; row += HR_COLUMN_ROWS) {
            U value = U(x[row * columns + column]) - pivot;
            sum += value;
            squares += value * value;
        }
    }
    sum = column_sum(sum, room);
    squares = column_sum(squares, room);
    if (column < columns && threadIdx.y == 0) {
        parts[2 * blockIdx.y * columns + column] = sum;
        parts[(2 * blockIdx.y + 1) * columns + column] = squares;
    }
}

// Mean and variance of the batch, that variance as it is reported (of one row less), and scale / sqrt(variance + epsilon).
template <class T, class U>
HR_DEVICE void batch_statistics(
    const T *x, const U *sums, long long rows, long long channels, double epsilon, const U *scale, U *mean, U *reported, U *saved_mean, U *saved_variance, U *factor) {
    HR_EACH(c, channels) {
        double shift = (double)sums[c] / rows, variance = (double)sums[channels + c] / rows - shift * shift;
        if (variance < 0) variance = 0;
        mean[c] = saved_mean[c] = U((double)U(x[c]) + shift);
        saved_variance[c] = U(variance);
        reported[c] = U(variance * ((double)rows / (rows > 1 ? rows - 1 : 1)));
        factor[c] = scale[c] / sqrt(U(variance) + U(epsilon));
    }
}

// The same where the moments are given.
template <class U>
HR_DEVICE void given_statistics(
    const U *given_mean, const U *given_variance, long long channels, double epsilon, const U *scale, U *mean, U *reported,
    U *saved_mean, U *saved_variance, U *factor) {
    HR_EACH(c, channels) {
        mean[c] = saved_mean[c] = given_mean[c];
        reported[c] = saved_variance[c] = given_variance[c];
        factor[c] = scale[c] / sqrt(given_variance[c] + U(epsilon));
    }
}

// N counts elements.
template <class T, class U, class N>
HR_DEVICE void batch_normalize(
    const T *x, const U *mean, const U *factor, const U *offset, const T *added, T *y, long long n, int channels,
    int relu) {
    HR_EACH(i, (N)n) {
        int c = (int)(i % channels);
        U value = (U(x[i]) - mean[c]) * factor[c] + offset[c];
        // As if the result was written before it is added to.
        if (added) value = U(T(value)) + U(added[i]);
        y[i] = T(relu ? maximum(value, U(0)) : value);
    }
}

// Parts [slices, 2, channels] of the sums of dy, and of dy times the normalised x. Where there are features, dy counts where
// they are positive, and is written so to `masked` if that is given.
template <class T, class U>
HR_DEVICE void gradient_parts(
    const T *dy, const T *x, const T *features, T *masked, const U *mean, const U *variance, double epsilon,
    long long rows, long long columns, long long share, U *parts) {
    __shared__ U room[HR_COLUMN_ROWS][32];
    HR_COLUMN_PLACE;
    U sum = 0, products = 0;
    if (column < columns) {
        U center = mean[column], inverse = 1 / sqrt(variance[column] + U(epsilon));
        for (long long row = start; row < stop; row += HR_COLUMN_ROWS) {
            long long i = row * columns + column;
            T given = features && !(features[i] > T(0)) ? T(0) : dy[i];
            if (masked) masked[i] = given;
            sum += U(given);
            products += U(given) * ((U(x[i]) - center) * inverse);
        }
    }
    sum = column_sum(sum, room);
    products = column_sum(products, room);
    if (column < columns && threadIdx.y == 0) {
        parts[2 * blockIdx.y * columns + column] = sum;
        parts[(2 * blockIdx.y + 1) * columns + column] = products;
    }
}

// dx is dy * factors[0] - x' * factors[1] - factors[2], where x' is x less its mean: factors [3, channels].
template <class U>
HR_DEVICE void gradient_factors(
    const U *sums, long long rows, long long channels, double epsilon, int training, const U *scale, const U *variance,
    U *dscale, U *doffset, U *factors) {
    HR_EACH(c, channels) {
        U sum = sums[c], products = sums[channels + c];
        dscale[c] = products;
        doffset[c] = sum;
        U inverse = 1 / sqrt(variance[c] + U(epsilon)), slope = scale[c] * inverse;
        factors[c] = slope;
        factors[channels + c] = training ? slope * (products / U(rows)) * inverse : U(0);
        factors[2 * channels + c] = training ? slope * (sum / U(rows)) : U(0);
    }
}

// N counts elements.
template <class T, class U, class N>
HR_DEVICE void batch_gradient(
    const T *dy, const T *x, const T *features, const U *mean, const U *factors, T *dx, long long n, int channels) {
    HR_EACH(i, (N)n) {
        int c = (int)(i % channels);
        U given = features && !(features[i] > T(0)) ? U(0) : U(dy[i]);
        dx[i] = T(given * factors[c] - (U(x[i]) - mean[c]) * factors[channels + c] - factors[2 * channels + c]);
    }
}

// ---- Rows ----
#define HR_NORM_ROWS                                                                                        \
    int lane = BLOCK ? threadIdx.x : threadIdx.x % 32, lanes = BLOCK ? blockDim.x : 32;                     \
    long long step = BLOCK ? gridDim.x : (long long)gridDim.x * (blockDim.x / 32);                          \
    long long first = BLOCK ? blockIdx.x : (long long)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;    \
    for (long long row = first; row < rows; row += step)
#define HR_ROW_SUM(x) (BLOCK ? block_sum(x) : warp_sum(x))

// The result, and the gradient of it, may have 16 bits.
template <class T, class U, bool BLOCK>
HR_DEVICE void layer_norm(
    const T *x, const T *scale, const T *offset, U *y, T *means, T *inverses, double epsilon, long long rows, int n) {
    HR_NORM_ROWS {
        const T *from = x + row * n;
        T sum = 0, squares = 0;
        for (int i = lane; i < n; i += lanes) sum += from[i];
        T mean = HR_ROW_SUM(sum) / T(n);
        for (int i = lane; i < n; i += lanes) squares += (from[i] - mean) * (from[i] - mean);
        T inverse = 1 / sqrt(HR_ROW_SUM(squares) / T(n) + T(epsilon));
        for (int i = lane; i < n; i += lanes) y[row * n + i] = (from[i] - mean) * inverse * scale[i] + offset[i];
        if (lane == 0) {
            means[row] = mean;
            inverses[row] = inverse;
        }
    }
}

template <class T, class U, bool BLOCK>
HR_DEVICE void layer_norm_gradient(
    const U *dy, const T *x, const T *scale, const T *means, const T *inverses, T *dx, long long rows, int n) {
    HR_NORM_ROWS {
        T mean = means[row], inverse = inverses[row], sum = 0, products = 0;
        for (int i = lane; i < n; i += lanes) {
            T scaled = T(dy[row * n + i]) * scale[i];
            sum += scaled;
            products += scaled * ((x[row * n + i] - mean) * inverse);
        }
        T level = HR_ROW_SUM(sum) / T(n), slope = HR_ROW_SUM(products) / T(n);
        for (int i = lane; i < n; i += lanes) {
            T unit = (x[row * n + i] - mean) * inverse;
            dx[row * n + i] = (T(dy[row * n + i]) * scale[i] - level - unit * slope) * inverse;
        }
    }
}

// Parts [slices, 2, columns] of the sums of dy times the normalised x, and of dy.
template <class T, class U>
HR_DEVICE void layer_norm_parts(
    const U *dy, const T *x, const T *means, const T *inverses, long long rows, long long columns, long long share,
    T *parts) {
    __shared__ T room[HR_COLUMN_ROWS][32];
    HR_COLUMN_PLACE;
    T sum = 0, products = 0;
    if (column < columns)
        for (long long row = start; row < stop; row += HR_COLUMN_ROWS) {
            T given = T(dy[row * columns + column]);
            sum += given;
            products += given * ((x[row * columns + column] - means[row]) * inverses[row]);
        }
    sum = column_sum(sum, room);
    products = column_sum(products, room);
    if (column < columns && threadIdx.y == 0) {
        parts[2 * blockIdx.y * columns + column] = products;
        parts[(2 * blockIdx.y + 1) * columns + column] = sum;
    }
}

// Adds up parts [slices, 2, columns]: the gradients of scale and offset.
template <class T>
HR_DEVICE void add_layer_norm_parts(const T *parts, long long rows, long long n, T *dscale, T *doffset) {
    __shared__ T room[HR_COLUMN_ROWS][32];
    const long long share = rows, columns = 2 * n;
    HR_COLUMN_PLACE;
    T sum = 0;
    if (column < columns)
        for (long long row = start; row < stop; row += HR_COLUMN_ROWS) sum += parts[row * columns + column];
    sum = column_sum(sum, room);
    if (column < columns && threadIdx.y == 0) (column < n ? dscale : doffset)[column < n ? column : column - n] = sum;
}
