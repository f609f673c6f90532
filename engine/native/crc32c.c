/* CRC-32C: three streams at a time through the instruction of SSE 4.2, or eight bytes at a time through tables. */
#include "crc32c.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_INSTRUCTION 1
#include <nmmintrin.h>
#endif

#define POLYNOMIAL 0x82F63B78u
#define STREAM 4096 /* bytes of each of three streams: their sums do not wait for each other */

static uint32_t bytes_on[8][256];  /* what a byte adds to the register so many bytes later */
static uint32_t stream_on[4][256]; /* the register after STREAM bytes of zero, by its bytes */

/* A linear map of registers, as its images of the single bits. */
static uint32_t image(const uint32_t *map, uint32_t value) {
    uint32_t result = 0;
    for (int bit = 0; value; bit++, value >>= 1)
        if (value & 1) result ^= map[bit];
    return result;
}

static void prepare_bytes(void) {
    for (uint32_t octet = 0; octet < 256; octet++) {
        uint32_t value = octet;
        for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (value & 1 ? POLYNOMIAL : 0);
        bytes_on[0][octet] = value;
    }
    for (int place = 1; place < 8; place++)
        for (int octet = 0; octet < 256; octet++) {
            uint32_t before = bytes_on[place - 1][octet];
            bytes_on[place][octet] = before >> 8 ^ bytes_on[0][before & 255];
        }
}

void hr_crc32c_prepare(void) {
    uint32_t map[32], twice[32];
    prepare_bytes();
    for (int bit = 0; bit < 32; bit++) {
        uint32_t one = (uint32_t)1 << bit;
        map[bit] = one >> 8 ^ bytes_on[0][one & 255];
    }
    for (int done = 1; done < STREAM; done *= 2) {
        for (int bit = 0; bit < 32; bit++) twice[bit] = image(map, map[bit]);
        memcpy(map, twice, sizeof map);
    }
    for (int place = 0; place < 4; place++)
        for (uint32_t octet = 0; octet < 256; octet++) stream_on[place][octet] = image(map, octet << 8 * place);
}

static uint32_t by_tables(uint32_t value, const unsigned char *data, size_t size) {
    for (; size >= 8; data += 8, size -= 8) {
        value ^= (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
        value = bytes_on[7][value & 255] ^ bytes_on[6][value >> 8 & 255] ^ bytes_on[5][value >> 16 & 255]
              ^ bytes_on[4][value >> 24] ^ bytes_on[3][data[4]] ^ bytes_on[2][data[5]] ^ bytes_on[1][data[6]]
              ^ bytes_on[0][data[7]];
    }
    for (; size; data++, size--) value = value >> 8 ^ bytes_on[0][(value ^ *data) & 255];
    return value;
}

#ifdef HAS_INSTRUCTION
static inline uint64_t eight(const unsigned char *data) {
    uint64_t value;
    memcpy(&value, data, 8);
    return value;
}

static inline uint32_t past_stream(uint32_t value) {
    return stream_on[0][value & 255] ^ stream_on[1][value >> 8 & 255] ^ stream_on[2][value >> 16 & 255]
         ^ stream_on[3][value >> 24];
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t value, const unsigned char *data, size_t size) {
    uint64_t first = value;
    for (; size >= 3 * STREAM; data += 3 * STREAM, size -= 3 * STREAM) {
        uint64_t second = 0, third = 0;
        for (const unsigned char *at = data; at < data + STREAM; at += 8) {
            first = _mm_crc32_u64(first, eight(at));
            second = _mm_crc32_u64(second, eight(at + STREAM));
            third = _mm_crc32_u64(third, eight(at + 2 * STREAM));
        }
        first = past_stream((uint32_t)first) ^ (uint32_t)second;
        first = past_stream((uint32_t)first) ^ (uint32_t)third;
    }
    for (; size >= 8; data += 8, size -= 8) first = _mm_crc32_u64(first, eight(data));
    value = (uint32_t)first;
    for (; size; data++, size--) value = _mm_crc32_u8(value, *data);
    return value;
}
#endif

uint32_t hr_crc32c(uint32_t value, const unsigned char *data, size_t size, int plain) {
    value = ~value;
#ifdef HAS_INSTRUCTION
    if (!plain && __builtin_cpu_supports("sse4.2")) return ~by_instruction(value, data, size);
#endif
    (void)plain;
    return ~by_tables(value, data, size);
}
