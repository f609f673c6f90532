/* The kernels by name, of the best instruction set that this machine has. */
#ifndef HEADRACE_TABLES_H
#define HEADRACE_TABLES_H

#include "runtime.h"

/* Names of the instruction sets that were compiled and that this machine runs, worst first; ends with NULL. */
const char *const *hr_instruction_sets(void);

/* Table number `index` of an instruction set, or NULL behind the last. */
const hr_entry *hr_table(const char *instruction_set, int index);

#endif
