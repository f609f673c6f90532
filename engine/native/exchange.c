#include "exchange.h"

#include <string.h>

#include "direct.h"
#include "meeting.h"
#include "sums.h"

/* The elements from `position` on are those of one part after the other. */
static void each_part(const hr_exchange *it, int64_t position, int64_t count, double scale, char *slot, char *const *slots) {
    const hr_part *part = it->part;
    int64_t start = position, done = 0, item = hr_bytes_of(it->dtype);
    while (part < it->part + it->parts && start >= part->count) start -= part++->count;
    for (; done < count; part++, start = 0) {
        int64_t n = part->count - start < count - done ? part->count - start : count - done;
        if (slot) hr_fill(it, (const char *)(intptr_t)part->in + start * item, slot + done * hr_bytes_of(it->wire), n, scale);
        else hr_sum(it, part, slots, done, (char *)(intptr_t)part->out + start * item, n);
        done += n;
    }
}

enum { MOST_PROCESSES = 1 << 12 };

static void gather_round(const hr_exchange *it, int64_t position, int64_t round) {
    for (int64_t q = 0; q < it->size; q++) {
        const hr_part *part = &it->part[q];
        int64_t n = part->count - position < it->slot ? part->count - position : it->slot;
        if (n > 0 && !(q == it->rank && part->in == part->out))
            memcpy((char *)(intptr_t)part->out + position, hr_slot_of(it, q, round), (size_t)n);
    }
}

static void fill_round(const hr_exchange *it, const hr_progress *at, int64_t count, double scale) {
    char *slot = hr_slot_of(it, it->rank, at->round);
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
    for (int64_t q = 0; q < it->size; q++) slots[q] = hr_slot_of(it, q, at->round);
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
    int64_t total = length(it), most = it->kind == HR_SUM ? it->slot / hr_bytes_of(it->wire) : it->slot;
    if (hr_is_direct(it, total)) return hr_direct_run(it, at, total, scale, seconds);
    do {
        int64_t count = total - at->position < most ? total - at->position : most;
        if (!at->phase) {
            fill_round(it, at, count, scale);
            hr_arrive(it, at->round);
            at->phase = 1;
        }
        int result = hr_meet(it, at, seconds);
        if (result != HR_DONE) return result;
        take_round(it, at, count);
        at->position += count;
        at->phase = 0;
        at->round++;
    } while (at->position < total);
    at->position = 0;
    return HR_DONE;
}
