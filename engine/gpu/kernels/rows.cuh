// Rows by index: gathers, and rows combined where several have one index. These are sorted, with their places, so that each
// row belongs to one group of threads, which takes what comes to it in the order of places: no result depends on scheduling.

typedef unsigned long long row_key;

struct alignas(16) sixteen_bytes {
    unsigned long long low, high;
};

// Unit `i` of the slices of params [outer, size, inner] at `count` indices, in units U of their bytes.
template <class T, class U, class N>
HR_DEVICE void gather_unit(
    N i, const U *params, const T *indices, U *out, long long size, long long count, long long inner, int *error,
    int step) {
    N row = (N)inner, rows = (N)count, place = i / row, o = place / rows;
    long long index = indices[place - o * rows];
    if (index < 0 || index >= size) fail(error, step);
    else out[i] = params[((long long)o * size + index) * inner + (i - place * row)];
}

// As many numbers as `rank` from `indices` name a slice; `sizes` are the limits of each, then its steps in slices.
template <class T>
HR_DEVICE long long slice_of(const T *indices, long long place, int rank, const long long *sizes) {
    long long slice = 0;
    for (int d = 0; d < rank; d++) {
        long long index = indices[place * rank + d];
        if (index < 0 || index >= sizes[d]) return -1;
        slice += index * sizes[rank + d];
    }
    return slice;
}

template <class T, class U>
HR_DEVICE void gather_nd(
    const U *params, const T *indices, U *out, const long long *sizes, int rank, long long count, long long inner,
    int *error, int step) {
    HR_EACH(i, count * inner) {
        long long slice = slice_of(indices, i / inner, rank, sizes);
        if (slice < 0) fail(error, step);
        else out[i] = params[slice * inner + i % inner];
    }
}

// ---- Sorting ----
// What indices are sorted by: themselves, `limit` for those that are left out, which `least` says may be negative. Without a
// limit all are kept as they are.
template <class T>
HR_DEVICE row_key key_of(T index, long long least, long long limit, row_key mask, int *error, int step) {
    long long wide = index;
    if (limit < 0) return (row_key)wide & mask;
    if (wide >= 0 && wide < limit) return wide;
    if (wide < least || wide >= limit) fail(error, step);
    return limit;
}

template <class T>
HR_DEVICE void row_keys(
    const T *indices, long long count, long long least, long long limit, long long mask, row_key *keys, int *places,
    int *error, int step) {
    HR_EACH(i, count) {
        keys[i] = key_of(indices[i], least, limit, (row_key)mask, error, step);
        places[i] = (int)i;
    }
}

template <class T>
HR_DEVICE void row_keys_nd(
    const T *indices, long long count, const long long *sizes, int rank, long long limit, row_key *keys, int *places,
    int *error, int step) {
    HR_EACH(i, count) {
        long long slice = slice_of(indices, i, rank, sizes);
        if (slice < 0) fail(error, step);
        keys[i] = slice < 0 ? limit : slice;
        places[i] = (int)i;
    }
}

#define HR_DIGITS 16
#define HR_SORTERS 256

// Where the numbers begin/end of each thread's go among a block's: first by digit, then by thread. `counts` has them.
HR_DEVICE void digit_ranks(const row_key *keys, long long begin, long long end, int shift, int *counts) {
    int thread = threadIdx.x;
    int own[HR_DIGITS];
#pragma unroll
    for (int d = 0; d < HR_DIGITS; d++) own[d] = 0;
    for (long long i = begin; i < end; i++) {
        int digit = (int)(keys[i] >> shift) & (HR_DIGITS - 1);
#pragma unroll
        for (int d = 0; d < HR_DIGITS; d++) own[d] += d == digit;
    }
    __syncthreads();
#pragma unroll
    for (int d = 0; d < HR_DIGITS; d++) counts[d * HR_SORTERS + thread] = own[d];
    __syncthreads();
    // Each thread adds up HR_DIGITS neighbours, then what all before it have.
    __shared__ int sums[HR_SORTERS];
    int total = 0;
#pragma unroll
    for (int k = 0; k < HR_DIGITS; k++) {
        int here = counts[thread * HR_DIGITS + k];
        counts[thread * HR_DIGITS + k] = total;
        total += here;
    }
    sums[thread] = total;
    __syncthreads();
    for (int reach = 1; reach < HR_SORTERS; reach *= 2) {
        int before = thread >= reach ? sums[thread - reach] : 0;
        __syncthreads();
        sums[thread] += before;
        __syncthreads();
    }
#pragma unroll
    for (int k = 0; k < HR_DIGITS; k++) counts[thread * HR_DIGITS + k] += sums[thread] - total;
    __syncthreads();
}

HR_DEVICE void move_rows(
    const row_key *keys, const int *places, long long begin, long long end, int shift, int *counts,
    const int *starts, int tiles, int tile, row_key *keys_out, int *places_out) {
    int thread = threadIdx.x;
    int next[HR_DIGITS];
#pragma unroll
    for (int d = 0; d < HR_DIGITS; d++) {
        next[d] = counts[d * HR_SORTERS + thread];
        if (starts) next[d] += starts[d * tiles + tile] - counts[d * HR_SORTERS];
    }
    for (long long i = begin; i < end; i++) {
        row_key key = keys[i];
        int digit = (int)(key >> shift) & (HR_DIGITS - 1), to = 0;
#pragma unroll
        for (int d = 0; d < HR_DIGITS; d++) {
            if (d == digit) to = next[d]++;
        }
        keys_out[to] = key;
        places_out[to] = places[i];
    }
}

// Sorts few rows in one block; the result is where the rows were: an even number of passes.
HR_DEVICE void sort_few(row_key *keys, int *places, row_key *other_keys, int *other_places, int count, int passes) {
    __shared__ int counts[HR_DIGITS * HR_SORTERS];
    int share = (count + HR_SORTERS - 1) / HR_SORTERS, begin = threadIdx.x * share;
    int end = begin + share < count ? begin + share : count;
    row_key most = 0;
    for (int i = begin; i < end; i++) most = keys[i] > most ? keys[i] : most;
    most = block_max(most);
    // Digits that no row has need no passes.
    for (int pass = 0; pass < passes && (pass % 2 || most >> pass * 4); pass++) {
        bool back = pass & 1;
        row_key *from = back ? other_keys : keys, *to = back ? keys : other_keys;
        int *from_places = back ? other_places : places, *to_places = back ? places : other_places;
        digit_ranks(from, begin, end, pass * 4, counts);
        move_rows(from, from_places, begin, end, pass * 4, counts, 0, 0, 0, to, to_places);
        __syncthreads();
    }
}

// Indices to sort, in a block of their own.
struct SortedRows {
    const void *indices;
    row_key *keys;
    int *places;
    row_key *other_keys;
    int *other_places;
    long long count, limit, passes;
};

// Up to so many are counted against each other: no passes that wait for each other.
#define HR_COUNTED 1024

// Row numbers below the limit in order, with their places; `table` has a row a block.
template <class T> HR_DEVICE void sort_each(const SortedRows *table, int *error, int step) {
    const SortedRows own = table[blockIdx.x];
    const T *indices = (const T *)own.indices;
    int count = (int)own.count;
    __shared__ row_key room[HR_COUNTED];
    if (count <= HR_COUNTED) {
        for (int i = threadIdx.x; i < count; i += blockDim.x)
            room[i] = key_of(indices[i], 0, own.limit, 0, error, step);
        __syncthreads();
        for (int i = threadIdx.x; i < count; i += blockDim.x) {
            row_key key = room[i];
            int to = 0;
            for (int k = 0; k < count; k++) to += room[k] < key || (room[k] == key && k < i);
            own.keys[to] = key;
            own.places[to] = i;
        }
    } else {
        for (int i = threadIdx.x; i < count; i += blockDim.x) {
            own.keys[i] = key_of(indices[i], 0, own.limit, 0, error, step);
            own.places[i] = i;
        }
        __syncthreads();
        sort_few(own.keys, own.places, own.other_keys, own.other_places, count, (int)own.passes);
    }
}

#define HR_TILE 4096

// How often each digit is in each tile of rows: totals [digit, tile].
HR_DEVICE void sort_count(const row_key *keys, int count, int shift, int *totals, int tiles) {
    __shared__ int counts[HR_DIGITS * HR_SORTERS];
    int begin = blockIdx.x * HR_TILE + threadIdx.x * (HR_TILE / HR_SORTERS);
    int end = begin + HR_TILE / HR_SORTERS < count ? begin + HR_TILE / HR_SORTERS : count;
    digit_ranks(keys, begin, end, shift, counts);
    int left = count - blockIdx.x * HR_TILE, here = left < HR_TILE ? left : HR_TILE;
    if (threadIdx.x < HR_DIGITS) {
        int d = threadIdx.x, next = d + 1 < HR_DIGITS ? counts[(d + 1) * HR_SORTERS] : here;
        totals[d * tiles + blockIdx.x] = next - counts[d * HR_SORTERS];
    }
}

// Sums of all before, in place, by one block.
HR_DEVICE void sort_starts(int *totals, int n) {
    __shared__ int sums[HR_SORTERS];
    int thread = threadIdx.x, share = (n + HR_SORTERS - 1) / HR_SORTERS, begin = thread * share;
    int end = begin + share < n ? begin + share : n, total = 0;
    for (int i = begin; i < end; i++) total += totals[i];
    sums[thread] = total;
    __syncthreads();
    for (int reach = 1; reach < HR_SORTERS; reach *= 2) {
        int before = thread >= reach ? sums[thread - reach] : 0;
        __syncthreads();
        sums[thread] += before;
        __syncthreads();
    }
    int start = sums[thread] - total;
    for (int i = begin; i < end; i++) {
        int here = totals[i];
        totals[i] = start;
        start += here;
    }
}

HR_DEVICE void sort_move(
    const row_key *keys, const int *places, int count, int shift, const int *starts, int tiles, row_key *keys_out,
    int *places_out) {
    __shared__ int counts[HR_DIGITS * HR_SORTERS];
    int begin = blockIdx.x * HR_TILE + threadIdx.x * (HR_TILE / HR_SORTERS);
    int end = begin + HR_TILE / HR_SORTERS < count ? begin + HR_TILE / HR_SORTERS : count;
    digit_ranks(keys, begin, end, shift, counts);
    move_rows(keys, places, begin, end, shift, counts, starts, tiles, blockIdx.x, keys_out, places_out);
}

// ---- Combining ----
// Loops over the first of each run of equal keys below `limit`, a group of `lanes` threads a run; `lane` is the place in it.
#define HR_EACH_RUN(first, keys, count, lanes)                                                             \
    int lane = (int)threadIdx.x % (lanes), groups = (int)blockDim.x / (lanes);                             \
    for (long long first = (long long)blockIdx.x * groups + (int)threadIdx.x / (lanes); first < (count);   \
         first += (long long)gridDim.x * groups)                                                           \
        if (!first || keys[first - 1] != keys[first])

// Whole numbers wrap around.
template <bool FLOAT> struct arithmetic {
    template <class W> static __device__ __forceinline__ W add(W x, W y) { return x + y; }
    template <class W> static __device__ __forceinline__ W sub(W x, W y) { return x - y; }
    template <class W> static __device__ __forceinline__ W mul(W x, W y) { return x * y; }
};
template <> struct arithmetic<false> {
    template <class W> static __device__ __forceinline__ W add(W x, W y) { return W((row_key)x + (row_key)y); }
    template <class W> static __device__ __forceinline__ W sub(W x, W y) { return W((row_key)x - (row_key)y); }
    template <class W> static __device__ __forceinline__ W mul(W x, W y) { return W((row_key)x * (row_key)y); }
};

#define HR_COMBINATION(name, expression)                                                       \
    struct name {                                                                              \
        template <class W> static __device__ __forceinline__ W of(W x, W y) { return expression; } \
    }
HR_COMBINATION(rows_add, arithmetic<type_of<W>::is_float>::add(x, y));
HR_COMBINATION(rows_sub, arithmetic<type_of<W>::is_float>::sub(x, y));
HR_COMBINATION(rows_mul, arithmetic<type_of<W>::is_float>::mul(x, y));
HR_COMBINATION(rows_div, x / y);
HR_COMBINATION(rows_min, minimum(x, y));
HR_COMBINATION(rows_max, maximum(x, y));
HR_COMBINATION(rows_update, y);

// Combines row places[i] of `values`, which lie `stride` apart, with row keys[i] of the target. `along` is 1, or 0 where the
// values are one number.
template <class T, class Op>
HR_DEVICE void combine_rows(
    const row_key *keys, const int *places, long long count, long long limit, const T *values, long long stride,
    int along, T *target, long long inner, int lanes, const int *error) {
    if (failed(error)) return;
    HR_EACH_RUN(first, keys, count, lanes) {
        row_key key = keys[first];
        if (key >= (row_key)limit) continue;
        for (long long j = lane; j < inner; j += lanes) {
            wide_t<T> sum = target[key * inner + j];
            for (long long i = first; i < count && keys[i] == key; i++)
                sum = Op::of(sum, wide_t<T>(values[places[i] * stride + j * along]));
            target[key * inner + j] = sum;
        }
    }
}

// The sums of rows of equal index, each at the first of its places, zeros at the others.
template <class T>
HR_DEVICE void summed_rows(
    const row_key *keys, const int *places, long long count, const T *values, long long stride, T *out, long long inner,
    int lanes) {
    int lane = (int)threadIdx.x % lanes, groups = (int)blockDim.x / lanes;
    for (long long p = (long long)blockIdx.x * groups + (int)threadIdx.x / lanes; p < count;
         p += (long long)gridDim.x * groups) {
        row_key key = keys[p];
        bool first = !p || keys[p - 1] != key;
        for (long long j = lane; j < inner; j += lanes) {
            wide_t<T> sum = 0;
            for (long long i = p; first && i < count && keys[i] == key; i++) sum += wide_t<T>(values[places[i] * stride + j]);
            out[places[p] * inner + j] = sum;
        }
    }
}

// ---- Optimizer updates of some rows ----
struct SparseUpdate {
    void *variables[4];
    const void *gradient;
    const void *numbers[8];
    const row_key *keys;
    const int *places;
    long long count, inner, stride, lanes;
};
