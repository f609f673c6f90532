/* Several launches of one kernel as one: rows of a table, each with the first of its blocks, how many it has, and arguments. */

/* The row that a block works for. */
__device__ inline const long long* joined_of_block(const long long* table, int width, int count) {
    int low = 0, high = count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (table[(long long)middle * width] <= (long long)blockIdx.x) low = middle;
        else high = middle - 1;
    }
    return table + (long long)low * width;
}

/* HR_EACH with the blocks of the row `own`. */
#define HR_EACH_OF_JOINED(i, n)                                                                                         \
    for (decltype((n) + 0) i = (decltype((n) + 0))(blockIdx.x - own[0]) * blockDim.x + threadIdx.x; i < (n);             \
         i += (decltype((n) + 0))blockDim.x * (decltype((n) + 0))own[1])
