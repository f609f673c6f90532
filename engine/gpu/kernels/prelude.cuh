/* What every kernel may use. Nothing is included: NVRTC, nvcc and the simulation on the processor read the same text. */

/* ---- Words ---- */
#ifndef HR_SIM
#define HR_DEVICE static __device__ __forceinline__
/* `type* name` points to the launch's dynamic shared memory, aligned to 16 bytes. */
#define HR_DYNAMIC_SHARED(type, name)                        \
    extern __shared__ __align__(16) unsigned char hr_dynamic_shared[]; \
    type* const name = reinterpret_cast<type*>(hr_dynamic_shared)
/* The address, of which the simulation looks whether it is a multiple of what the type wants. */
#define HR_ALIGNED(address, type) (address)
#endif

/* Loops over 0 <= i < n with all threads of the grid; i is an int where n is one. */
#define HR_EACH(i, n)                                                                            \
    for (decltype((n) + 0) i = (decltype((n) + 0))blockIdx.x * blockDim.x + threadIdx.x; i < (n); \
         i += (decltype((n) + 0))blockDim.x * gridDim.x)
/* Loops over 0 <= i < n with the threads of a block that is one row of threads. */
#define HR_EACH_OF_BLOCK(i, n) \
    for (decltype((n) + 0) i = (decltype((n) + 0))threadIdx.x; i < (n); i += (decltype((n) + 0))blockDim.x)

typedef signed char int8;
typedef unsigned char uint8;
typedef short int16;
typedef unsigned short uint16;
typedef int int32;
typedef unsigned int uint32;
typedef long long int64;
typedef unsigned long long uint64;
typedef float float32;
typedef double float64;

/* ---- Bits ---- */
HR_DEVICE unsigned bits_of(float x) { return __float_as_uint(x); }
HR_DEVICE unsigned long long bits_of(double x) { return (unsigned long long)__double_as_longlong(x); }
HR_DEVICE float float_of_bits(unsigned x) { return __uint_as_float(x); }
HR_DEVICE double double_of_bits(unsigned long long x) { return __longlong_as_double((long long)x); }
#define HR_INFINITY (float_of_bits(0x7f800000u))
#define HR_NAN (float_of_bits(0x7fc00000u))

/* ---- 16-bit floats: stored in 16 bits, computed with as float ---- */
struct half;
struct bfloat16;
HR_DEVICE float float_of_half(unsigned short bits);
HR_DEVICE unsigned short half_of_float(float x);
HR_DEVICE unsigned short half_of_double(double x);
HR_DEVICE float float_of_bfloat16(unsigned short bits);
HR_DEVICE unsigned short bfloat16_of_float(float x);

struct alignas(2) half {
    unsigned short bits;
    half() = default;
    __device__ half(float x) : bits(half_of_float(x)) {}
    __device__ half(double x) : bits(half_of_double(x)) {}
    __device__ half(int x) : bits(half_of_float((float)x)) {}
    __device__ half(unsigned x) : bits(half_of_float((float)x)) {}
    __device__ half(long long x) : bits(half_of_float((float)x)) {}
    __device__ half(unsigned long long x) : bits(half_of_float((float)x)) {}
    __device__ half(bool x) : bits(x ? 0x3c00 : 0) {}
    __device__ operator float() const { return float_of_half(bits); }
};

struct alignas(2) bfloat16 {
    unsigned short bits;
    bfloat16() = default;
    __device__ bfloat16(float x) : bits(bfloat16_of_float(x)) {}
    __device__ bfloat16(double x) : bits(bfloat16_of_float((float)x)) {}
    __device__ bfloat16(int x) : bits(bfloat16_of_float((float)x)) {}
    __device__ bfloat16(unsigned x) : bits(bfloat16_of_float((float)x)) {}
    __device__ bfloat16(long long x) : bits(bfloat16_of_float((float)x)) {}
    __device__ bfloat16(unsigned long long x) : bits(bfloat16_of_float((float)x)) {}
    __device__ bfloat16(bool x) : bits(x ? 0x3f80 : 0) {}
    __device__ operator float() const { return float_of_bfloat16(bits); }
};

HR_DEVICE half half_of_bits(unsigned short bits) {
    half x;
    x.bits = bits;
    return x;
}

HR_DEVICE bfloat16 bfloat16_of_bits(unsigned short bits) {
    bfloat16 x;
    x.bits = bits;
    return x;
}

/* To the nearest, ties to even; NaN stays NaN. */
HR_DEVICE unsigned short half_of_float(float x) {
#ifdef __CUDA_ARCH__
    unsigned short result;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result) : "f"(x));
    return result;
#else
    unsigned bits = bits_of(x), sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu;
    if (size > 0x7f800000u) return (unsigned short)(sign | 0x7e00u | (size >> 13 & 0x1ffu));
    if (size >= 0x477ff000u) return (unsigned short)(sign | 0x7c00u);
    if (size < 0x38800000u) {
        /* Adding one half lays the last kept bit where the sum's last bit is. */
        return (unsigned short)(sign | (bits_of(float_of_bits(size) + 0.5f) - 0x3f000000u));
    }
    return (unsigned short)(sign | ((size - 0x38000000u + 0xfffu + (size >> 13 & 1u)) >> 13));
#endif
}

HR_DEVICE unsigned short half_of_double(double x) {
#ifdef __CUDA_ARCH__
    unsigned short result;
    asm("cvt.rn.f16.f64 %0, %1;" : "=h"(result) : "d"(x));
    return result;
#else
    /* Through a float that is rounded to odd, so that the second rounding sees what the first lost. */
    float y = (float)x;
    unsigned bits = bits_of(y);
    if ((double)y != x && x == x && (bits & 0x7fffffffu) < 0x7f800000u && !(bits & 1u)) {
        double size = x < 0 ? -x : x;
        bits = (double)float_of_bits(bits & 0x7fffffffu) < size ? bits + 1 : bits - 1;
        y = float_of_bits(bits);
    }
    return half_of_float(y);
#endif
}

HR_DEVICE float float_of_half(unsigned short bits) {
#ifdef __CUDA_ARCH__
    float result;
    asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(bits));
    return result;
#else
    unsigned sign = (unsigned)(bits & 0x8000) << 16, size = bits & 0x7fffu;
    if (size >= 0x7c00u) return float_of_bits(sign | 0x7f800000u | (size & 0x3ffu) << 13);
    if (size < 0x400u) return float_of_bits(sign | bits_of((float)size * 5.9604644775390625e-8f));
    return float_of_bits(sign | ((size << 13) + 0x38000000u));
#endif
}

HR_DEVICE unsigned short bfloat16_of_float(float x) {
    unsigned bits = bits_of(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (unsigned short)((bits >> 16 & 0x8000u) | 0x7fc0u);
    return (unsigned short)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

HR_DEVICE float float_of_bfloat16(unsigned short bits) { return float_of_bits((unsigned)bits << 16); }

/* ---- Types of types: what sums are kept in, and whether numbers are floats ---- */
template <class T> struct type_of {
    typedef T wide;
    enum : bool { is_float = false, is_signed = T(-1) < T(0) };
};
template <> struct type_of<float> {
    typedef float wide;
    enum : bool { is_float = true, is_signed = true };
};
template <> struct type_of<double> {
    typedef double wide;
    enum : bool { is_float = true, is_signed = true };
};
template <> struct type_of<half> : type_of<float> {};
template <> struct type_of<bfloat16> : type_of<float> {};
template <> struct type_of<bool> {
    typedef bool wide;
    enum : bool { is_float = false, is_signed = false };
};
/* float for 16-bit floats, the type itself otherwise. */
template <class T> using wide_t = typename type_of<T>::wide;

/* The least and the greatest value: what maxima and minima begin with; infinities for floats. */
template <class T> HR_DEVICE T greatest() {
    return type_of<T>::is_signed ? T(~(1ull << (8 * sizeof(T) - 1))) : T(~0ull);
}
template <class T> HR_DEVICE T least() { return type_of<T>::is_signed ? T(1ull << (8 * sizeof(T) - 1)) : T(0); }
template <> __device__ __forceinline__ float greatest<float>() { return HR_INFINITY; }
template <> __device__ __forceinline__ float least<float>() { return -HR_INFINITY; }
template <> __device__ __forceinline__ double greatest<double>() { return HR_INFINITY; }
template <> __device__ __forceinline__ double least<double>() { return -HR_INFINITY; }
template <> __device__ __forceinline__ half greatest<half>() { return half_of_bits(0x7c00); }
template <> __device__ __forceinline__ half least<half>() { return half_of_bits(0xfc00); }
template <> __device__ __forceinline__ bfloat16 greatest<bfloat16>() { return bfloat16_of_bits(0x7f80); }
template <> __device__ __forceinline__ bfloat16 least<bfloat16>() { return bfloat16_of_bits(0xff80); }
template <> __device__ __forceinline__ bool greatest<bool>() { return true; }
template <> __device__ __forceinline__ bool least<bool>() { return false; }

/* ---- Numbers by NumPy's rules. Both operands have one type; 16-bit floats are computed as float ---- */
template <class T> HR_DEVICE bool is_nan(T x) { return x != x; }

/* NaN where either is. */
template <class T> HR_DEVICE T maximum(T x, T y) { return x >= y || is_nan(x) ? x : y; }
template <class T> HR_DEVICE T minimum(T x, T y) { return x <= y || is_nan(x) ? x : y; }

/* 1, 0 or -1; NaN stays. */
template <class T> HR_DEVICE T sign(T x) { return x > T(0) ? T(1) : x < T(0) ? T(-1) : x == T(0) ? T(0) : x; }
template <> __device__ __forceinline__ bool sign<bool>(bool x) { return x; }

template <class T> HR_DEVICE T negative(T x) { return T(-x); }
template <class T> HR_DEVICE T square(T x) { return T(x * x); }

/* Absolute values of what has none in CUDA. */
HR_DEVICE unsigned abs(unsigned x) { return x; }
HR_DEVICE unsigned long long abs(unsigned long long x) { return x; }

HR_DEVICE float real_mod(float x, float y) { return fmodf(x, y); }
HR_DEVICE double real_mod(double x, double y) { return fmod(x, y); }

template <bool IS_FLOAT> struct hr_division {
    /* Nothing is 0 divided or modulo 0; the least number by -1 is itself. */
    template <class T> static __device__ __forceinline__ T c_mod(T x, T y) {
        return y == 0 || (type_of<T>::is_signed && y == T(-1)) ? T(0) : T(x % y);
    }
    template <class T> static __device__ __forceinline__ T mod(T x, T y) {
        T r = c_mod(x, y);
        return r != 0 && (y < T(0)) != (r < T(0)) ? T(r + y) : r;
    }
    template <class T> static __device__ __forceinline__ T div(T x, T y) {
        if (y == 0) return T(0);
        if (type_of<T>::is_signed && y == T(-1)) return T(0ull - (unsigned long long)x);
        return T(x / y - (x % y != 0 && (x < T(0)) != (y < T(0))));
    }
    template <class T> static __device__ __forceinline__ T power(T x, T n) {
        if (n < T(0)) return x == T(1) ? x : x == T(-1) ? (n & 1 ? x : T(1)) : T(0);
        unsigned long long result = 1, factor = (unsigned long long)x;
        for (unsigned long long left = (unsigned long long)n; left; left >>= 1, factor *= factor) {
            if (left & 1) result *= factor;
        }
        return T(result);
    }
};

template <> struct hr_division<true> {
    template <class T> static __device__ __forceinline__ T c_mod(T x, T y) {
        return real_mod((wide_t<T>)x, (wide_t<T>)y);
    }
    template <class T> static __device__ __forceinline__ T mod(T a, T b) {
        wide_t<T> x = a, y = b, r = real_mod(x, y);
        if (y == 0) return r;
        if (r == 0) return copysign((wide_t<T>)0, y);
        return (y < 0) != (r < 0) ? r + y : r;
    }
    template <class T> static __device__ __forceinline__ T div(T a, T b) {
        wide_t<T> x = a, y = b;
        if (y == 0) return x / y;
        wide_t<T> r = real_mod(x, y), q = (x - r) / y;
        if (r != 0 && (y < 0) != (r < 0)) q -= 1;
        if (q == 0) return copysign((wide_t<T>)0, x / y);
        wide_t<T> whole = floor(q);
        return q - whole > (wide_t<T>)0.5 ? whole + 1 : whole;
    }
    template <class T> static __device__ __forceinline__ T power(T x, T n) {
        return pow((wide_t<T>)x, (wide_t<T>)n);
    }
};

template <class T> HR_DEVICE T floor_div(T x, T y) { return hr_division<type_of<T>::is_float>::div(x, y); }
template <class T> HR_DEVICE T floor_mod(T x, T y) { return hr_division<type_of<T>::is_float>::mod(x, y); }
/* With the sign of x, as C has it. */
template <class T> HR_DEVICE T c_mod(T x, T y) { return hr_division<type_of<T>::is_float>::c_mod(x, y); }
/* Whole powers wrap around; the host refuses negative exponents of whole numbers, which give 0, 1 or -1 here. */
template <class T> HR_DEVICE T power(T x, T n) { return hr_division<type_of<T>::is_float>::power(x, n); }

/* From one number type to another as NumPy and C convert; anything but 0 is true. */
template <class To> struct hr_cast {
    template <class From> static __device__ __forceinline__ To of(From x) { return To(x); }
};
template <> struct hr_cast<bool> {
    template <class From> static __device__ __forceinline__ bool of(From x) { return x != From(0); }
};
template <class To, class From> HR_DEVICE To cast(From x) { return hr_cast<To>::of(x); }

/* ---- Complex numbers ---- */
template <class R> struct alignas(2 * sizeof(R)) complex_of {
    R real, imag;
    complex_of() = default;
    __device__ complex_of(R re, R im = 0) : real(re), imag(im) {}
};
typedef complex_of<float> complex64;
typedef complex_of<double> complex128;

#define HR_COMPLEX template <class R> HR_DEVICE
HR_COMPLEX complex_of<R> operator+(complex_of<R> x, complex_of<R> y) { return {x.real + y.real, x.imag + y.imag}; }
HR_COMPLEX complex_of<R> operator-(complex_of<R> x, complex_of<R> y) { return {x.real - y.real, x.imag - y.imag}; }
HR_COMPLEX complex_of<R> operator-(complex_of<R> x) { return {-x.real, -x.imag}; }
HR_COMPLEX complex_of<R> operator*(complex_of<R> x, complex_of<R> y) {
    return {x.real * y.real - x.imag * y.imag, x.real * y.imag + x.imag * y.real};
}
/* By the greater part of y, so that squares do not overflow. */
HR_COMPLEX complex_of<R> operator/(complex_of<R> x, complex_of<R> y) {
    if (fabs(y.real) >= fabs(y.imag)) {
        if (y.real == 0 && y.imag == 0) return {x.real / fabs(y.real), x.imag / fabs(y.real)};
        R ratio = y.imag / y.real, scale = 1 / (y.real + y.imag * ratio);
        return {(x.real + x.imag * ratio) * scale, (x.imag - x.real * ratio) * scale};
    }
    R ratio = y.real / y.imag, scale = 1 / (y.imag + y.real * ratio);
    return {(x.real * ratio + x.imag) * scale, (x.imag * ratio - x.real) * scale};
}
HR_COMPLEX bool operator==(complex_of<R> x, complex_of<R> y) { return x.real == y.real && x.imag == y.imag; }
HR_COMPLEX bool operator!=(complex_of<R> x, complex_of<R> y) { return !(x == y); }
HR_COMPLEX complex_of<R>& operator+=(complex_of<R>& x, complex_of<R> y) { return x = x + y; }
HR_COMPLEX complex_of<R>& operator-=(complex_of<R>& x, complex_of<R> y) { return x = x - y; }
HR_COMPLEX complex_of<R>& operator*=(complex_of<R>& x, complex_of<R> y) { return x = x * y; }
HR_COMPLEX complex_of<R> conj(complex_of<R> x) { return {x.real, -x.imag}; }
HR_COMPLEX R abs(complex_of<R> x) { return hypot(x.real, x.imag); }
HR_COMPLEX complex_of<R> exp(complex_of<R> x) { return {exp(x.real) * cos(x.imag), exp(x.real) * sin(x.imag)}; }
HR_COMPLEX complex_of<R> log(complex_of<R> x) { return {log(abs(x)), atan2(x.imag, x.real)}; }
HR_COMPLEX complex_of<R> sqrt(complex_of<R> x) {
    R size = abs(x);
    if (size == 0) return {0, x.imag};
    R part = sqrt((size + fabs(x.real)) / 2), other = x.imag / (2 * part);
    return x.real >= 0 ? complex_of<R>(part, other) : complex_of<R>(fabs(other), copysign(part, x.imag));
}

/* ---- Values that cannot be computed with ---- */
/* Says so in the error word, unless an earlier step did. */
HR_DEVICE void fail(int* error, int step) {
    if (error) atomicCAS(error, 0, step);
}
/* Whether an earlier kernel of the run failed. Where threads wait for each other the block must ask as one: the word may
   change while a kernel that fails runs. */
HR_DEVICE bool failed(const int* error) { return error && *(const volatile int*)error != 0; }

/* ---- Sums, maxima and minima of a warp or a block: every thread takes part and gets the result; the order of adding is
   always the same. Blocks are whole warps. Numbers are int, unsigned, long long, unsigned long long, float, double. ---- */
#define HR_ALL_LANES 0xffffffffu
HR_DEVICE int thread_of_block() { return (int)((threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x); }
HR_DEVICE int threads_of_block() { return (int)(blockDim.x * blockDim.y * blockDim.z); }
HR_DEVICE int lane_of_warp() { return thread_of_block() & 31; }

struct plus {
    template <class T> static __device__ __forceinline__ T of(T x, T y) { return x + y; }
    template <class T> static __device__ __forceinline__ T neutral() { return T(0); }
};
struct greater_of {
    template <class T> static __device__ __forceinline__ T of(T x, T y) { return maximum(x, y); }
    template <class T> static __device__ __forceinline__ T neutral() { return least<T>(); }
};
struct lesser_of {
    template <class T> static __device__ __forceinline__ T of(T x, T y) { return minimum(x, y); }
    template <class T> static __device__ __forceinline__ T neutral() { return greatest<T>(); }
};
struct times {
    template <class T> static __device__ __forceinline__ T of(T x, T y) { return x * y; }
    template <class T> static __device__ __forceinline__ T neutral() { return T(1); }
};

/* Of `width` neighbouring lanes: a power of two. */
template <class Op, class T> HR_DEVICE T warp_reduce(T x, int width = 32) {
    for (int step = width / 2; step > 0; step /= 2) x = Op::of(x, __shfl_xor_sync(HR_ALL_LANES, x, step));
    return x;
}

template <class Op, class T> HR_DEVICE T block_reduce(T x) {
    __shared__ T parts[32];
    int thread = thread_of_block(), warps = threads_of_block() / 32;
    x = warp_reduce<Op>(x);
    if (warps == 1) return x;
    /* The parts of the last reduction may still be read. */
    __syncthreads();
    if ((thread & 31) == 0) parts[thread / 32] = x;
    __syncthreads();
    x = (thread & 31) < warps ? parts[thread & 31] : Op::template neutral<T>();
    return warp_reduce<Op>(x);
}

template <class T> HR_DEVICE T warp_sum(T x) { return warp_reduce<plus>(x); }
template <class T> HR_DEVICE T warp_max(T x) { return warp_reduce<greater_of>(x); }
template <class T> HR_DEVICE T warp_min(T x) { return warp_reduce<lesser_of>(x); }
template <class T> HR_DEVICE T block_sum(T x) { return block_reduce<plus>(x); }
template <class T> HR_DEVICE T block_max(T x) { return block_reduce<greater_of>(x); }
template <class T> HR_DEVICE T block_min(T x) { return block_reduce<lesser_of>(x); }

/* ---- Random bits: Philox 4x32-10, as engine/kernels/philox.py ---- */
struct random_words {
    unsigned word[4];
};

/* Block `offset` of the stream with a key and a 128-bit counter. */
HR_DEVICE random_words philox(
    unsigned long long key, unsigned long long low, unsigned long long high, unsigned long long offset) {
    low += offset;
    high += low < offset;
    unsigned c0 = (unsigned)low, c1 = (unsigned)(low >> 32), c2 = (unsigned)high, c3 = (unsigned)(high >> 32);
    unsigned k0 = (unsigned)key, k1 = (unsigned)(key >> 32);
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        unsigned high0 = __umulhi(c0, 0xD2511F53u), low0 = c0 * 0xD2511F53u;
        unsigned high1 = __umulhi(c2, 0xCD9E8D57u), low1 = c2 * 0xCD9E8D57u;
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
    }
    return {{c0, c1, c2, c3}};
}
/* A float in [0, 1) of 23 bits, and a double of 52, as TensorFlow makes them. */
HR_DEVICE float uniform_of(unsigned word) { return float_of_bits((word & 0x7fffffu) | 0x3f800000u) - 1.0f; }
HR_DEVICE double uniform_of(unsigned low, unsigned high) {
    return double_of_bits((unsigned long long)(low & 0xfffffu) << 32 | high | 0x3ff0000000000000ull) - 1.0;
}
