#define _GNU_SOURCE
#include "direct.h"

#include <errno.h>

#include "meeting.h"
#include "sums.h"

#ifdef __linux__
#include <sys/uio.h>
#include <unistd.h>
#endif

/* What a process tells the others of an exchange, in its slot. */
typedef struct notice {
    int64_t pid;
    double scale;
    hr_part part[];
} notice;

/* Bytes of an array for which another process is asked, and bytes that are added at once: a cache holds several of them. */
enum { LEAST_PART = 1 << 13, CHUNK = 1 << 18, ALIGNED = 64, MOST_PROCESSES = 64 };

int hr_read_process(int64_t pid, int64_t address, void *out, int64_t bytes) {
#ifdef __linux__
    for (int64_t done = 0; done < bytes;) {
        struct iovec to = {(char *)out + done, (size_t)(bytes - done)};
        struct iovec from = {(char *)(intptr_t)address + done, (size_t)(bytes - done)};
        ssize_t n = process_vm_readv((pid_t)pid, &to, 1, &from, 1, 0);
        if (n <= 0) return n ? errno : EFAULT;
        done += n;
    }
    return 0;
#else
    (void)pid; (void)address; (void)out; (void)bytes;
    return ENOSYS;
#endif
}

int hr_is_direct(const hr_exchange *it, int64_t total) {
    int64_t bytes = total * hr_bytes_of(it->dtype);
    if (!it->direct || it->kind != HR_SUM || it->dtype != it->wire || it->size > MOST_PROCESSES) return 0;
    return bytes >= it->direct && bytes >= it->parts * LEAST_PART && it->slot >= it->size * ALIGNED &&
           it->slot >= (int64_t)sizeof(notice) + it->parts * (int64_t)sizeof(hr_part);
}

static void notify(const hr_exchange *it, int64_t round, double scale) {
    notice *mine = (notice *)hr_slot_of(it, it->rank, round);
#ifdef __linux__
    mine->pid = getpid();
#endif
    mine->scale = scale;
    for (int64_t i = 0; i < it->parts; i++) mine->part[i] = it->part[i];
}

static const notice *notice_of(const hr_exchange *it, int64_t rank, int64_t round) {
    return (const notice *)hr_slot_of(it, rank, round);
}

/* Some elements of one part: those at the front of `left` elements that follow one another. */
typedef struct piece {
    int64_t part, start, count, left;
} piece;

/* The next piece, of no more than `most` elements; 0 where there is none. */
static int next_piece(const hr_exchange *it, piece *p, int64_t most) {
    p->start += p->count;
    p->left -= p->count;
    if (!p->left) return 0;
    while (p->start >= it->part[p->part].count) p->start -= it->part[p->part++].count;
    p->count = it->part[p->part].count - p->start;
    if (p->count > p->left) p->count = p->left;
    if (p->count > most) p->count = most;
    return 1;
}

static int64_t start_of_share(const hr_exchange *it, int64_t rank, int64_t total) {
    return rank == it->size ? total : total / it->size * rank / ALIGNED * ALIGNED;
}

/* What a process adds up, before its first piece. */
static piece share_of(const hr_exchange *it, int64_t rank, int64_t total) {
    int64_t start = start_of_share(it, rank, total);
    return (piece){0, start, 0, start_of_share(it, rank + 1, total) - start};
}

/* Reads a piece of another process's part that begins at `address`. */
static int read_piece(const hr_exchange *it, hr_progress *at, int64_t rank, int64_t round, int64_t address, piece p, void *out) {
    int64_t item = hr_bytes_of(it->dtype);
    int error = hr_read_process(notice_of(it, rank, round)->pid, address + p.start * item, out, p.count * item);
    at->other = rank;
    return !error ? HR_DONE : error == ESRCH || hr_has_left(it, rank) ? HR_GONE : HR_UNREADABLE;
}

/* A process's elements as they are added: where they lie, or in `spare`. */
static int elements_of(const hr_exchange *it, hr_progress *at, int64_t rank, piece p, char *spare, char **found) {
    const notice *its = notice_of(it, rank, at->round);
    char *own = (char *)(intptr_t)it->part[p.part].in + p.start * hr_bytes_of(it->dtype);
    int result = HR_DONE, is_own = rank == it->rank;
    if (!is_own && its->scale != 0) result = read_piece(it, at, rank, at->round, its->part[p.part].in, p, spare);
    *found = is_own && its->scale == 1 ? own : spare;
    if (result == HR_DONE && its->scale != 1) hr_fill(it, is_own ? own : spare, spare, p.count, its->scale);
    return result;
}

/* Adds this process's share of all arrays. Its slot of the next round, which nobody reads, holds what others have. */
static int add_share(const hr_exchange *it, hr_progress *at, int64_t total) {
    int64_t item = hr_bytes_of(it->dtype), room = it->slot / it->size / ALIGNED * ALIGNED;
    int64_t most = (room < CHUNK ? room : CHUNK) / item;
    char *spare = hr_slot_of(it, it->rank, at->round + 1), *found[MOST_PROCESSES];
    for (piece p = share_of(it, it->rank, total); next_piece(it, &p, most);) {
        for (int64_t q = 0; q < it->size; q++) {
            int result = elements_of(it, at, q, p, spare + q * room, &found[q]);
            if (result != HR_DONE) return result;
        }
        const hr_part *part = &it->part[p.part];
        hr_sum(it, part, found, 0, (char *)(intptr_t)part->out + p.start * item, p.count);
    }
    return HR_DONE;
}

/* Copies the sums of the others' shares, from the next process's on so that not all ask the same one at once. */
static int copy_shares(const hr_exchange *it, hr_progress *at, int64_t total) {
    int64_t item = hr_bytes_of(it->dtype), told = at->round - 1;
    for (int64_t k = 1; k < it->size; k++) {
        int64_t q = (it->rank + k) % it->size;
        for (piece p = share_of(it, q, total); next_piece(it, &p, total);) {
            char *out = (char *)(intptr_t)it->part[p.part].out + p.start * item;
            int result = read_piece(it, at, q, told, notice_of(it, q, told)->part[p.part].out, p, out);
            if (result != HR_DONE) return result;
        }
        /* Who has given up in the middle may have used its memory for something else. */
        if (hr_has_left(it, q)) { at->other = q; return HR_GONE; }
    }
    return HR_DONE;
}

/* Three rounds: all have told where their arrays are; all have added their shares; all have copied the others'. */
int hr_direct_run(const hr_exchange *it, hr_progress *at, int64_t total, double scale, double seconds) {
    if (!at->phase) {
        notify(it, at->round, scale);
        hr_arrive(it, at->round);
        at->phase = 1;
    }
    for (; at->phase <= 3; at->phase++) {
        int result = hr_meet(it, at, seconds);
        if (result == HR_DONE && at->phase == 1) result = add_share(it, at, total);
        if (result == HR_DONE && at->phase == 2) result = copy_shares(it, at, total);
        if (result != HR_DONE) return result;
        at->round++;
        if (at->phase < 3) hr_arrive(it, at->round);
    }
    at->phase = 0;
    return HR_DONE;
}
