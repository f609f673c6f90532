/* Where the processes of a host meet: each tells that it has arrived at a round, with a slot of memory that it has filled. */
#ifndef HR_MEETING_H
#define HR_MEETING_H

#include "exchange.h"

/* What a process hands over in a round: the same memory as two rounds before and after. */
char *hr_slot_of(const hr_exchange *it, int64_t rank, int64_t round);

/* Tells the others that this process's slot of a round is filled. */
void hr_arrive(const hr_exchange *it, int64_t round);

/* Whether a process takes part no more: what was read of its memory before may be anything. */
int hr_has_left(const hr_exchange *it, int64_t rank);

/* Waits until all have arrived at the round, and looks whether they do the same; results as of hr_exchange_run. */
int hr_meet(const hr_exchange *it, hr_progress *progress, double seconds);

#endif
