/* CRC-32C (Castagnoli) of bytes, by the machine's instruction where there is one. */
#ifndef HR_CRC32C_H
#define HR_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Makes the tables; once, before the first sum. */
void hr_crc32c_prepare(void);

/* The sum of `size` bytes after those whose sum is `value`; with `plain` by tables, whatever the machine has. */
uint32_t hr_crc32c(uint32_t value, const unsigned char *data, size_t size, int plain);

#endif
