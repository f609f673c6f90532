#define _GNU_SOURCE
#include "meeting.h"

#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

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

static const double NAP = 0.02;

int64_t hr_exchange_bytes(int64_t size, int64_t slot) {
    return (int64_t)sizeof(header) + size * ((int64_t)sizeof(member) + 2 * slot);
}

static header *head_of(const hr_exchange *it) { return (header *)(intptr_t)it->memory; }

static member *member_of(const hr_exchange *it, int64_t rank) { return (member *)(head_of(it) + 1) + rank; }

char *hr_slot_of(const hr_exchange *it, int64_t rank, int64_t round) {
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

void hr_arrive(const hr_exchange *it, int64_t round) {
    member *me = member_of(it, it->rank);
    atomic_store_explicit(&me->tag[round & 1], it->tag, memory_order_relaxed);
    atomic_store(&me->arrived, round);
    ring(head_of(it));
}

int hr_has_left(const hr_exchange *it, int64_t rank) {
    /* What was read before comes before. */
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load(&member_of(it, rank)->gone);
}

/* Whoever came to a round and has left, although the process `late` has not come to it, has failed. */
static int64_t who_has_left(const hr_exchange *it, int64_t late, int64_t round, int *result) {
    for (int64_t q = 0; q < it->size; q++)
        if (q != it->rank && hr_has_left(it, q) && atomic_load(&member_of(it, late)->arrived) < round) {
            *result = HR_GONE;
            return q;
        }
    return late;
}

int hr_meet(const hr_exchange *it, hr_progress *progress, double seconds) {
    int64_t round = progress->round;
    for (int64_t q = 0; q < it->size; q++) {
        if (q == it->rank) continue;
        int result = await(it, q, round, seconds);
        progress->other = result == HR_LATE ? who_has_left(it, q, round, &result) : q;
        if (result != HR_DONE) return result;
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
