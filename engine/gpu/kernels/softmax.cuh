// Softmax of rows and cross entropy with it. A row belongs to a warp or, where it is long, to a block: one reading finds the
// largest number and the sum, the second one writes.

// The largest number of a row, and the sum of the exponentials of the others less it.
template <class W> struct row_sums {
    W most, total;
};

template <class T, bool BLOCK> HR_DEVICE row_sums<wide_t<T>> sums_of_row(const T *x, int n, int lane, int lanes) {
    typedef wide_t<T> W;
    row_sums<W> sums = {-HR_INFINITY, 0};
    for (int i = lane; i < n; i += lanes) {
        W value = x[i];
        if (value > sums.most) {
            sums.total = (sums.most == -HR_INFINITY ? 0 : sums.total * exp(sums.most - value)) + 1;
            sums.most = value;
        } else if (value != -HR_INFINITY) {
            sums.total += exp(value - sums.most);
        }
    }
    W most = BLOCK ? block_max(sums.most) : warp_max(sums.most);
    W part = sums.most == -HR_INFINITY ? sums.total : sums.total * exp(sums.most - most);
    W total = BLOCK ? block_sum(part) : warp_sum(part);
    if (most == HR_INFINITY) total = HR_NAN;
    return {most, total};
}

// The rows of a warp or a block.
#define HR_ROWS(BLOCK)                                                                                     \
    int lane = BLOCK ? threadIdx.x : threadIdx.x % 32, lanes = BLOCK ? blockDim.x : 32;                    \
    long long step = BLOCK ? gridDim.x : (long long)gridDim.x * (blockDim.x / 32);                         \
    long long first = BLOCK ? blockIdx.x : (long long)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;   \
    for (long long row = first; row < rows; row += step)

template <class T, bool BLOCK, bool LOGARITHM> HR_DEVICE void softmax(const T *x, T *y, long long rows, int n) {
    typedef wide_t<T> W;
    HR_ROWS(BLOCK) {
        const T *from = x + row * n;
        row_sums<W> sums = sums_of_row<T, BLOCK>(from, n, lane, lanes);
        W shift = log(sums.total), share = 1 / sums.total;
        for (int i = lane; i < n; i += lanes) {
            W centered = W(from[i]) - sums.most;
            y[row * n + i] = LOGARITHM ? centered - shift : exp(centered) * share;
        }
    }
}

// A number a row, or one for all, or 1.
template <class T> HR_DEVICE wide_t<T> scale_of(const T *scale, int by_row, long long row) {
    return scale ? wide_t<T>(scale[by_row ? row : 0]) : wide_t<T>(1);
}

template <class T, bool BLOCK>
HR_DEVICE void cross_entropy(
    const T *x, const T *labels, T *loss, T *gradient, const T *scale, int by_row, long long rows, int n) {
    typedef wide_t<T> W;
    HR_ROWS(BLOCK) {
        const T *from = x + row * n, *label = labels + row * n;
        row_sums<W> sums = sums_of_row<T, BLOCK>(from, n, lane, lanes);
        W share = 1 / sums.total, factor = scale_of(scale, by_row, row), weighted = 0, all = 0;
        for (int i = lane; i < n; i += lanes) {
            W centered = W(from[i]) - sums.most, p = label[i];
            // Where a label is 0 its term is 0, even if the logit is infinitely small.
            if (p != 0) weighted += p * centered;
            all += p;
            // Rounded as if the gradient was written before it is scaled.
            gradient[row * n + i] = W(T(exp(centered) * share - p)) * factor;
        }
        weighted = BLOCK ? block_sum(weighted) : warp_sum(weighted);
        all = BLOCK ? block_sum(all) : warp_sum(all);
        if (lane == 0) loss[row] = all * log(sums.total) - weighted;
    }
}

// Logits of T, losses and scales of L, and a gradient of G: all are computed as T is.
template <class T, class U, class L, class G, bool BLOCK>
HR_DEVICE void sparse_cross_entropy(
    const T *x, const U *labels, L *loss, G *gradient, const L *scale, int by_row, long long rows, int n, int *error,
    int step_number) {
    typedef wide_t<T> W;
    HR_ROWS(BLOCK) {
        long long label = labels[row];
        if (label < 0 || label >= n) {
            if (lane == 0) fail(error, step_number);
            continue;
        }
        const T *from = x + row * n;
        row_sums<W> sums = sums_of_row<T, BLOCK>(from, n, lane, lanes);
        W share = 1 / sums.total, factor = scale_of(scale, by_row, row), logarithm = log(sums.total);
        for (int i = lane; i < n; i += lanes) {
            W centered = W(from[i]) - sums.most, p = i == label ? 1 : 0;
            if (i == label) loss[row] = logarithm - centered;
            gradient[row * n + i] = W(L(exp(centered) * share - p)) * factor;
        }
    }
}
