// Convolutions of channels-last images by products: the columns of a run of images, and what comes back from them. Depthwise
// ones are done directly.

struct Geometry {
    int in_h, in_w, in_c, out_h, out_w, taps_h, taps_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
};

#define HR_GEOMETRY_PARAMETERS                                                                                      \
    int in_h, int in_w, int in_c, int out_h, int out_w, int taps_h, int taps_w, int stride_h, int stride_w,          \
        int dilation_h, int dilation_w, int pad_h, int pad_w
#define HR_GEOMETRY                                                                                              \
    Geometry g = {in_h, in_w, in_c, out_h, out_w, taps_h, taps_w, stride_h, stride_w, dilation_h, dilation_w,     \
                  pad_h, pad_w}

// The output that meets a place by a tap, or -1.
HR_DEVICE int output_of(int place, int tap, int stride, int dilation, int pad, int outputs) {
    int start = place + pad - tap * dilation;
    if (start < 0 || start % stride) return -1;
    start /= stride;
    return start < outputs ? start : -1;
}

// Numbers of elements have the type N, an int where that does.
// Rows [images, out_h, out_w] of what the taps [taps_h, taps_w, in_c] of each window see; zeros outside the image.
template <class T, class N> HR_DEVICE void im2col(const T *x, T *columns, int images, HR_GEOMETRY_PARAMETERS) {
    HR_GEOMETRY;
    int line = g.taps_w * g.in_c, width = g.taps_h * line;
    HR_EACH(i, (N)images * g.out_h * g.out_w * width) {
        N row = i / width;
        int at = (int)(i - row * width), ky = at / line, kx = at % line / g.in_c, c = at % g.in_c;
        int ox = (int)(row % g.out_w);
        N rest = row / g.out_w;
        int oy = (int)(rest % g.out_h);
        int y = oy * g.stride_h - g.pad_h + ky * g.dilation_h, column = ox * g.stride_w - g.pad_w + kx * g.dilation_w;
        bool in = y >= 0 && y < g.in_h && column >= 0 && column < g.in_w;
        columns[i] = in ? x[((rest / g.out_h * g.in_h + y) * g.in_w + column) * g.in_c + c] : T(0);
    }
}

// Sums of what columns hold of each place; with features, 0 where these are not positive.
template <class T, class N>
HR_DEVICE void col2im(const T *columns, const T *features, T *dx, int images, HR_GEOMETRY_PARAMETERS) {
    HR_GEOMETRY;
    int line = g.taps_w * g.in_c;
    N width = (N)g.taps_h * line;
    HR_EACH(i, (N)images * g.in_h * g.in_w * g.in_c) {
        int c = (int)(i % g.in_c);
        N pixel = i / g.in_c;
        int x = (int)(pixel % g.in_w), y = (int)(pixel / g.in_w % g.in_h);
        N image = pixel / g.in_w / g.in_h;
        wide_t<T> sum = 0;
        for (int ky = 0; ky < g.taps_h; ky++) {
            int oy = output_of(y, ky, g.stride_h, g.dilation_h, g.pad_h, g.out_h);
            if (oy < 0) continue;
            for (int kx = 0; kx < g.taps_w; kx++) {
                int ox = output_of(x, kx, g.stride_w, g.dilation_w, g.pad_w, g.out_w);
                if (ox < 0) continue;
                sum += wide_t<T>(columns[((image * g.out_h + oy) * g.out_w + ox) * width + ky * line + kx * g.in_c + c]);
            }
        }
        dx[i] = features && !(features[i] > T(0)) ? wide_t<T>(0) : sum;
    }
}

template <class T> HR_DEVICE void mask_by_features(const T *features, T *dx, long long n) {
    HR_EACH(i, n) {
        if (!(features[i] > T(0))) dx[i] = T(0);
    }
}

template <class T, class N> HR_DEVICE void add_bias(T *x, const T *bias, long long n, int channels, int relu) {
    HR_EACH(i, (N)n) {
        wide_t<T> sum = wide_t<T>(x[i]) + wide_t<T>(bias[i % channels]);
        x[i] = relu ? maximum(sum, wide_t<T>(0)) : sum;
    }
}

// ---- Depthwise: channel c has the outputs c * times to (c + 1) * times - 1; filters [taps_h, taps_w, in_c, times] ----
template <class T, class N>
HR_DEVICE void depthwise(const T *x, const T *filters, T *out, int images, int times, HR_GEOMETRY_PARAMETERS) {
    HR_GEOMETRY;
    int channels = g.in_c * times;
    HR_EACH(i, (N)images * g.out_h * g.out_w * channels) {
        int c = (int)(i % channels);
        N pixel = i / channels;
        int ox = (int)(pixel % g.out_w), oy = (int)(pixel / g.out_w % g.out_h);
        N image = pixel / g.out_w / g.out_h;
        wide_t<T> sum = 0;
        for (int ky = 0; ky < g.taps_h; ky++) {
            int y = oy * g.stride_h - g.pad_h + ky * g.dilation_h;
            if (y < 0 || y >= g.in_h) continue;
            for (int kx = 0; kx < g.taps_w; kx++) {
                int column = ox * g.stride_w - g.pad_w + kx * g.dilation_w;
                if (column < 0 || column >= g.in_w) continue;
                sum += wide_t<T>(x[((image * g.in_h + y) * g.in_w + column) * g.in_c + c / times]) *
                       wide_t<T>(filters[(ky * g.taps_w + kx) * channels + c]);
            }
        }
        out[i] = sum;
    }
}

template <class T, class N>
HR_DEVICE void depthwise_images(const T *dy, const T *filters, T *dx, int images, int times, HR_GEOMETRY_PARAMETERS) {
    HR_GEOMETRY;
    int channels = g.in_c * times;
    HR_EACH(i, (N)images * g.in_h * g.in_w * g.in_c) {
        int c = (int)(i % g.in_c);
        N pixel = i / g.in_c;
        int x = (int)(pixel % g.in_w), y = (int)(pixel / g.in_w % g.in_h);
        N image = pixel / g.in_w / g.in_h;
        wide_t<T> sum = 0;
        for (int ky = 0; ky < g.taps_h; ky++) {
            int oy = output_of(y, ky, g.stride_h, g.dilation_h, g.pad_h, g.out_h);
            if (oy < 0) continue;
            for (int kx = 0; kx < g.taps_w; kx++) {
                int ox = output_of(x, kx, g.stride_w, g.dilation_w, g.pad_w, g.out_w);
                if (ox < 0) continue;
                const T *from = dy + ((image * g.out_h + oy) * g.out_w + ox) * channels + c * times;
                const T *tap = filters + (ky * g.taps_w + kx) * channels + c * times;
                for (int k = 0; k < times; k++) sum += wide_t<T>(from[k]) * wide_t<T>(tap[k]);
            }
        }
        dx[i] = sum;
    }
}

// Parts [slices, taps, channels] of the filters' gradient: a slice of the outputs' pixels for each of the grid's rows.
template <class T>
HR_DEVICE void depthwise_filters(
    const T *x, const T *dy, wide_t<T> *parts, int images, int times, long long share, HR_GEOMETRY_PARAMETERS) {
    HR_GEOMETRY;
    __shared__ wide_t<T> room[HR_COLUMN_ROWS][32];
    int channels = g.in_c * times, ky = blockIdx.z / g.taps_w, kx = blockIdx.z % g.taps_w;
    long long rows = (long long)images * g.out_h * g.out_w;
    HR_COLUMN_PLACE;
    wide_t<T> sum = 0;
    if (column < channels)
        for (long long row = start; row < stop; row += HR_COLUMN_ROWS) {
            int ox = (int)(row % g.out_w), oy = (int)(row / g.out_w % g.out_h);
            int y = oy * g.stride_h - g.pad_h + ky * g.dilation_h, at = ox * g.stride_w - g.pad_w + kx * g.dilation_w;
            if (y < 0 || y >= g.in_h || at < 0 || at >= g.in_w) continue;
            long long pixel = (row / g.out_w / g.out_h * g.in_h + y) * g.in_w + at;
            sum += wide_t<T>(x[pixel * g.in_c + column / times]) * wide_t<T>(dy[row * channels + column]);
        }
    sum = column_sum(sum, room);
    if (column < channels && threadIdx.y == 0)
        parts[((long long)blockIdx.y * gridDim.z + blockIdx.z) * channels + column] = sum;
}
