#define _GNU_SOURCE
#include "exchange.h"

#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* A process arrives at a round when its slot of that round is filled. There are two slots, used in turn: a process that is
   one round ahead has seen all others arrive, so that nobody reads any more what it writes over. */
typedef struct member {
    _Alignas(128) _Atomic int64_t arrived;
    _Atomic int64_t tag[2];
    _Atomic int32_t gone;
} member;

typedef struct header {
    _Alignas(128) _Atomic uint32_t bell;
    _Alignas(128) _Atomic int32_t sleepers;
} header;

enum { BLOCK = 512, LEVELS = 16 };
static const double NAP = 0.02;
#ifdef __SSE2__
/* Sums of more bytes than caches hold are written around them: memory need not be read to be overwritten. */
static const int64_t AROUND = 1 << 23;
#endif

int64_t hr_exchange_bytes(int64_t size, int64_t slot) {
    return (int64_t)sizeof(header) + size * ((int64_t)sizeof(member) + 2 * slot);
}

static header *head_of(const hr_exchange *it) { return (header *)(intptr_t)it->memory; }

static member *member_of(const hr_exchange *it, int64_t rank) { return (member *)(head_of(it) + 1) + rank; }

static char *slot_of(const hr_exchange *it, int64_t rank, int64_t round) {
    return (char *)member_of(it, it->size) + (2 * rank + (round & 1)) * it->slot;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void ring(header *head) {
    if (!atomic_load(&head->sleepers)) return;
    atomic_fetch_add(&head->bell, 1);
#ifdef __linux__
    syscall(SYS_futex, &head->bell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
#endif
}

static void sleep_until_rung(header *head, uint32_t seen) {
#ifdef __linux__
    struct timespec nap = {0, (long)(NAP * 1e9)};
    syscall(SYS_futex, &head->bell, FUTEX_WAIT, seen, &nap, NULL, 0);
#else
    struct timespec nap = {0, 50000};
    (void)head; (void)seen;
    nanosleep(&nap, NULL);
#endif
}

static inline void rest(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* Waits until `other` has arrived at a round. */
static int await(const hr_exchange *it, int64_t other, int64_t round, double seconds) {
    header *head = head_of(it);
    member *m = member_of(it, other);
    for (int64_t i = 0; i < it->spins; i++) {
        if (atomic_load_explicit(&m->arrived, memory_order_acquire) >= round) return HR_DONE;
        rest();
    }
    for (int64_t i = 0; i < it->yields; i++) {
        if (atomic_load_explicit(&m->arrived, memory_order_acquire) >= round) return HR_DONE;
        sched_yield();
    }
    double end = now() + seconds;
    int result = HR_DONE;
    atomic_fetch_add(&head->sleepers, 1);
    for (;;) {
        uint32_t seen = atomic_load(&head->bell);
        int gone = atomic_load(&m->gone);
        if (atomic_load(&m->arrived) >= round) break;
        if (gone) result = HR_GONE;
        else if (now() >= end) result = HR_LATE;
        if (result != HR_DONE) break;
        sleep_until_rung(head, seen);
    }
    atomic_fetch_sub(&head->sleepers, 1);
    return result;
}

static void arrive(const hr_exchange *it, int64_t round) {
    member *me = member_of(it, it->rank);
    atomic_store_explicit(&me->tag[round & 1], it->tag, memory_order_relaxed);
    atomic_store(&me->arrived, round);
    ring(head_of(it));
}

static int meet(const hr_exchange *it, hr_progress *progress, double seconds) {
    int64_t round = progress->round;
    for (int64_t q = 0; q < it->size; q++) {
        if (q == it->rank) continue;
        int result = await(it, q, round, seconds);
        if (result != HR_DONE) { progress->other = q; return result; }
    }
    for (int64_t q = 0; q < it->size; q++)
        if (atomic_load_explicit(&member_of(it, q)->tag[round & 1], memory_order_relaxed) != it->tag) {
            progress->other = q;
            return HR_DIFFERENT;
        }
    return HR_DONE;
}

void hr_exchange_leave(const hr_exchange *it) {
    atomic_store(&member_of(it, it->rank)->gone, 1);
    ring(head_of(it));
}

/* Numbers of 16 bits */

static inline float from_bits(uint32_t bits) { float x; memcpy(&x, &bits, 4); return x; }
static inline uint32_t to_bits(float x) { uint32_t bits; memcpy(&bits, &x, 4); return bits; }

static inline float from_half(uint16_t half) {
    uint32_t low = half & 0x7fffu, sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t bits = to_bits(from_bits(low << 13) * 0x1p112f);
    if (low >= 0x7c00u) bits = 0x7f800000u | (low & 0x3ffu) << 13;
    return from_bits(bits | sign);
}

static inline uint16_t to_half(float x) {
    uint32_t bits = to_bits(x), low = bits & 0x7fffffffu, sign = bits >> 16 & 0x8000u;
    uint32_t normal = (low + 0xfffu + (low >> 13 & 1) - 0x38000000u) >> 13;
    uint32_t tiny = to_bits(from_bits(low) + 0.5f) - 0x3f000000u;
    uint32_t half = low < 0x38800000u ? tiny : normal;
    if (low >= 0x47800000u) half = 0x7c00u;
    if (low > 0x7f800000u) half = 0x7e00u;
    return (uint16_t)(half | sign);
}

static inline float from_brain(uint16_t brain) { return from_bits((uint32_t)brain << 16); }

static inline uint16_t to_brain(float x) {
    uint32_t bits = to_bits(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

static int64_t bytes_of(int64_t dtype) {
    return dtype == HR_F64 || dtype == HR_I64 ? 8 : dtype == HR_F16 || dtype == HR_BF16 ? 2 : 4;
}

/* Filling a slot */

static void load(const void *from, int64_t dtype, float *out, int64_t n) {
    const uint16_t *halves = from;
    if (dtype == HR_F32) memcpy(out, from, (size_t)n * 4);
    else if (dtype == HR_F16) for (int64_t i = 0; i < n; i++) out[i] = from_half(halves[i]);
    else for (int64_t i = 0; i < n; i++) out[i] = from_brain(halves[i]);
}

static void store(const float *from, int64_t dtype, void *out, int64_t n) {
    uint16_t *halves = out;
    if (dtype == HR_F32) memcpy(out, from, (size_t)n * 4);
    else if (dtype == HR_F16) for (int64_t i = 0; i < n; i++) halves[i] = to_half(from[i]);
    else for (int64_t i = 0; i < n; i++) halves[i] = to_brain(from[i]);
}

static void scaled_f32(const float *restrict in, float *restrict out, int64_t n, float scale) {
    for (int64_t i = 0; i < n; i++) out[i] = in[i] * scale;
}

static void scaled_f64(const double *restrict in, double *restrict out, int64_t n, double scale) {
    for (int64_t i = 0; i < n; i++) out[i] = in[i] * scale;
}

static void fill(const hr_exchange *it, const char *in, char *out, int64_t n, double scale) {
    int64_t dtype = it->dtype, wire = it->wire;
    if (scale == 0) memset(out, 0, (size_t)(n * bytes_of(wire)));
    else if (dtype == wire && (scale == 1 || dtype == HR_I32 || dtype == HR_I64))
        memcpy(out, in, (size_t)(n * bytes_of(dtype)));
    else if (dtype == HR_F64) scaled_f64((const double *)in, (double *)out, n, scale);
    else if (dtype == HR_F32 && wire == HR_F32) scaled_f32((const float *)in, (float *)out, n, (float)scale);
    else {
        float block[BLOCK];
        for (int64_t i = 0; i < n; i += BLOCK) {
            int64_t m = n - i < BLOCK ? n - i : BLOCK;
            load(in + i * bytes_of(dtype), dtype, block, m);
            for (int64_t j = 0; j < m; j++) block[j] *= (float)scale;
            store(block, wire, out + i * bytes_of(wire), m);
        }
    }
}

/* Adding: pairs of neighbours, then pairs of pairs, whatever the number of processes and of parts. */

#define ADDS(NAME, T)                                                                                                  \
    static void two_##NAME(const T *restrict a, const T *restrict b, T *restrict out, int64_t n) {                     \
        for (int64_t i = 0; i < n; i++) out[i] = a[i] + b[i];                                                          \
    }                                                                                                                  \
    static void four_##NAME(const T *restrict a, const T *restrict b, const T *restrict c, const T *restrict d,        \
                            T *restrict out, int64_t n) {                                                              \
        for (int64_t i = 0; i < n; i++) out[i] = (a[i] + b[i]) + (c[i] + d[i]);                                        \
    }                                                                                                                  \
    static void tree_##NAME(const hr_exchange *it, char *const *slots, int64_t at, int64_t low, int64_t count,         \
                            T *out, int64_t n, T (*spare)[BLOCK]) {                                                    \
        if (count == 1) {                                                                                              \
            LEAF_##NAME(slots[low] + at * bytes_of(it->wire), out, n);                                                 \
            return;                                                                                                    \
        }                                                                                                              \
        int64_t half = 1;                                                                                              \
        while (2 * half < count) half *= 2;                                                                            \
        tree_##NAME(it, slots, at, low, half, out, n, spare + 1);                                                      \
        tree_##NAME(it, slots, at, low + half, count - half, *spare, n, spare + 1);                                    \
        for (int64_t i = 0; i < n; i++) out[i] += (*spare)[i];                                                         \
    }                                                                                                                  \
    static void sum_##NAME(const hr_exchange *it, char *const *slots, int64_t at, T *out, int64_t n) {                 \
        T spare[LEVELS][BLOCK];                                                                                        \
        const T *s[4];                                                                                                 \
        for (int64_t q = 0; q < it->size && q < 4; q++) s[q] = (const T *)slots[q] + at;                               \
        if (it->dtype == it->wire && it->size == 2) two_##NAME(s[0], s[1], out, n);                                    \
        else if (it->dtype == it->wire && it->size == 4) four_##NAME(s[0], s[1], s[2], s[3], out, n);                  \
        else                                                                                                           \
            for (int64_t i = 0; i < n; i += BLOCK)                                                                     \
                tree_##NAME(it, slots, at + i, 0, it->size, out + i, n - i < BLOCK ? n - i : BLOCK, spare);            \
    }

#define LEAF_f32(from, to, n) load(from, it->wire, to, n)
#define LEAF_f64(from, to, n) memcpy(to, from, (size_t)(n) * 8)
#define LEAF_i32(from, to, n) memcpy(to, from, (size_t)(n) * 4)
#define LEAF_i64(from, to, n) memcpy(to, from, (size_t)(n) * 8)
ADDS(f32, float)
ADDS(f64, double)
ADDS(i32, uint32_t)
ADDS(i64, uint64_t)

static void sum_halves(const hr_exchange *it, char *const *slots, int64_t at, char *out, int64_t n) {
    float spare[LEVELS][BLOCK], sum[BLOCK];
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t m = n - i < BLOCK ? n - i : BLOCK;
        tree_f32(it, slots, at + i, 0, it->size, sum, m, spare);
        store(sum, it->dtype, out + 2 * i, m);
    }
}

static void sum(const hr_exchange *it, char *const *slots, int64_t at, char *out, int64_t n) {
    switch (it->dtype) {
    case HR_F32: sum_f32(it, slots, at, (float *)out, n); break;
    case HR_F64: sum_f64(it, slots, at, (double *)out, n); break;
    case HR_I32: sum_i32(it, slots, at, (uint32_t *)out, n); break;
    case HR_I64: sum_i64(it, slots, at, (uint64_t *)out, n); break;
    default: sum_halves(it, slots, at, out, n);
    }
}

/* Whether what is added is written around the caches; what is added in place is in them. */
static int goes_around(const hr_exchange *it, const hr_part *part) {
#ifdef __SSE2__
    return part->count * bytes_of(it->dtype) >= AROUND && part->in != part->out && part->out % 16 == 0;
#else
    (void)it; (void)part;
    return 0;
#endif
}

static void sum_around(const hr_exchange *it, char *const *slots, int64_t at, char *out, int64_t n) {
#ifdef __SSE2__
    _Alignas(64) char block[BLOCK * 8];
    int64_t item = bytes_of(it->dtype);
    for (int64_t i = 0; i < n; i += BLOCK, out += BLOCK * item) {
        int64_t m = n - i < BLOCK ? n - i : BLOCK, whole = m * item / 16 * 16;
        sum(it, slots, at + i, block, m);
        for (int64_t b = 0; b < whole; b += 16)
            _mm_stream_si128((__m128i *)(out + b), _mm_load_si128((const __m128i *)(block + b)));
        memcpy(out + whole, block + whole, (size_t)(m * item - whole));
    }
    _mm_sfence();
#else
    sum(it, slots, at, out, n);
#endif
}

/* The elements from `position` on are those of one part after the other. */
static void each_part(const hr_exchange *it, int64_t position, int64_t count, double scale, char *slot, char *const *slots) {
    const hr_part *part = it->part;
    int64_t start = position, done = 0, item = bytes_of(it->dtype);
    while (part < it->part + it->parts && start >= part->count) start -= part++->count;
    for (; done < count; part++, start = 0) {
        int64_t n = part->count - start < count - done ? part->count - start : count - done;
        if (slot) fill(it, (const char *)(intptr_t)part->in + start * item, slot + done * bytes_of(it->wire), n, scale);
        else (goes_around(it, part) && start * item % 16 == 0 ? sum_around : sum)(
            it, slots, done, (char *)(intptr_t)part->out + start * item, n);
        done += n;
    }
}

enum { MOST_PROCESSES = 1 << 12 };

static void gather_round(const hr_exchange *it, int64_t position, int64_t round) {
    for (int64_t q = 0; q < it->size; q++) {
        const hr_part *part = &it->part[q];
        int64_t n = part->count - position < it->slot ? part->count - position : it->slot;
        if (n > 0 && !(q == it->rank && part->in == part->out))
            memcpy((char *)(intptr_t)part->out + position, slot_of(it, q, round), (size_t)n);
    }
}

static void fill_round(const hr_exchange *it, const hr_progress *at, int64_t count, double scale) {
    char *slot = slot_of(it, it->rank, at->round);
    if (it->kind == HR_SUM) each_part(it, at->position, count, scale, slot, NULL);
    else {
        const hr_part *own = &it->part[it->rank];
        int64_t n = own->count - at->position < count ? own->count - at->position : count;
        if (n > 0) memcpy(slot, (const char *)(intptr_t)own->in + at->position, (size_t)n);
    }
}

static void take_round(const hr_exchange *it, const hr_progress *at, int64_t count) {
    char *slots[MOST_PROCESSES];
    if (it->kind == HR_GATHER) { gather_round(it, at->position, at->round); return; }
    for (int64_t q = 0; q < it->size; q++) slots[q] = slot_of(it, q, at->round);
    each_part(it, at->position, count, 1, NULL, slots);
}

static int64_t length(const hr_exchange *it) {
    int64_t result = 0;
    for (int64_t i = 0; i < it->parts; i++) {
        if (it->kind == HR_SUM) result += it->part[i].count;
        else if (it->part[i].count > result) result = it->part[i].count;
    }
    return result;
}

int hr_exchange_run(const hr_exchange *it, hr_progress *at, double scale, double seconds) {
    int64_t total = length(it), most = it->kind == HR_SUM ? it->slot / bytes_of(it->wire) : it->slot;
    do {
        int64_t count = total - at->position < most ? total - at->position : most;
        if (!at->phase) {
            fill_round(it, at, count, scale);
            arrive(it, at->round);
            at->phase = 1;
        }
        int result = meet(it, at, seconds);
        if (result != HR_DONE) return result;
        take_round(it, at, count);
        at->position += count;
        at->phase = 0;
        at->round++;
    } while (at->position < total);
    at->position = 0;
    return HR_DONE;
}
