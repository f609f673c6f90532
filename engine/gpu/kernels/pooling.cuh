// Pools of channels-last images and their gradients. A gradient is gathered: each place looks at the windows that hold it.

struct Windows {
    int images, in_h, in_w, channels, out_h, out_w, size_h, size_w, stride_h, stride_w, pad_h, pad_w;
};

#define HR_WINDOWS_PARAMETERS                                                                                    \
    int images, int in_h, int in_w, int channels, int out_h, int out_w, int size_h, int size_w, int stride_h,     \
        int stride_w, int pad_h, int pad_w
#define HR_WINDOWS                                                                                            \
    Windows w = {images, in_h, in_w, channels, out_h, out_w, size_h, size_w, stride_h, stride_w, pad_h, pad_w}

// A window's rows and columns that lie inside the image.
struct span {
    int first, last;
};
HR_DEVICE span inside(int output, int stride, int pad, int size, int limit) {
    int start = output * stride - pad, end = start + size;
    return {start < 0 ? 0 : start, end > limit ? limit : end};
}

// The windows that hold a place.
HR_DEVICE span holding(int place, int stride, int pad, int size, int outputs) {
    int last = (place + pad) / stride, first = place + pad - size + 1;
    first = first <= 0 ? 0 : (first + stride - 1) / stride;
    return {first, last + 1 < outputs ? last + 1 : outputs};
}

// Numbers of elements have the type N, an int where that does. Splits a number into a place of the array [images, high, wide, channels].
#define HR_PLACE(i, high, wide)                                                \
    N pixel_of_##i = i / w.channels, line_of_##i = pixel_of_##i / (wide);      \
    N image = line_of_##i / (high);                                            \
    int c = (int)(i - pixel_of_##i * w.channels);                              \
    int x = (int)(pixel_of_##i - line_of_##i * (wide)), y = (int)(line_of_##i - image * (high))

template <class N> HR_DEVICE N place_in(const Windows &w, N image, int y, int x, int c) {
    return ((image * w.in_h + y) * w.in_w + x) * w.channels + c;
}
template <class N> HR_DEVICE N place_out(const Windows &w, N image, int y, int x, int c) {
    return ((image * w.out_h + y) * w.out_w + x) * w.channels + c;
}

template <class T, class N> HR_DEVICE void max_pool(const T *in, T *out, HR_WINDOWS_PARAMETERS) {
    HR_WINDOWS;
    HR_EACH(i, (N)w.images * w.out_h * w.out_w * w.channels) {
        HR_PLACE(i, w.out_h, w.out_w);
        span rows = inside(y, w.stride_h, w.pad_h, w.size_h, w.in_h);
        span columns = inside(x, w.stride_w, w.pad_w, w.size_w, w.in_w);
        wide_t<T> most = least<T>();
        for (int row = rows.first; row < rows.last; row++)
            for (int column = columns.first; column < columns.last; column++)
                most = maximum(most, wide_t<T>(in[place_in(w, image, row, column, c)]));
        out[i] = most;
    }
}

// Whether a place is the first of its window that has the largest number.
template <class T, class N>
HR_DEVICE bool is_first(const Windows &w, const T *in, T most, N image, int oy, int ox, int y, int x, int c) {
    if (!(in[place_in(w, image, y, x, c)] == most)) return false;
    span rows = inside(oy, w.stride_h, w.pad_h, w.size_h, w.in_h);
    span columns = inside(ox, w.stride_w, w.pad_w, w.size_w, w.in_w);
    for (int row = rows.first; row <= y; row++) {
        int end = row == y ? x : columns.last;
        for (int column = columns.first; column < end; column++)
            if (in[place_in(w, image, row, column, c)] == most) return false;
    }
    return true;
}

// With RELU the gradient counts only where the pool's input is positive.
template <class T, class N, bool RELU>
HR_DEVICE void max_pool_gradient(const T *in, const T *pooled, const T *dy, T *dx, HR_WINDOWS_PARAMETERS) {
    HR_WINDOWS;
    HR_EACH(i, (N)w.images * w.in_h * w.in_w * w.channels) {
        HR_PLACE(i, w.in_h, w.in_w);
        wide_t<T> sum = 0;
        if (!RELU || in[i] > T(0)) {
            span rows = holding(y, w.stride_h, w.pad_h, w.size_h, w.out_h);
            span columns = holding(x, w.stride_w, w.pad_w, w.size_w, w.out_w);
            for (int oy = rows.first; oy < rows.last; oy++)
                for (int ox = columns.first; ox < columns.last; ox++) {
                    N place = place_out(w, image, oy, ox, c);
                    if (is_first(w, in, pooled[place], image, oy, ox, y, x, c)) sum += wide_t<T>(dy[place]);
                }
        }
        dx[i] = sum;
    }
}

// The gradient of that: what is at the first maximum of each window, 0 where there is none.
template <class T, class N>
HR_DEVICE void max_pool_second(const T *in, const T *pooled, const T *ddx, T *out, HR_WINDOWS_PARAMETERS) {
    HR_WINDOWS;
    HR_EACH(i, (N)w.images * w.out_h * w.out_w * w.channels) {
        HR_PLACE(i, w.out_h, w.out_w);
        span rows = inside(y, w.stride_h, w.pad_h, w.size_h, w.in_h);
        span columns = inside(x, w.stride_w, w.pad_w, w.size_w, w.in_w);
        T found = T(0);
        bool waiting = true;
        for (int row = rows.first; row < rows.last; row++)
            for (int column = columns.first; column < columns.last; column++) {
                N place = place_in(w, image, row, column, c);
                if (waiting && in[place] == pooled[i]) {
                    found = ddx[place];
                    waiting = false;
                }
            }
        out[i] = found;
    }
}

template <class W> HR_DEVICE W share_of(span rows, span columns) {
    int high = rows.last - rows.first, wide = columns.last - columns.first;
    return W(1.0 / ((double)(high > 1 ? high : 1) * (double)(wide > 1 ? wide : 1)));
}

template <class T, class N> HR_DEVICE void mean_pool(const T *in, T *out, HR_WINDOWS_PARAMETERS) {
    HR_WINDOWS;
    HR_EACH(i, (N)w.images * w.out_h * w.out_w * w.channels) {
        HR_PLACE(i, w.out_h, w.out_w);
        span rows = inside(y, w.stride_h, w.pad_h, w.size_h, w.in_h);
        span columns = inside(x, w.stride_w, w.pad_w, w.size_w, w.in_w);
        wide_t<T> sum = 0;
        for (int row = rows.first; row < rows.last; row++)
            for (int column = columns.first; column < columns.last; column++)
                sum += wide_t<T>(in[place_in(w, image, row, column, c)]);
        out[i] = sum * share_of<wide_t<T>>(rows, columns);
    }
}

template <class T, class N> HR_DEVICE void mean_pool_gradient(const T *dy, T *dx, HR_WINDOWS_PARAMETERS) {
    HR_WINDOWS;
    HR_EACH(i, (N)w.images * w.in_h * w.in_w * w.channels) {
        HR_PLACE(i, w.in_h, w.in_w);
        span rows = holding(y, w.stride_h, w.pad_h, w.size_h, w.out_h);
        span columns = holding(x, w.stride_w, w.pad_w, w.size_w, w.out_w);
        wide_t<T> sum = 0;
        for (int oy = rows.first; oy < rows.last; oy++)
            for (int ox = columns.first; ox < columns.last; ox++) {
                span high = inside(oy, w.stride_h, w.pad_h, w.size_h, w.in_h);
                span wide = inside(ox, w.stride_w, w.pad_w, w.size_w, w.in_w);
                sum += wide_t<T>(dy[place_out(w, image, oy, ox, c)]) * share_of<wide_t<T>>(high, wide);
            }
        dx[i] = sum;
    }
}
