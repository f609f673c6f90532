/* CUDA's words as C++ for one processor: threads are fibres, or turns of a loop where they never wait for each other.
   No header is included: they would take longer to compile than the kernels. Units begin with this text and are linked
   with runtime.cpp. */
#define HR_SIM 1
#define HR_HIDDEN __attribute__((visibility("hidden")))
#define HR_EXPORT extern "C" __attribute__((visibility("default")))
#define HR_DEVICE static inline
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __global__ HR_HIDDEN
#define __constant__ static const
#define __shared__ static
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define HR_DYNAMIC_SHARED(type, name) type* const name = reinterpret_cast<type*>(hr_dynamic)

typedef __SIZE_TYPE__ size_t;
struct hr_triple {
    unsigned x, y, z;
};
extern HR_HIDDEN hr_triple threadIdx, blockIdx, blockDim, gridDim;
static const int warpSize = 32;

/* ---- One launch, as Python hands it over (sim/device.py has the same struct) ---- */
struct hr_launch {
    unsigned grid[3], block[3];
    unsigned shared;
    /* 0 forward, 1 reverse, else the seed of a random order. */
    unsigned order;
    const unsigned long long* arguments;
    /* A stack a thread, and the dynamic shared memory. */
    char *stacks, *dynamic;
    unsigned long long stack_size;
    /* Where what went wrong is written. */
    char* message;
    unsigned long long message_size;
};

/* ---- What runtime.cpp does for the kernels of a unit ---- */
extern HR_HIDDEN char* hr_dynamic;
/* The thread that runs, and how many a block has. */
extern HR_HIDDEN int hr_current, hr_count;
HR_HIDDEN int hr_run(const hr_launch* launch, const char* name, void (*thread)(const unsigned long long*), bool fibres);
struct hr_place {
    const char* file;
    int line;
};
#define HR_HERE hr_place{__FILE__, __LINE__}
HR_HIDDEN void hr_barrier(hr_place place);
/* Waits for the lanes of the mask: gives what the lane `source` brings, or who of them votes for it. */
HR_HIDDEN unsigned long long hr_meet(
    const char* what, unsigned mask, unsigned long long value, int source, bool vote, hr_place place);

/* A GPU ends a kernel that reads or writes something at an address that is no multiple of its alignment. Here that is noted, and
   the kernel goes on at the multiple before. */
HR_HIDDEN void hr_misaligned(unsigned long long alignment, hr_place place);
static inline unsigned long long hr_aligned(unsigned long long address, unsigned long long alignment, hr_place place) {
    if (address & (alignment - 1)) hr_misaligned(alignment, place);
    return address & ~(alignment - 1);
}
#define HR_ALIGNED(address, type) \
    reinterpret_cast<decltype(address)>(hr_aligned(reinterpret_cast<unsigned long long>(address), alignof(type), HR_HERE))

/* Argument `number` of a kernel, as it lies in its 8 bytes. */
template <class T> struct hr_given {
    static T of(const unsigned long long& bits, int) {
        T value;
        __builtin_memcpy(&value, &bits, sizeof(T));
        return value;
    }
};
template <class T> struct hr_given<T*> {
    static T* of(const unsigned long long& bits, int number) {
        return reinterpret_cast<T*>(hr_aligned(bits, alignof(T), hr_place{"argument", number}));
    }
};
