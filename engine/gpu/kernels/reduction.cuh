/* Reductions and scans. What is reduced is computed by functions of the kept place k and the reduced place r.
   The order in which elements are joined depends on the sizes alone. */

/* The same value of the lane whose number differs in the bits of `step`. */
template <class T> HR_DEVICE T other_lane(T x, int step) { return __shfl_xor_sync(HR_ALL_LANES, x, step); }
HR_DEVICE bool other_lane(bool x, int step) { return __shfl_xor_sync(HR_ALL_LANES, (int)x, step) != 0; }
HR_DEVICE int8 other_lane(int8 x, int step) { return (int8)__shfl_xor_sync(HR_ALL_LANES, (int)x, step); }
HR_DEVICE uint8 other_lane(uint8 x, int step) { return (uint8)__shfl_xor_sync(HR_ALL_LANES, (int)x, step); }
HR_DEVICE int16 other_lane(int16 x, int step) { return (int16)__shfl_xor_sync(HR_ALL_LANES, (int)x, step); }
HR_DEVICE uint16 other_lane(uint16 x, int step) { return (uint16)__shfl_xor_sync(HR_ALL_LANES, (int)x, step); }
template <class R> HR_DEVICE complex_of<R> other_lane(complex_of<R> x, int step) {
    return {__shfl_xor_sync(HR_ALL_LANES, x.real, step), __shfl_xor_sync(HR_ALL_LANES, x.imag, step)};
}

/* A value and its place. */
template <class T> struct placed {
    T value;
    long long place;
};
template <class T> HR_DEVICE placed<T> other_lane(placed<T> x, int step) {
    return {other_lane(x.value, step), other_lane(x.place, step)};
}

/* Operations: `none` is what joined with anything leaves it as it is. */
template <class T> struct sum_of {
    typedef T type;
    static __device__ __forceinline__ T none() { return T(0); }
    static __device__ __forceinline__ T join(T x, T y) { return x + y; }
};
template <class T> struct product_of {
    typedef T type;
    static __device__ __forceinline__ T none() { return T(1); }
    static __device__ __forceinline__ T join(T x, T y) { return x * y; }
};
template <class T> struct maximum_of {
    typedef T type;
    static __device__ __forceinline__ T none() { return least<T>(); }
    static __device__ __forceinline__ T join(T x, T y) { return maximum(x, y); }
};
template <class T> struct minimum_of {
    typedef T type;
    static __device__ __forceinline__ T none() { return greatest<T>(); }
    static __device__ __forceinline__ T join(T x, T y) { return minimum(x, y); }
};
/* The first place of the greatest, or least, value; NaN comes last of all. */
template <class T> struct place_of_greatest {
    typedef placed<T> type;
    static __device__ __forceinline__ type none() { return {least<T>(), 0x7fffffffffffffffll}; }
    static __device__ __forceinline__ type make(T x, long long place) { return {is_nan(x) ? least<T>() : x, place}; }
    static __device__ __forceinline__ type join(type x, type y) {
        return x.value > y.value || (x.value == y.value && x.place < y.place) ? x : y;
    }
};
template <class T> struct place_of_least {
    typedef placed<T> type;
    static __device__ __forceinline__ type none() { return {greatest<T>(), 0x7fffffffffffffffll}; }
    static __device__ __forceinline__ type make(T x, long long place) { return {is_nan(x) ? greatest<T>() : x, place}; }
    static __device__ __forceinline__ type join(type x, type y) {
        return x.value < y.value || (x.value == y.value && x.place < y.place) ? x : y;
    }
};

/* The elements at begin, begin + step, ... before end, by four chains of joins. */
template <class Op, class Index, class Load>
HR_DEVICE typename Op::type joined_of_thread(Index k, Index begin, Index end, Index step, const Load& load) {
    typename Op::type a = Op::none(), b = Op::none(), c = Op::none(), d = Op::none();
    Index r = begin;
    for (; r < end - 3 * step; r += 4 * step) {
        a = Op::join(a, load(k, r));
        b = Op::join(b, load(k, r + step));
        c = Op::join(c, load(k, r + 2 * step));
        d = Op::join(d, load(k, r + 3 * step));
    }
    for (; r < end; r += step) a = Op::join(a, load(k, r));
    return Op::join(Op::join(a, b), Op::join(c, d));
}

/* Of the threads of a row of the block, which are 2, 4, ... 32 or a whole block of one row; all of them get it. */
template <class Op> HR_DEVICE typename Op::type joined_of_row(typename Op::type x, typename Op::type* parts) {
    int lanes = (int)blockDim.x;
    for (int step = (lanes < 32 ? lanes : 32) / 2; step > 0; step /= 2) x = Op::join(x, other_lane(x, step));
    if (lanes <= 32) return x;
    __syncthreads();
    if ((threadIdx.x & 31) == 0) parts[threadIdx.x / 32] = x;
    __syncthreads();
    x = (int)(threadIdx.x & 31) < lanes / 32 ? parts[threadIdx.x & 31] : Op::none();
    for (int step = 16; step > 0; step /= 2) x = Op::join(x, other_lane(x, step));
    return x;
}

/* Neighbouring elements are reduced together: each row of threads takes a kept place, a block's second number a part of
   `part` elements. `keep(k, part, value)` takes results. Blocks are whole warps. */
template <class Op, class Index, class Load, class Keep>
HR_DEVICE void reduce_rows(Index kept, Index length, Index part, const Load& load, const Keep& keep) {
    __shared__ typename Op::type parts[32];
    Index begin = (Index)blockIdx.y * part, end = length - begin < part ? length : begin + part;
    for (Index first = (Index)blockIdx.x * blockDim.y; first < kept; first += (Index)gridDim.x * blockDim.y) {
        Index k = first + threadIdx.y;
        typename Op::type x = Op::none();
        if (k < kept) x = joined_of_thread<Op>(k, begin + (Index)threadIdx.x, end, (Index)blockDim.x, load);
        x = joined_of_row<Op>(x, parts);
        if (k < kept && threadIdx.x == 0) keep(k, (Index)blockIdx.y, x);
    }
}

/* Neighbouring elements are kept apart: each column of threads takes a kept place. Blocks have 256 threads, a power of
   two in each direction. */
template <class Op, class Index, class Load, class Keep>
HR_DEVICE void reduce_columns(Index kept, Index length, Index part, const Load& load, const Keep& keep) {
    __shared__ typename Op::type parts[256];
    Index begin = (Index)blockIdx.y * part, end = length - begin < part ? length : begin + part;
    int width = (int)blockDim.x, own = thread_of_block();
    for (Index first = (Index)blockIdx.x * width; first < kept; first += (Index)gridDim.x * width) {
        Index k = first + threadIdx.x;
        typename Op::type x = Op::none();
        if (k < kept) x = joined_of_thread<Op>(k, begin + (Index)threadIdx.y, end, (Index)blockDim.y, load);
        parts[own] = x;
        for (int rows = (int)blockDim.y / 2; rows > 0; rows /= 2) {
            __syncthreads();
            if ((int)threadIdx.y < rows) parts[own] = Op::join(parts[own], parts[own + rows * width]);
        }
        if (k < kept && threadIdx.y == 0) keep(k, (Index)blockIdx.y, parts[own]);
        __syncthreads();
    }
}

/* Running sums or products of lines: [outer, length, inner] in and out. Each thread takes a line. */
template <class Op, class T> HR_DEVICE void scan_lines(
    T* out, const T* in, long long lines, long long length, long long inner, int exclusive, int reverse) {
    HR_EACH(line, lines) {
        long long start = line / inner * inner * length + line % inner;
        typename Op::type total = Op::none();
        for (long long i = 0; i < length; i++) {
            long long place = start + (reverse ? length - 1 - i : i) * inner;
            typename Op::type next = Op::join(total, (typename Op::type)in[place]);
            out[place] = (T)(exclusive ? total : next);
            total = next;
        }
    }
}

/* The same with a block a line, for few or long ones: tiles of a block's threads, each scanned in log2 steps. */
template <class Op, class T> HR_DEVICE void scan_line_by_block(
    T* out, const T* in, long long lines, long long length, long long inner, int exclusive, int reverse) {
    typedef typename Op::type sum;
    __shared__ sum tile[2][256];
    int own = (int)threadIdx.x, threads = (int)blockDim.x;
    for (long long line = blockIdx.x; line < lines; line += gridDim.x) {
        long long start = line / inner * inner * length + line % inner;
        sum total = Op::none();
        for (long long first = 0; first < length; first += threads) {
            long long i = first + own, place = start + (reverse ? length - 1 - i : i) * inner;
            int now = 0;
            tile[0][own] = i < length ? (sum)in[place] : Op::none();
            __syncthreads();
            for (int step = 1; step < threads; step *= 2, now = 1 - now) {
                tile[1 - now][own] = own >= step ? Op::join(tile[now][own - step], tile[now][own]) : tile[now][own];
                __syncthreads();
            }
            sum before = own > 0 ? Op::join(total, tile[now][own - 1]) : total;
            if (i < length) out[place] = (T)(exclusive ? before : Op::join(total, tile[now][own]));
            total = Op::join(total, tile[now][threads - 1]);
            __syncthreads();
        }
    }
}
