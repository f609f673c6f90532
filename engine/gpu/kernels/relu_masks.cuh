// Masks of relus: a bit an element, set where it is positive; rows of `row_bytes` bytes.

template <class T>
HR_DEVICE void write_mask(const T *x, uint8 *mask, long long rows, long long columns, long long row_bytes) {
    HR_EACH(i, rows * row_bytes) {
        const long long row = i / row_bytes, first = (i - row * row_bytes) * 8;
        int bits = 0;
        for (int bit = 0; bit < 8; bit++)
            if (first + bit < columns && x[row * columns + first + bit] > T(0)) bits |= 1 << bit;
        mask[i] = (uint8)bits;
    }
}

template <class T>
HR_DEVICE void apply_mask(T *x, const uint8 *mask, long long rows, long long columns, long long row_bytes) {
    HR_EACH(i, rows * columns) {
        const long long row = i / columns, column = i - row * columns;
        if (!(mask[row * row_bytes + column / 8] >> (column % 8) & 1)) x[i] = T(0);
    }
}
