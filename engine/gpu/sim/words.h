/* CUDA's functions as C++: barriers, shuffles, votes, atomics, vectors and mathematics. */

/* ---- Barriers, shuffles, votes ---- */
#define __syncthreads() hr_barrier(HR_HERE)
#define __syncwarp hr_sync_warp{HR_HERE}
#define __shfl_sync(...) hr_shuffle_from(HR_HERE, __VA_ARGS__)
#define __shfl_xor_sync(...) hr_shuffle_xor(HR_HERE, __VA_ARGS__)
#define __shfl_up_sync(...) hr_shuffle_up(HR_HERE, __VA_ARGS__)
#define __shfl_down_sync(...) hr_shuffle_down(HR_HERE, __VA_ARGS__)
#define __ballot_sync(mask, x) hr_ballot(HR_HERE, "__ballot_sync", mask, x)
#define __any_sync(mask, x) (hr_ballot(HR_HERE, "__any_sync", mask, x) != 0)
#define __all_sync(mask, x) (hr_ballot(HR_HERE, "__all_sync", mask, !(x)) == 0)

struct hr_sync_warp {
    hr_place place;
    void operator()(unsigned mask = 0xffffffffu) const {
        unsigned whole = hr_count - hr_current / 32 * 32 >= 32 ? 0xffffffffu : (1u << (hr_count & 31)) - 1;
        hr_meet("__syncwarp", mask & whole, 0, hr_current & 31, false, place);
    }
};

static inline unsigned hr_ballot(hr_place place, const char* what, unsigned mask, bool x) {
    return (unsigned)hr_meet(what, mask, x, 0, true, place);
}

template <class T> struct hr_shuffled;
#define HR_SHUFFLED(T) \
    template <> struct hr_shuffled<T> { typedef T type; };
HR_SHUFFLED(int) HR_SHUFFLED(unsigned) HR_SHUFFLED(long) HR_SHUFFLED(unsigned long) HR_SHUFFLED(long long)
HR_SHUFFLED(unsigned long long) HR_SHUFFLED(float) HR_SHUFFLED(double)

template <class T> static typename hr_shuffled<T>::type hr_shuffle(hr_place place, const char* what, unsigned mask, T x, int source) {
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &x, sizeof(T));
    bits = hr_meet(what, mask, bits, source, false, place);
    __builtin_memcpy(&x, &bits, sizeof(T));
    return x;
}

/* Lanes are counted within groups of `width`; who looks beyond its group gets its own value. */
static inline int hr_lane() { return hr_current & 31; }
template <class T> static inline T hr_shuffle_from(hr_place place, unsigned mask, T x, int lane, int width = 32) {
    return hr_shuffle(place, "__shfl_sync", mask, x, (hr_lane() & -width) + (lane & (width - 1)));
}
template <class T> static inline T hr_shuffle_xor(hr_place place, unsigned mask, T x, int bits, int width = 32) {
    int lane = hr_lane() ^ bits;
    return hr_shuffle(place, "__shfl_xor_sync", mask, x, lane >= (hr_lane() & -width) + width ? hr_lane() : lane);
}
template <class T> static inline T hr_shuffle_up(hr_place place, unsigned mask, T x, unsigned by, int width = 32) {
    int lane = hr_lane() - (int)by;
    return hr_shuffle(place, "__shfl_up_sync", mask, x, lane < (hr_lane() & -width) ? hr_lane() : lane);
}
template <class T> static inline T hr_shuffle_down(hr_place place, unsigned mask, T x, unsigned by, int width = 32) {
    int lane = hr_lane() + (int)by;
    return hr_shuffle(place, "__shfl_down_sync", mask, x, lane >= (hr_lane() & -width) + width ? hr_lane() : lane);
}

/* ---- Atomics: threads run one at a time, so that plain code is whole ---- */
template <class T> struct hr_same { typedef T type; };
template <class T> using hr_plain = typename hr_same<T>::type;
#define HR_ATOMIC(name, value)                                                   \
    template <class T> static inline T name(T* at, hr_plain<T> x) {              \
        T old = *at;                                                             \
        *at = value;                                                             \
        return old;                                                              \
    }
HR_ATOMIC(atomicAdd, (T)(old + x))
HR_ATOMIC(atomicSub, (T)(old - x))
HR_ATOMIC(atomicMax, old > x ? old : x)
HR_ATOMIC(atomicMin, old < x ? old : x)
HR_ATOMIC(atomicExch, x)
HR_ATOMIC(atomicAnd, old & x)
HR_ATOMIC(atomicOr, old | x)
HR_ATOMIC(atomicXor, old ^ x)
template <class T> static inline T atomicCAS(T* at, hr_plain<T> expected, hr_plain<T> x) {
    T old = *at;
    if (old == expected) *at = x;
    return old;
}
static inline void __threadfence() {}
static inline void __threadfence_block() {}
template <class T> static inline T __ldg(const T* at) { return *at; }

/* ---- Vectors, aligned as CUDA has them ---- */
#define HR_VECTORS(T, name, align2, align4)                                                        \
    struct alignas(align2) name##2 { T x, y; };                                                    \
    struct name##3 { T x, y, z; };                                                                 \
    struct alignas(align4) name##4 { T x, y, z, w; };                                              \
    static inline name##2 make_##name##2(T x, T y) { return {x, y}; }                              \
    static inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }                      \
    static inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
HR_VECTORS(signed char, char, 2, 4)
HR_VECTORS(unsigned char, uchar, 2, 4)
HR_VECTORS(short, short, 4, 8)
HR_VECTORS(unsigned short, ushort, 4, 8)
HR_VECTORS(int, int, 8, 16)
HR_VECTORS(unsigned, uint, 8, 16)
HR_VECTORS(long long, longlong, 16, 16)
HR_VECTORS(unsigned long long, ulonglong, 16, 16)
HR_VECTORS(float, float, 8, 16)
HR_VECTORS(double, double, 16, 16)

/* ---- Bits ---- */
#define HR_BITS(name, From, To)             \
    static inline To name(From x) {         \
        To y;                               \
        __builtin_memcpy(&y, &x, sizeof y); \
        return y;                           \
    }
HR_BITS(__float_as_uint, float, unsigned)
HR_BITS(__float_as_int, float, int)
HR_BITS(__uint_as_float, unsigned, float)
HR_BITS(__int_as_float, int, float)
HR_BITS(__double_as_longlong, double, long long)
HR_BITS(__longlong_as_double, long long, double)
static inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
static inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __ffsll(long long x) { return __builtin_ffsll(x); }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline unsigned __brev(unsigned x) {
    unsigned y = 0;
    for (int i = 0; i < 32; i++) y |= (x >> i & 1u) << (31 - i);
    return y;
}
static inline unsigned __umulhi(unsigned x, unsigned y) { return (unsigned)((unsigned long long)x * y >> 32); }
static inline int __mulhi(int x, int y) { return (int)((long long)x * y >> 32); }
static inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
    return (unsigned long long)((unsigned __int128)x * y >> 64);
}
static inline long long __mul64hi(long long x, long long y) { return (long long)((__int128)x * y >> 64); }

/* ---- Mathematics: CUDA has each function for float and double under one name, and with f for float ---- */
#define HR_FUNCTION1(name)                              \
    extern "C" double name(double) noexcept;            \
    extern "C" float name##f(float) noexcept;           \
    static inline float name(float x) { return __builtin_##name##f(x); }
#define HR_FUNCTION2(name)                              \
    extern "C" double name(double, double) noexcept;    \
    extern "C" float name##f(float, float) noexcept;    \
    static inline float name(float x, float y) { return __builtin_##name##f(x, y); }
HR_FUNCTION1(acos) HR_FUNCTION1(acosh) HR_FUNCTION1(asin) HR_FUNCTION1(asinh) HR_FUNCTION1(atan) HR_FUNCTION1(atanh)
HR_FUNCTION1(cbrt) HR_FUNCTION1(ceil) HR_FUNCTION1(cos) HR_FUNCTION1(cosh) HR_FUNCTION1(erf) HR_FUNCTION1(erfc)
HR_FUNCTION1(exp) HR_FUNCTION1(exp2) HR_FUNCTION1(expm1) HR_FUNCTION1(fabs) HR_FUNCTION1(floor) HR_FUNCTION1(lgamma)
HR_FUNCTION1(log) HR_FUNCTION1(log10) HR_FUNCTION1(log1p) HR_FUNCTION1(log2) HR_FUNCTION1(logb) HR_FUNCTION1(nearbyint)
HR_FUNCTION1(rint) HR_FUNCTION1(round) HR_FUNCTION1(sin) HR_FUNCTION1(sinh) HR_FUNCTION1(sqrt) HR_FUNCTION1(tan)
HR_FUNCTION1(tanh) HR_FUNCTION1(tgamma) HR_FUNCTION1(trunc)
HR_FUNCTION2(atan2) HR_FUNCTION2(copysign) HR_FUNCTION2(fdim) HR_FUNCTION2(fmax) HR_FUNCTION2(fmin) HR_FUNCTION2(fmod)
HR_FUNCTION2(hypot) HR_FUNCTION2(nextafter) HR_FUNCTION2(pow) HR_FUNCTION2(remainder)
extern "C" double fma(double, double, double) noexcept;
extern "C" float fmaf(float, float, float) noexcept;
static inline float fma(float x, float y, float z) { return fmaf(x, y, z); }
extern "C" double ldexp(double, int) noexcept;
extern "C" float ldexpf(float, int) noexcept;
static inline float ldexp(float x, int n) { return ldexpf(x, n); }
extern "C" double frexp(double, int*) noexcept;
extern "C" float frexpf(float, int*) noexcept;
static inline float frexp(float x, int* n) { return frexpf(x, n); }
static inline void sincosf(float x, float* s, float* c) { *s = sinf(x), *c = cosf(x); }
static inline void sincos(double x, double* s, double* c) { *s = sin(x), *c = cos(x); }
static inline void sincos(float x, float* s, float* c) { sincosf(x, s, c); }
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline double rsqrt(double x) { return 1.0 / sqrt(x); }
static inline float rsqrt(float x) { return rsqrtf(x); }
static inline float exp10f(float x) { return powf(10.0f, x); }
static inline double exp10(double x) { return pow(10.0, x); }

static inline bool isnan(float x) { return __builtin_isnan(x); }
static inline bool isnan(double x) { return __builtin_isnan(x); }
static inline bool isinf(float x) { return __builtin_isinf(x); }
static inline bool isinf(double x) { return __builtin_isinf(x); }
static inline bool isfinite(float x) { return __builtin_isfinite(x); }
static inline bool isfinite(double x) { return __builtin_isfinite(x); }
static inline bool signbit(float x) { return __builtin_signbit(x); }
static inline bool signbit(double x) { return __builtin_signbit(x); }

static inline float abs(float x) { return fabsf(x); }
static inline double abs(double x) { return fabs(x); }
static inline int abs(int x) { return x < 0 ? -x : x; }
static inline long long abs(long long x) { return x < 0 ? -x : x; }
static inline long long llabs(long long x) { return x < 0 ? -x : x; }

#define HR_LEAST(T)                                             \
    static inline T min(T x, T y) { return x < y ? x : y; }     \
    static inline T max(T x, T y) { return x > y ? x : y; }
HR_LEAST(int) HR_LEAST(unsigned) HR_LEAST(long long) HR_LEAST(unsigned long long)
static inline float min(float x, float y) { return fminf(x, y); }
static inline float max(float x, float y) { return fmaxf(x, y); }
static inline double min(double x, double y) { return fmin(x, y); }
static inline double max(double x, double y) { return fmax(x, y); }

/* Fast approximations of the device are exact here. */
static inline float __expf(float x) { return expf(x); }
static inline float __logf(float x) { return logf(x); }
static inline float __powf(float x, float y) { return powf(x, y); }
static inline float __sinf(float x) { return sinf(x); }
static inline float __cosf(float x) { return cosf(x); }
static inline float __fdividef(float x, float y) { return x / y; }
static inline float __frcp_rn(float x) { return 1.0f / x; }
static inline float __fadd_rn(float x, float y) { return x + y; }
static inline float __fsub_rn(float x, float y) { return x - y; }
static inline float __fmul_rn(float x, float y) { return x * y; }
static inline float __fdiv_rn(float x, float y) { return x / y; }
static inline float __fsqrt_rn(float x) { return sqrtf(x); }
static inline float __frsqrt_rn(float x) { return rsqrtf(x); }
static inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
static inline double __dadd_rn(double x, double y) { return x + y; }
static inline double __dmul_rn(double x, double y) { return x * y; }
static inline double __ddiv_rn(double x, double y) { return x / y; }
static inline double __fma_rn(double x, double y, double z) { return fma(x, y, z); }
static inline int __float2int_rn(float x) { return (int)rintf(x); }
static inline int __float2int_rz(float x) { return (int)x; }
static inline float __int2float_rn(int x) { return (float)x; }
static inline float __saturatef(float x) { return x > 0.0f ? x < 1.0f ? x : 1.0f : 0.0f; }
