// Sums along the rows of matrices [rows, columns]: blocks of 32 columns by 8 rows make the parts of a slice of rows, which
// then are added up in order.

#define HR_COLUMN_ROWS 8

// The sum of a column over the threads of a block that have it; the first of them gets it.
template <class W> HR_DEVICE W column_sum(W part, W (*parts)[32]) {
    __syncthreads();
    parts[threadIdx.y][threadIdx.x] = part;
    __syncthreads();
    W sum = 0;
    if (threadIdx.y == 0)
        for (int k = 0; k < HR_COLUMN_ROWS; k++) sum += parts[k][threadIdx.x];
    return sum;
}

// A block's columns and rows: slices have `share` rows.
#define HR_COLUMN_PLACE                                                         \
    long long column = (long long)blockIdx.x * 32 + threadIdx.x;                \
    long long start = (long long)blockIdx.y * share + threadIdx.y;              \
    long long stop = (long long)(blockIdx.y + 1) * share < rows ? (long long)(blockIdx.y + 1) * share : rows

// Parts [slices, columns] of the sums of x, or of x * factor where there is one.
template <class T>
HR_DEVICE void column_parts(
    const T *x, long long x_step, const T *factor, long long factor_step, long long rows, long long columns,
    long long share, wide_t<T> *parts) {
    typedef wide_t<T> W;
    __shared__ W room[HR_COLUMN_ROWS][32];
    HR_COLUMN_PLACE;
    W sum = 0;
    if (column < columns)
        for (long long row = start; row < stop; row += HR_COLUMN_ROWS) {
            W value = x[row * x_step + column];
            sum += factor ? value * W(factor[row * factor_step + column]) : value;
        }
    sum = column_sum(sum, room);
    if (column < columns && threadIdx.y == 0) parts[blockIdx.y * columns + column] = sum;
}

// Adds the parts up, onto what is there if `adds`.
template <class T, class U>
HR_DEVICE void add_parts(const T *parts, long long rows, long long columns, U *out, int adds) {
    __shared__ T room[HR_COLUMN_ROWS][32];
    const long long share = rows;
    HR_COLUMN_PLACE;
    T sum = 0;
    if (column < columns)
        for (long long row = start; row < stop; row += HR_COLUMN_ROWS) sum += parts[row * columns + column];
    sum = column_sum(sum, room);
    if (column < columns && threadIdx.y == 0) out[column] = adds ? T(out[column]) + sum : sum;
}
