// Products of small matrices that a warp has in shared memory and registers: on matrix units (sm_80 and newer) for 16-bit floats
// and for float32 that may be read as TF32, as multiplications and additions of each thread for exact float32 and on older GPUs.
//
// Sums are `float sum[M][N][4]`: 16 * M rows and 8 * N columns of a warp. Lane 4 * g + t has, of each 16 by 8, the elements
// (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1). Matrices in shared memory have STRIDE elements a row, padded so that
// neither eight rows of 16 bytes nor what a quad reads meet in a bank.

#if defined(HR_SIM) || (defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800)
#define HR_MATRIX_UNITS true
#else
#define HR_MATRIX_UNITS false
#endif

template <class T, int D> struct tile_of {
    enum : int { vector = 16 / (int)sizeof(T), stride = D + vector };
};

/* ---- The instructions. A `shared_place` is an address in shared memory in bytes: one register ---- */
#if defined(HR_SIM) || !HR_MATRIX_UNITS
typedef char *shared_place;
HR_DEVICE shared_place shared_address(const void *at) { return static_cast<char *>(const_cast<void *>(at)); }
#else
typedef unsigned shared_place;
HR_DEVICE shared_place shared_address(const void *at) {
    unsigned result;
    asm("{ .reg .u64 whole; cvta.to.shared.u64 whole, %1; cvt.u32.u64 %0, whole; }" : "=r"(result) : "l"(at));
    return result;
}
#endif

#ifdef HR_SIM
// Fibres see what the others of their warp have laid down here, between two meetings.
HR_DEVICE unsigned long long (&hr_laid_down())[128][4] {
    __shared__ unsigned long long laid[128][4];
    return laid;
}

// Four matrices of eight rows of 16 bytes, whose addresses the lanes 8i to 8i + 7 give; turned if TURNED.
template <bool TURNED> HR_DEVICE void load_matrices(unsigned (&to)[4], shared_place row) {
    auto &laid = hr_laid_down();
    int thread = thread_of_block(), lane = thread & 31, first = thread - lane;
    laid[thread][0] = reinterpret_cast<unsigned long long>(row);
    __syncwarp();
    for (int i = 0; i < 4; i++) {
        unsigned short part[2];
        for (int e = 0; e < 2; e++) {
            int from = TURNED ? lane % 4 * 2 + e : lane / 4, at = TURNED ? lane / 4 : lane % 4 * 2 + e;
            unsigned long long address = laid[first + 8 * i + from][0];
            // The device stops at such an address.
            part[e] = address % 16 ? 0xffff : reinterpret_cast<const unsigned short *>(address)[at];
        }
        to[i] = part[0] | (unsigned)part[1] << 16;
    }
    __syncwarp();
}

// sum += a . b for a of 16 rows and b of 8 columns, by the registers that the instructions' descriptions give each lane: EACH
// numbers a word, of which `product` multiplies number i of two.
template <int EACH, class Product>
HR_DEVICE void hr_multiply_add(float (&sum)[4], const unsigned (&a)[4], unsigned b0, unsigned b1, Product product) {
    auto &laid = hr_laid_down();
    int thread = thread_of_block(), lane = thread & 31, first = thread - lane;
    laid[thread][0] = a[0] | (unsigned long long)a[1] << 32;
    laid[thread][1] = a[2] | (unsigned long long)a[3] << 32;
    laid[thread][2] = b0 | (unsigned long long)b1 << 32;
    __syncwarp();
    for (int i = 0; i < 4; i++) {
        int below = i / 2, column = lane % 4 * 2 + i % 2;
        float total = 0;
        for (int k = 0; k < 8 * EACH; k++) {
            int quad = k / EACH % 4, late = k / EACH / 4;
            unsigned x = (unsigned)(laid[first + lane / 4 * 4 + quad][late] >> 32 * below);
            unsigned y = (unsigned)(laid[first + column * 4 + quad][2] >> 32 * late);
            total += product(x, y, k % EACH);
        }
        sum[i] += total;
    }
    __syncwarp();
}

HR_DEVICE float hr_part(half, unsigned word, int i) { return float_of_half((unsigned short)(word >> 16 * i)); }
HR_DEVICE float hr_part(bfloat16, unsigned word, int i) { return float_of_bfloat16((unsigned short)(word >> 16 * i)); }
template <class T> HR_DEVICE void multiply_add(float (&sum)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    hr_multiply_add<2>(sum, a, b0, b1, [](unsigned x, unsigned y, int i) { return hr_part(T(), x, i) * hr_part(T(), y, i); });
}
// Of floats read as TF32: bits that the instruction does not read must be zero.
HR_DEVICE void multiply_add_tf32(float (&sum)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    hr_multiply_add<1>(sum, a, b0, b1, [](unsigned x, unsigned y, int) {
        return x & 0x1fffu || y & 0x1fffu ? HR_NAN : float_of_bits(x) * float_of_bits(y);
    });
}
HR_DEVICE unsigned tf32_of(float x) {
    unsigned bits = bits_of(x);
    return (bits & 0x7f800000u) == 0x7f800000u ? bits & 0xffffe000u : (bits + 0x1000u) & 0xffffe000u;
}

// Copies to shared memory arrive when a thread waits for its own; until then NaN lies there.
struct hr_copy {
    char *to;
    const char *from;
    int bytes, valid;
};
template <class T> HR_DEVICE T &hr_of_thread() {
    __shared__ T all[128];
    return all[thread_of_block()];
}
struct hr_copies {
    hr_copy copy[64];
    int count;
};
template <int BYTES> struct alignas(BYTES) hr_whole {};
template <int BYTES> HR_DEVICE void copy_later(shared_place to, const void *from, bool valid) {
    from = HR_ALIGNED(from, hr_whole<BYTES>);
    to = HR_ALIGNED(to, hr_whole<BYTES>);
    hr_copies &own = hr_of_thread<hr_copies>();
    // Shared memory begins as NaN: no number of copies.
    if (own.count < 0 || own.count >= 64) own.count = 0;
    own.copy[own.count++] = {to, static_cast<const char *>(from), BYTES, valid};
    for (int i = 0; i < BYTES; i++) to[i] = -1;
}
HR_DEVICE void await_copies() {
    hr_copies &own = hr_of_thread<hr_copies>();
    for (int i = 0; i < own.count; i++) {
        for (int k = 0; k < own.copy[i].bytes; k++) own.copy[i].to[k] = own.copy[i].valid ? own.copy[i].from[k] : 0;
    }
    own.count = 0;
}

template <class T> HR_DEVICE unsigned pair_of(float low, float high) { return T(low).bits | (unsigned)T(high).bits << 16; }

#elif HR_MATRIX_UNITS
template <bool TURNED> HR_DEVICE void load_matrices(unsigned (&to)[4], shared_place row) {
    if (TURNED) {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(row) : "memory");
    } else {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(row) : "memory");
    }
}

template <class T> struct matrix_unit;
#define HR_MATRIX_UNIT(T, name)                                                                                       \
    template <> struct matrix_unit<T> {                                                                               \
        static __device__ __forceinline__ void run(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) { \
            asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." name "." name ".f32 {%0, %1, %2, %3}, "             \
                         "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                                              \
                         : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                                             \
                         : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));                             \
        }                                                                                                             \
        static __device__ __forceinline__ unsigned pair(float low, float high) {                                      \
            unsigned result;                                                                                          \
            asm("cvt.rn." name "x2.f32 %0, %1, %2;" : "=r"(result) : "f"(high), "f"(low));                            \
            return result;                                                                                            \
        }                                                                                                             \
    };
HR_MATRIX_UNIT(half, "f16")
HR_MATRIX_UNIT(bfloat16, "bf16")
template <class T> HR_DEVICE void multiply_add(float (&sum)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    matrix_unit<T>::run(sum, a, b0, b1);
}
template <class T> HR_DEVICE unsigned pair_of(float low, float high) { return matrix_unit<T>::pair(low, high); }

HR_DEVICE void multiply_add_tf32(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, "
                 "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
HR_DEVICE unsigned tf32_of(float x) {
    unsigned result;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(result) : "f"(x));
    return result;
}

template <int BYTES> HR_DEVICE void copy_later(shared_place to, const void *from, bool valid) {
    // What is not read is zeros.
    if (BYTES == 16) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                     : : "r"(to), "l"(from), "r"(valid ? 16 : 0) : "memory");
    } else {
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;"
                     : : "r"(to), "l"(from), "n"(BYTES), "r"(valid ? BYTES : 0) : "memory");
    }
}
HR_DEVICE void await_copies() { asm volatile("cp.async.wait_all;" : : : "memory"); }

#else
template <int BYTES> struct copied;
template <> struct copied<4> { typedef unsigned type; };
template <> struct copied<16> { typedef uint4 type; };
template <int BYTES> HR_DEVICE void copy_later(shared_place to, const void *from, bool valid) {
    typedef typename copied<BYTES>::type whole;
    *reinterpret_cast<whole *>(to) = valid ? *static_cast<const whole *>(from) : whole{};
}
HR_DEVICE void await_copies() {}
#endif

template <class T, int N> struct alignas(N * sizeof(T)) some_of {
    T at[N];
};

/* ---- From and to memory ---- */
// Starts copying ROWS rows of `width` numbers, of which `rows` are there, to shared memory, by all THREADS of a block; the rest
// up to D is zeros. `wide`: rows begin at multiples of 16 bytes and are whole multiples of them.
template <class T, int THREADS, int ROWS, int D> HR_DEVICE void load_tile(
    T *to, const T *from, long long step, int rows, int width, bool wide) {
    constexpr int VECTOR = tile_of<T, D>::vector, STRIDE = tile_of<T, D>::stride, EACH = D / VECTOR;
    if (wide) {
        // So many rows at once; threads that are left over do nothing.
        constexpr int ONCE = THREADS / EACH, SIZE = (int)sizeof(T);
        int row = (int)threadIdx.x / EACH, column = (int)threadIdx.x % EACH * VECTOR;
        shared_place place = shared_address(to + row * STRIDE + column);
        const T *source = from + row * step + column;
        if (THREADS % EACH && row >= ONCE) return;
#pragma unroll
        for (int start = 0; start < ROWS; start += ONCE) {
            bool there = row + start < rows && column < width;
            if (ROWS % ONCE == 0 || row + start < ROWS) copy_later<16>(place + start * STRIDE * SIZE, source + start * step, there);
        }
    } else {
#pragma unroll 1
        for (int i = (int)threadIdx.x; i < ROWS * D; i += THREADS) {
            int row = i / D, column = i % D;
            to[row * STRIDE + column] = row < rows && column < width ? from[row * step + column] : T(0.0f);
        }
    }
}

// Writes a warp's 16 rows of sums, times a factor for each half of them, by way of the warp's own rows in shared memory.
template <class T, int D> HR_DEVICE void store_rows(
    T *to, long long step, T *own, const float (&sum)[D / 8][4], float upper, float lower, int rows, int width, bool wide) {
    constexpr int VECTOR = tile_of<T, D>::vector, STRIDE = tile_of<T, D>::stride, EACH = D / VECTOR;
    int lane = lane_of_warp(), g = lane / 4, t = lane % 4;
#pragma unroll
    for (int n = 0; n < D / 8; n++) {
#pragma unroll
        for (int h = 0; h < 2; h++) {
            float factor = h ? lower : upper;
            some_of<T, 2> two = {{T(sum[n][2 * h] * factor), T(sum[n][2 * h + 1] * factor)}};
            *reinterpret_cast<some_of<T, 2> *>(own + (g + 8 * h) * STRIDE + 8 * n + 2 * t) = two;
        }
    }
    __syncwarp();
    for (int i = lane; i < 16 * EACH; i += 32) {
        int row = i / EACH, column = i % EACH * VECTOR;
        if (row >= rows || column >= width) continue;
        const T *place = own + row * STRIDE + column;
        if (wide) {
            uint4 *whole = reinterpret_cast<uint4 *>(to + row * step + column);
            *HR_ALIGNED(whole, uint4) = *HR_ALIGNED(reinterpret_cast<const uint4 *>(place), uint4);
        } else {
            for (int e = 0; e < VECTOR && column + e < width; e++) to[row * step + column + e] = place[e];
        }
    }
    __syncwarp();
}

/* ---- Products ---- */
// sum += a . b^T: of a warp's 16 * M rows of D numbers and 8 * N such rows, both in shared memory.
template <class T, bool UNITS, int D, int M, int N> struct row_products {
    // So many numbers of each row at once: of many rows fewer, for registers.
    enum : int { STRIDE = tile_of<T, D>::stride, ONCE = M > 1 ? 2 : 4 };
    typedef some_of<T, ONCE> some;
    static __device__ __forceinline__ void add(float (&sum)[M][N][4], const T *a, const T *b) {
        int lane = lane_of_warp(), g = lane / 4, t = lane % 4;
#pragma unroll 1
        for (int k = 0; k < D; k += ONCE) {
            float x[M][2][ONCE];
#pragma unroll
            for (int r = 0; r < 2 * M; r++) {
                some row = *reinterpret_cast<const some *>(a + (g + 8 * r) * STRIDE + k);
#pragma unroll
                for (int i = 0; i < ONCE; i++) x[r / 2][r % 2][i] = row.at[i];
            }
#pragma unroll
            for (int c = 0; c < 2 * N; c++) {
                some column = *reinterpret_cast<const some *>(b + (c / 2 * 8 + 2 * t + c % 2) * STRIDE + k);
#pragma unroll
                for (int i = 0; i < ONCE; i++) {
                    float y = column.at[i];
#pragma unroll
                    for (int r = 0; r < 2 * M; r++) sum[r / 2][c / 2][r % 2 * 2 + c % 2] += x[r / 2][r % 2][i] * y;
                }
            }
        }
    }
};

// sum += w . b: of a warp's weights, 16 * M by 8 * N in the layout of sums and rounded to T, and 8 * N rows of D numbers.
template <class T, bool UNITS, int D, int M, int N> struct weight_products {
    enum : int { STRIDE = tile_of<T, D>::stride };
    static __device__ __forceinline__ void add(float (&sum)[M][D / 8][4], const float (&w)[M][N][4], const T *b) {
        int t = lane_of_warp() % 4;
#pragma unroll 1
        for (int source = 0; source < 4; source++) {
#pragma unroll
            for (int j = 0; j < N; j++) {
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    float x[2 * M];
#pragma unroll
                    for (int r = 0; r < 2 * M; r++) {
                        float rounded = (float)T(w[r / 2][j][r % 2 * 2 + e]);
                        x[r] = __shfl_sync(HR_ALL_LANES, rounded, source, 4);
                    }
                    const T *row = b + (8 * j + 2 * source + e) * STRIDE + 2 * t;
#pragma unroll
                    for (int n = 0; n < D / 8; n++) {
                        some_of<T, 2> two = *reinterpret_cast<const some_of<T, 2> *>(row + 8 * n);
                        float low = two.at[0], high = two.at[1];
#pragma unroll
                        for (int r = 0; r < 2 * M; r++) {
                            sum[r / 2][n][r % 2 * 2] += x[r] * low;
                            sum[r / 2][n][r % 2 * 2 + 1] += x[r] * high;
                        }
                    }
                }
            }
        }
    }
};

#if HR_MATRIX_UNITS
template <class T, int D, int M, int N> struct row_products<T, true, D, M, N> {
    enum : int { STRIDE = tile_of<T, D>::stride };
    static __device__ __forceinline__ void add(float (&sum)[M][N][4], const T *a, const T *b) {
        int lane = lane_of_warp();
        shared_place rows = shared_address(a + lane % 16 * STRIDE + lane / 16 * 8);
        shared_place columns = shared_address(b + (lane / 16 * 8 + lane % 8) * STRIDE + lane / 8 % 2 * 8);
#pragma unroll
        for (int k = 0; k < D; k += 16) {
            unsigned x[M][4];
#pragma unroll
            for (int m = 0; m < M; m++) load_matrices<false>(x[m], rows + (16 * m * STRIDE + k) * 2);
#pragma unroll
            for (int n = 0; n < N; n += 2) {
                // Two times eight columns, of each k's first and last eight.
                unsigned y[4];
                load_matrices<false>(y, columns + (8 * n * STRIDE + k) * 2);
#pragma unroll
                for (int m = 0; m < M; m++) {
                    multiply_add<T>(sum[m][n], x[m], y[0], y[1]);
                    multiply_add<T>(sum[m][n + 1], x[m], y[2], y[3]);
                }
            }
        }
    }
};

template <class T, int D, int M, int N> struct weight_products<T, true, D, M, N> {
    enum : int { STRIDE = tile_of<T, D>::stride };
    static __device__ __forceinline__ void add(float (&sum)[M][D / 8][4], const float (&w)[M][N][4], const T *b) {
        int lane = lane_of_warp();
        shared_place rows = shared_address(b + lane % 16 * STRIDE + lane / 16 * 8);
#pragma unroll
        for (int j = 0; j < N; j += 2) {
            // What a lane has of two sums side by side is what it must have of a factor.
            unsigned x[M][4];
#pragma unroll
            for (int m = 0; m < M; m++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    const float (&from)[4] = w[m][j + i / 2];
                    x[m][i] = pair_of<T>(from[i % 2 * 2], from[i % 2 * 2 + 1]);
                }
            }
#pragma unroll
            for (int n = 0; n < D / 8; n += 2) {
                unsigned y[4];
                load_matrices<true>(y, rows + (8 * j * STRIDE + 8 * n) * 2);
#pragma unroll
                for (int m = 0; m < M; m++) {
                    multiply_add<T>(sum[m][n], x[m], y[0], y[1]);
                    multiply_add<T>(sum[m][n + 1], x[m], y[2], y[3]);
                }
            }
        }
    }
};

template <int D, int M, int N> struct row_products<float, true, D, M, N> {
    enum : int { STRIDE = tile_of<float, D>::stride };
    static __device__ __forceinline__ void add(float (&sum)[M][N][4], const float *a, const float *b) {
        int lane = lane_of_warp();
        // What the instruction that loads takes for pairs of 16 bits are words.
        shared_place rows = shared_address(a + lane % 16 * STRIDE + lane / 16 * 4);
        shared_place columns = shared_address(b + (lane / 16 * 8 + lane % 8) * STRIDE + lane / 8 % 2 * 4);
#pragma unroll
        for (int k = 0; k < D; k += 8) {
            unsigned x[M][4];
#pragma unroll
            for (int m = 0; m < M; m++) {
                load_matrices<false>(x[m], rows + (16 * m * STRIDE + k) * 4);
#pragma unroll
                for (int i = 0; i < 4; i++) x[m][i] = tf32_of(float_of_bits(x[m][i]));
            }
#pragma unroll
            for (int n = 0; n < N; n += 2) {
                unsigned y[4];
                load_matrices<false>(y, columns + (8 * n * STRIDE + k) * 4);
#pragma unroll
                for (int i = 0; i < 4; i++) y[i] = tf32_of(float_of_bits(y[i]));
#pragma unroll
                for (int m = 0; m < M; m++) {
                    multiply_add_tf32(sum[m][n], x[m], y[0], y[1]);
                    multiply_add_tf32(sum[m][n + 1], x[m], y[2], y[3]);
                }
            }
        }
    }
};

template <int D, int M, int N> struct weight_products<float, true, D, M, N> {
    enum : int { STRIDE = tile_of<float, D>::stride };
    static __device__ __forceinline__ void add(float (&sum)[M][D / 8][4], const float (&w)[M][N][4], const float *b) {
        int lane = lane_of_warp(), g = lane / 4, t = lane % 4;
#pragma unroll
        for (int j = 0; j < N; j++) {
            // The order of the eight that are summed is free: a lane's own two stand for t and t + 4.
            unsigned x[M][4];
#pragma unroll
            for (int m = 0; m < M; m++) {
#pragma unroll
                for (int i = 0; i < 4; i++) x[m][i] = tf32_of(w[m][j][i % 2 * 2 + i / 2]);
            }
            const float *row = b + (8 * j + 2 * t) * STRIDE + g;
#pragma unroll
            for (int n = 0; n < D / 8; n++) {
                unsigned low = tf32_of(row[8 * n]), high = tf32_of(row[STRIDE + 8 * n]);
#pragma unroll
                for (int m = 0; m < M; m++) multiply_add_tf32(sum[m][n], x[m], low, high);
            }
        }
    }
};
#endif
