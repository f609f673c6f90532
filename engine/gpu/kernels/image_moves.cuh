/* Images between TensorFlow's layouts and those of a library: rows and columns around them, filters with channels last. */

/* Images [count, rows, columns, channels]: `to` has `top` rows above and `left` columns to the left of what `from` has,
   zeros around it; negative ones cut. */
template <class T>
__device__ void move_images(T* to, const T* from, long long count, int to_rows, int to_columns, int from_rows,
                            int from_columns, int channels, int top, int left) {
    long long total = count * to_rows * to_columns * channels;
    HR_EACH(i, total) {
        long long rest = i;
        int channel = (int)(rest % channels);
        rest /= channels;
        int column = (int)(rest % to_columns) - left;
        rest /= to_columns;
        int row = (int)(rest % to_rows) - top;
        rest /= to_rows;
        bool inside = row >= 0 && row < from_rows && column >= 0 && column < from_columns;
        to[i] = inside ? from[((rest * from_rows + row) * from_columns + column) * channels + channel] : T(0);
    }
}

/* `to` [columns, rows] is `from` [rows, columns] transposed: blocks of 32 by 8 threads, a tile of 32 by 32 each. */
template <class T> __device__ void turn_matrix(T* to, const T* from, int rows, int columns) {
    __shared__ T tile[32][33];
    int across = (columns + 31) / 32;
    int row = (int)blockIdx.x / across * 32, column = (int)blockIdx.x % across * 32;
    for (int i = (int)threadIdx.y; i < 32; i += 8) {
        if (row + i < rows && column + (int)threadIdx.x < columns) {
            tile[i][threadIdx.x] = from[(long long)(row + i) * columns + column + threadIdx.x];
        }
    }
    __syncthreads();
    for (int i = (int)threadIdx.y; i < 32; i += 8) {
        if (column + i < columns && row + (int)threadIdx.x < rows) {
            to[(long long)(column + i) * rows + row + threadIdx.x] = tile[threadIdx.x][i];
        }
    }
}
