/* Work is handed out by one atomic ticket: a call's number in the high half, its next chunk in the low half. A thread owns a
   chunk when its compare-and-swap moves the ticket on; that can only succeed while the call is the current one, so a thread
   that was asleep for long can never run a chunk twice or of a call that has ended. */
#define _GNU_SOURCE
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__) || defined(__i386__)
#define pause_cpu() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define pause_cpu() __asm__ __volatile__("yield")
#else
#define pause_cpu() ((void)0)
#endif

/* How long a thread without work looks for some before it sleeps, and how often it lets others run meanwhile. */
enum { SPINS_BEFORE_SLEEP = 8000, SPINS_BEFORE_YIELD = 2000 };

typedef struct job {
    _Atomic(const hr_call *) call;
    atomic_llong chunks;
    atomic_int threads;
} job;

static struct {
    pthread_mutex_t owner;     /* held by the thread whose calls are run */
    pthread_mutex_t sleep;     /* guards the condition */
    pthread_cond_t wake;
    atomic_ullong ticket;      /* call number << 32 | next chunk */
    job jobs[2];               /* of even and odd call numbers */
    atomic_llong done;         /* chunks of the current call that have ended */
    atomic_int sleeping;       /* threads that wait on the condition */
    int started;               /* threads of the pool, without callers; guarded by owner */
    hr_context contexts[HR_MAX_THREADS];
} pool = {.owner = PTHREAD_MUTEX_INITIALIZER, .sleep = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

void *hr_scratch(hr_context *context, size_t size) {
    if (context->scratch_size < size) {
        free(context->scratch);
        size_t rounded = (size + size / 4 + 4095) & ~(size_t)4095;
        context->scratch = aligned_alloc(64, rounded);
        context->scratch_size = context->scratch ? rounded : 0;
    }
    return context->scratch;
}

/* Runs chunks of the current call until none is left; returns the number of the call that it saw. */
static uint64_t work(hr_context *context, int index) {
    for (;;) {
        unsigned long long ticket = atomic_load_explicit(&pool.ticket, memory_order_acquire);
        job *current = &pool.jobs[(ticket >> 32) & 1];
        int64_t chunk = (int64_t)(ticket & 0xffffffffu);
        if (index >= atomic_load_explicit(&current->threads, memory_order_relaxed) ||
            chunk >= atomic_load_explicit(&current->chunks, memory_order_relaxed))
            return ticket >> 32;
        const hr_call *call = atomic_load_explicit(&current->call, memory_order_relaxed);
        if (!atomic_compare_exchange_weak_explicit(&pool.ticket, &ticket, ticket + 1, memory_order_acq_rel,
                                                   memory_order_relaxed))
            continue;
        call->kernel(call->arguments, chunk, context);
        atomic_fetch_add_explicit(&pool.done, 1, memory_order_release);
    }
}

static uint64_t current_number(void) { return atomic_load_explicit(&pool.ticket, memory_order_acquire) >> 32; }

static void wait_for_another_call(uint64_t seen) {
    for (int i = 0; i < SPINS_BEFORE_SLEEP; i++) {
        if (current_number() != seen) return;
        if (i % SPINS_BEFORE_YIELD == SPINS_BEFORE_YIELD - 1) sched_yield();
        else pause_cpu();
    }
    pthread_mutex_lock(&pool.sleep);
    atomic_fetch_add(&pool.sleeping, 1);
    while (current_number() == seen) pthread_cond_wait(&pool.wake, &pool.sleep);
    atomic_fetch_sub(&pool.sleeping, 1);
    pthread_mutex_unlock(&pool.sleep);
}

static void *worker(void *argument) {
    int index = (int)(intptr_t)argument;
    for (;;) wait_for_another_call(work(&pool.contexts[index], index));
    return NULL;
}

static void start_threads(int threads) {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes)) return;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    while (pool.started < threads - 1) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, worker, (void *)(intptr_t)(pool.started + 1))) break;
        pool.started++;
    }
    pthread_attr_destroy(&attributes);
}

static void publish(const hr_call *call, int threads) {
    unsigned long long number = current_number() + 1;
    job *next = &pool.jobs[number & 1];
    atomic_store_explicit(&next->call, call, memory_order_relaxed);
    atomic_store_explicit(&next->chunks, call->chunks, memory_order_relaxed);
    atomic_store_explicit(&next->threads, threads, memory_order_relaxed);
    atomic_store_explicit(&pool.done, 0, memory_order_relaxed);
    /* Sequentially consistent, as is the count of sleepers: either the sleeper sees the ticket or we see the sleeper. */
    atomic_store(&pool.ticket, number << 32);
    if (atomic_load(&pool.sleeping) > 0) {
        pthread_mutex_lock(&pool.sleep);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.sleep);
    }
}

static void run_together(const hr_call *call, int threads) {
    publish(call, threads);
    work(&pool.contexts[0], 0);
    for (int64_t i = 1; atomic_load_explicit(&pool.done, memory_order_acquire) < call->chunks; i++) {
        if (i % SPINS_BEFORE_YIELD == 0) sched_yield();
        else pause_cpu();
    }
}

static void run_alone(const hr_call *call, hr_context *context) {
    for (int64_t chunk = 0; chunk < call->chunks; chunk++) call->kernel(call->arguments, chunk, context);
}

static int take_failures(hr_context *contexts, int count) {
    int failed = 0;
    for (int i = 0; i < count; i++)
        if (atomic_load_explicit(&contexts[i].failed, memory_order_relaxed)) {
            atomic_store_explicit(&contexts[i].failed, 0, memory_order_relaxed);
            failed = 1;
        }
    return failed;
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Inlined into the runs with and without a clock, so that the one without does not even ask whether there is one. */
static inline __attribute__((always_inline)) int64_t run_with(const hr_call *calls, int64_t count, hr_context *contexts,
                                                              int threads, int64_t *times, int64_t start) {
    if (times) times[0] = now() - start;
    for (int64_t i = 0; i < count; i++) {
        /* Call numbers have 32 bits, and so have chunks: more of them than that are done by one thread. */
        int together = threads > 1 && calls[i].chunks > 1 && calls[i].chunks < 0x7fffffff;
        if (together) run_together(&calls[i], threads);
        else run_alone(&calls[i], contexts);
        if (times) times[i + 1] = now() - start;
        if (take_failures(contexts, together ? threads : 1)) return i;
    }
    return -1;
}

static inline __attribute__((always_inline)) int64_t run(const hr_call *calls, int64_t count, int threads, int64_t *times) {
    int64_t start = times ? now() : 0;
    if (threads > HR_MAX_THREADS) threads = HR_MAX_THREADS;
    if (pthread_mutex_trylock(&pool.owner)) {
        hr_context alone = {0};
        int64_t failed = run_with(calls, count, &alone, 1, times, start);
        free(alone.scratch);
        return failed;
    }
    if (pool.started < threads - 1) start_threads(threads);
    if (threads > pool.started + 1) threads = pool.started + 1;
    int64_t failed = run_with(calls, count, pool.contexts, threads, times, start);
    pthread_mutex_unlock(&pool.owner);
    return failed;
}

int64_t hr_pool_run(const hr_call *calls, int64_t count, int threads) { return run(calls, count, threads, NULL); }

int64_t hr_pool_run_timed(const hr_call *calls, int64_t count, int threads, int64_t *times) {
    return run(calls, count, threads, times);
}

/* Only the thread that forks lives on in the child: the pool begins anew there. Its owner waits until no call is under way. */
static void before_fork(void) { pthread_mutex_lock(&pool.owner); }
static void after_fork_in_parent(void) { pthread_mutex_unlock(&pool.owner); }
static void after_fork_in_child(void) {
    pthread_mutex_init(&pool.owner, NULL);
    pthread_mutex_init(&pool.sleep, NULL);
    pthread_cond_init(&pool.wake, NULL);
    atomic_store(&pool.sleeping, 0);
    pool.started = 0;
}

int hr_pool_initialize(void) { return pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); }
