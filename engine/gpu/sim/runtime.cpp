/* Runs the threads of a block: as fibres that go from barrier to barrier, or in a loop. */
hr_triple threadIdx, blockIdx, blockDim, gridDim;
char* hr_dynamic;
int hr_current, hr_count;

/* ---- What a block is doing ---- */
enum hr_wait { HR_READY, HR_DONE, HR_BARRIER, HR_WARP };
struct hr_fibre {
    void* stack;
    hr_triple index;
    hr_wait wait;
    /* Where in the source it waits, and what it hands to its warp: who takes part, a value, whose value it wants. */
    hr_place place;
    unsigned mask;
    int source;
    bool vote;
    unsigned long long value;
};
static struct {
    const hr_launch* launch;
    const char* name;
    void (*thread)(const unsigned long long*);
    bool fibres, failed;
    unsigned random;
    void* scheduler;
    hr_fibre fibre[1024];
} hr;

static void hr_write(char*& to, char* end, const char* text) {
    while (*text && to < end) *to++ = *text++;
    *to = 0;
}

static void hr_write(char*& to, char* end, long long number) {
    char digits[24], *at = digits + 23;
    unsigned long long left = number < 0 ? 0ull - (unsigned long long)number : (unsigned long long)number;
    *at = 0;
    do *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0) *--at = '-';
    hr_write(to, end, at);
}

template <class... Parts> static void hr_wrong(Parts... parts) {
    if (hr.failed) return;
    hr.failed = true;
    char *to = hr.launch->message, *end = to + hr.launch->message_size - 1;
    (hr_write(to, end, parts), ...);
}

/* ---- Switching from one stack to another: the registers that calls keep, and the place to go on ---- */
#if defined(__x86_64__) && !defined(HR_UCONTEXT)
__attribute__((naked, noinline, unused)) static void hr_switch(void**, void*) {
    __asm__(
        "pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
        "movq %rsp, (%rdi)\n movq %rsi, %rsp\n"
        "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n ret\n");
}

static void* hr_new_stack(char* stack, unsigned long long size, void (*entry)()) {
    /* After `ret` the stack is as after a call: 8 below a multiple of 16. */
    void** top = reinterpret_cast<void**>(stack + size) - 1;
    *--top = reinterpret_cast<void*>(entry);
    for (int i = 0; i < 6; i++) *--top = nullptr;
    return top;
}
#else
#include <ucontext.h>
static ucontext_t hr_contexts[1025];

static void hr_switch(void** from, void* to) {
    int here = hr.scheduler == to ? hr_current : 1024;
    *from = &hr_contexts[here];
    swapcontext(&hr_contexts[here], static_cast<ucontext_t*>(to));
}

static void* hr_new_stack(char* stack, unsigned long long size, void (*entry)()) {
    ucontext_t* made = &hr_contexts[hr_current];
    getcontext(made);
    made->uc_stack.ss_sp = stack;
    made->uc_stack.ss_size = size;
    made->uc_link = nullptr;
    makecontext(made, entry, 0);
    hr.scheduler = &hr_contexts[1024];
    return made;
}
#endif

/* ---- The order of threads ---- */
static unsigned hr_random(unsigned below) {
    hr.random ^= hr.random << 13;
    hr.random ^= hr.random >> 17;
    hr.random ^= hr.random << 5;
    return (unsigned)((unsigned long long)hr.random * below >> 32);
}

/* Place `i` of `count` in the order asked for; `start` and `step` are random and reach every place. */
struct hr_order {
    unsigned count, start, step;
    hr_order(unsigned count) : count(count), start(0), step(1) {
        if (hr.launch->order == 1) start = count - 1, step = count - 1;
        if (hr.launch->order > 1) {
            start = hr_random(count);
            do step = 1 + hr_random(count);
            while (common(step, count) != 1);
        }
    }
    static unsigned common(unsigned a, unsigned b) {
        while (b) {
            unsigned rest = a % b;
            a = b;
            b = rest;
        }
        return a;
    }
    unsigned at(unsigned i) const { return (unsigned)((start + (unsigned long long)i * step) % count); }
};

/* ---- What threads of a warp say to each other ---- */
static void hr_pause(hr_wait wait, hr_place place) {
    hr_fibre& self = hr.fibre[hr_current];
    self.wait = wait;
    self.place = place;
    hr_switch(&self.stack, hr.scheduler);
}

void hr_misaligned(unsigned long long alignment, hr_place place) {
    hr_wrong("kernel ", hr.name, ", ", place.file, ":", (long long)place.line, ": an address that is no multiple of ",
             (long long)alignment, ", as what lies there wants");
}

static bool hr_may_wait(const char* what) {
    if (!hr.fibres) hr_wrong("kernel ", hr.name, " calls ", what, ", but is declared with synchronizes=False");
    return hr.fibres && !hr.failed;
}

void hr_barrier(hr_place place) {
    if (hr_may_wait("__syncthreads")) hr_pause(HR_BARRIER, place);
}

unsigned long long hr_meet(
    const char* what, unsigned mask, unsigned long long value, int source, bool vote, hr_place place) {
    if (!hr_may_wait(what)) return value;
    hr_fibre& self = hr.fibre[hr_current];
    self.mask = mask;
    self.value = value;
    self.source = source;
    self.vote = vote;
    if (!(mask >> (hr_current & 31) & 1)) {
        hr_wrong("kernel ", hr.name, ", ", place.file, ":", (long long)place.line, ": lane ", (long long)(hr_current & 31),
                 " calls ", what, " with a mask that leaves it out");
    }
    hr_pause(HR_WARP, place);
    return self.value;
}

/* Hands the values round in a warp where all lanes of some lane's mask wait; says whether there was one. */
static bool hr_exchange(int warp) {
    hr_fibre* lanes = hr.fibre + 32 * warp;
    int size = hr_count - 32 * warp < 32 ? hr_count - 32 * warp : 32;
    bool any = false;
    for (int first = 0; first < size; first++) {
        unsigned mask = lanes[first].mask, votes = 0;
        if (lanes[first].wait != HR_WARP) continue;
        bool all = size == 32 || mask >> size == 0;
        for (int lane = 0; all && lane < size; lane++) {
            if (!(mask >> lane & 1)) continue;
            all = lanes[lane].wait == HR_WARP && lanes[lane].mask == mask && lanes[lane].place.line == lanes[first].place.line;
            if (all && lanes[lane].value && lanes[lane].vote) votes |= 1u << lane;
        }
        if (!all) continue;
        unsigned long long values[32];
        for (int lane = 0; lane < size; lane++) values[lane] = lanes[lane].value;
        for (int lane = 0; lane < size; lane++) {
            if (!(mask >> lane & 1)) continue;
            int source = lanes[lane].source;
            if (lanes[lane].vote) {
                lanes[lane].value = votes;
            } else if (source >= size || !(mask >> source & 1)) {
                hr_wrong("kernel ", hr.name, ", ", lanes[lane].place.file, ":", (long long)lanes[lane].place.line, ": lane ", (long long)lane,
                         " asks for the value of lane ", (long long)source, ", which takes no part");
            } else {
                lanes[lane].value = values[source];
            }
            lanes[lane].wait = HR_READY;
        }
        any = true;
    }
    return any;
}

/* Lets all go on that wait at the barrier, if all threads do; says whether they did. */
static bool hr_open_barrier() {
    for (int i = 0; i < hr_count; i++) {
        if (hr.fibre[i].wait != HR_BARRIER || hr.fibre[i].place.line != hr.fibre[0].place.line) return false;
    }
    for (int i = 0; i < hr_count; i++) hr.fibre[i].wait = HR_READY;
    return true;
}

static void hr_stuck() {
    long long counts[4] = {0, 0, 0, 0};
    hr_place places[4] = {}, other = {};
    for (int i = 0; i < hr_count; i++) {
        hr_fibre& thread = hr.fibre[i];
        if (counts[thread.wait]++ && places[thread.wait].line != thread.place.line) other = places[thread.wait];
        places[thread.wait] = thread.place;
    }
    hr_place at = places[counts[HR_WARP] ? HR_WARP : HR_BARRIER];
    long long line = at.line;
    if (counts[HR_WARP]) {
        hr_wrong("kernel ", hr.name, ", ", at.file, ":", line, ": ", counts[HR_WARP],
                 " threads wait for lanes of their warp that never come: ", counts[HR_DONE], " threads have ended and ",
                 counts[HR_BARRIER], " wait at a barrier");
    } else if (other.file) {
        hr_wrong("kernel ", hr.name, ": threads of a block wait at different barriers, such as ", at.file, ":", line,
                 " and ", other.file, ":", (long long)other.line);
    } else {
        hr_wrong("kernel ", hr.name, ", ", at.file, ":", line, ": only ", counts[HR_BARRIER], " of ", (long long)hr_count,
                 " threads reach a barrier, the others have ended");
    }
}

/* ---- Running a block: one warp as far as it comes, then the next ---- */
static void hr_begin() {
    hr.thread(hr.launch->arguments);
    hr_pause(HR_DONE, {});
}

static bool hr_run_warp(int warp) {
    unsigned size = (unsigned)(hr_count - 32 * warp < 32 ? hr_count - 32 * warp : 32);
    bool moved = false, again = true;
    while (again) {
        hr_order order(size);
        again = false;
        for (unsigned i = 0; i < size; i++) {
            hr_current = 32 * warp + (int)order.at(i);
            hr_fibre& self = hr.fibre[hr_current];
            if (self.wait != HR_READY) continue;
            again = moved = true;
            threadIdx = self.index;
            hr_switch(&hr.scheduler, self.stack);
            if (hr.failed) return false;
        }
        again = hr_exchange(warp) || again;
        if (hr.failed) return false;
    }
    return moved;
}

static void hr_run_block() {
    for (hr_current = 0; hr_current < hr_count; hr_current++) {
        hr_fibre& self = hr.fibre[hr_current];
        unsigned i = (unsigned)hr_current;
        self.index = {i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y};
        self.wait = HR_READY;
        self.stack = hr_new_stack(hr.launch->stacks + hr_current * hr.launch->stack_size, hr.launch->stack_size, hr_begin);
    }
    unsigned warps = ((unsigned)hr_count + 31) / 32;
    do {
        hr_order order(warps);
        for (unsigned i = 0; i < warps; i++) {
            hr_run_warp((int)order.at(i));
            if (hr.failed) return;
        }
    } while (hr_open_barrier());
    for (int i = 0; i < hr_count; i++) {
        if (hr.fibre[i].wait != HR_DONE) return hr_stuck();
    }
}

static void hr_loop_block(hr_order order) {
    for (unsigned i = 0; i < order.count; i++) {
        unsigned at = order.at(i);
        threadIdx = {at % blockDim.x, at / blockDim.x % blockDim.y, at / blockDim.x / blockDim.y};
        hr.thread(hr.launch->arguments);
    }
}

#ifdef __SANITIZE_ADDRESS__
extern "C" void __asan_unpoison_memory_region(const volatile void*, size_t);
#endif

/* Fills the block's shared memory with NaN. Static shared memory is what the linker puts behind the variables of this
   file, which comes first. */
extern HR_HIDDEN char _end[];

static void hr_poison() {
    __builtin_memset(hr_dynamic, 255, hr.launch->shared);
#ifndef __SANITIZE_ADDRESS__
    void* own[] = {&hr + 1, &threadIdx + 1, &blockIdx + 1, &blockDim + 1, &gridDim + 1, &hr_dynamic + 1, &hr_current + 1, &hr_count + 1};
    char* start = _end;
#ifndef HR_UCONTEXT
    start = static_cast<char*>(own[0]);
    for (void* end : own) start = end > start ? static_cast<char*>(end) : start;
#endif
    if (start < _end) __builtin_memset(start, 255, (size_t)(_end - start));
#endif
}

int hr_run(const hr_launch* launch, const char* name, void (*thread)(const unsigned long long*), bool fibres) {
    hr.launch = launch;
    hr.name = name;
    hr.thread = thread;
    hr.fibres = fibres;
    hr.failed = false;
    hr.random = launch->order * 2654435761u | 1u;
    hr_dynamic = launch->dynamic;
    gridDim = {launch->grid[0], launch->grid[1], launch->grid[2]};
    blockDim = {launch->block[0], launch->block[1], launch->block[2]};
    hr_count = (int)(blockDim.x * blockDim.y * blockDim.z);
    hr_order blocks(gridDim.x * gridDim.y * gridDim.z);
    for (unsigned i = 0; i < blocks.count && !hr.failed; i++) {
        unsigned at = blocks.at(i);
        blockIdx = {at % gridDim.x, at / gridDim.x % gridDim.y, at / gridDim.x / gridDim.y};
        if (fibres) {
            hr_poison();
            hr_run_block();
        } else {
            hr_loop_block(hr_order((unsigned)hr_count));
        }
    }
#ifdef __SANITIZE_ADDRESS__
    if (fibres) __asan_unpoison_memory_region(launch->stacks, launch->stack_size * (unsigned)hr_count);
#endif
    return hr.failed;
}
