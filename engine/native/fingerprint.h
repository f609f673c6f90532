/* FarmHash's Fingerprint64 (by Geoff Pike) of a byte string. */
#ifndef HR_FINGERPRINT_H
#define HR_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

uint64_t hr_fingerprint64(const unsigned char *text, size_t size);

#endif
