/* All-reduce and gather among the processes of one host, over memory that they share. */
#ifndef HR_EXCHANGE_H
#define HR_EXCHANGE_H

#include <stdint.h>

enum { HR_SUM, HR_GATHER };
enum { HR_F32, HR_F64, HR_I32, HR_I64, HR_F16, HR_BF16 };
enum { HR_DONE, HR_LATE, HR_DIFFERENT, HR_GONE, HR_UNREADABLE };

/* Some elements of a sum: where this process's are and where the sum goes. Of a gather, one for each process: `in` is where
   this process's bytes are, `out` where that process's go, `count` how many bytes it gives. */
typedef struct hr_part {
    int64_t in, out, count;
} hr_part;

/* What is done; the same on every process but for addresses and, in a gather, nothing else. */
typedef struct hr_exchange {
    int64_t memory; /* of hr_exchange_bytes bytes, zero at the start */
    int64_t rank, size;
    int64_t slot; /* bytes that a process hands over at once, a multiple of 64 */
    int64_t kind;
    int64_t tag; /* a number for what is done: all must have the same */
    int64_t dtype, wire; /* of the elements, and of what is handed over */
    int64_t direct; /* sums of so many bytes and more are read from the processes' own memory; 0 for none */
    int64_t spins, yields; /* looks at what others have done before the processor is given up, and before this thread sleeps */
    int64_t parts;
    hr_part part[];
} hr_exchange;

/* How far it is; kept from one exchange to the next. */
typedef struct hr_progress {
    int64_t round, position, phase, other;
} hr_progress;

/* Bytes of shared memory for `size` processes. */
int64_t hr_exchange_bytes(int64_t size, int64_t slot);

/* Does an exchange, or goes on with one that was late. Elements are multiplied by `scale` before they are added; those of a
   scale of 0 are taken as 0. Returns HR_DONE; HR_LATE after about `seconds`, to be called again; HR_DIFFERENT where another
   process does something else; HR_GONE where one has left, HR_UNREADABLE where its memory cannot be read: `other` is its number. */
int hr_exchange_run(const hr_exchange *it, hr_progress *progress, double scale, double seconds);

/* Tells the others that this process takes part no more. */
void hr_exchange_leave(const hr_exchange *it);

#endif
