/* The steps are those of engine/kernels/fingerprint.py, one string at a time. */
#include "fingerprint.h"

#include <string.h>

static const uint64_t K0 = 0xC3A5C85C97CB3127u, K1 = 0xB492B66FBE98F273u, K2 = 0x9AE16A3B2F90404Fu;

static uint64_t word(const unsigned char *at) {
    uint64_t value;
    memcpy(&value, at, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static uint64_t half_word(const unsigned char *at) {
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24;
}

static uint64_t rotate(uint64_t x, int right) { return x >> right | x << (64 - right); }

static uint64_t shift_mix(uint64_t x) { return x ^ x >> 47; }

static uint64_t mix(uint64_t u, uint64_t v, uint64_t factor) {
    uint64_t a = shift_mix((u ^ v) * factor);
    return shift_mix((v ^ a) * factor) * factor;
}

static uint64_t to_16(const unsigned char *text, size_t size) {
    if (size >= 8) {
        uint64_t factor = K2 + size * 2, a = word(text) + K2, b = word(text + size - 8);
        return mix(rotate(b, 37) * factor + a, (rotate(a, 25) + b) * factor, factor);
    }
    if (size >= 4) return mix(size + (half_word(text) << 3), half_word(text + size - 4), K2 + size * 2);
    if (!size) return K2;
    uint64_t y = text[0] + ((uint64_t)text[size >> 1] << 8), z = size + ((uint64_t)text[size - 1] << 2);
    return shift_mix(y * K2 ^ z * K0) * K2;
}

/* Mixes the first and the last 16 bytes. */
static uint64_t ends(const unsigned char *text, size_t size, uint64_t first, uint64_t *other) {
    uint64_t a = word(text) * first, b = word(text + 8);
    uint64_t c = word(text + size - 8) * (K2 + size * 2), d = word(text + size - 16) * K2;
    *other = a + rotate(b + K2, 18) + c;
    return rotate(a + b, 43) + rotate(c, 30) + d;
}

static uint64_t to_32(const unsigned char *text, size_t size) {
    uint64_t other, one = ends(text, size, K1, &other);
    return mix(one, other, K2 + size * 2);
}

static uint64_t to_64(const unsigned char *text, size_t size) {
    uint64_t factor = K2 + size * 2, other, y = ends(text, size, K2, &other), z = mix(y, other, factor);
    uint64_t a = word(text) * K2, e = word(text + 16) * factor, f = word(text + 24);
    uint64_t g = (y + word(text + size - 32)) * factor, h = (z + word(text + size - 24)) * factor;
    return mix(rotate(e + f, 43) + rotate(g, 30) + h, e + rotate(f + a, 18) + g, factor);
}

typedef struct state { uint64_t x, y, z, v[2], w[2]; } state;

static void weak(const unsigned char *at, uint64_t a, uint64_t b, uint64_t out[2]) {
    a += word(at);
    b = rotate(b + a + word(at + 24), 21);
    uint64_t total = a + word(at + 8) + word(at + 16);
    out[0] = total + word(at + 24);
    out[1] = b + rotate(total, 44) + a;
}

/* Mixes in 64 bytes; the last block has a factor and a weight of its own. */
static void block(const unsigned char *at, state *s, uint64_t factor, uint64_t weight) {
    uint64_t x = rotate(s->x + s->y + s->v[0] + word(at + 8), 37) * factor ^ s->w[1] * weight;
    uint64_t y = rotate(s->y + s->v[1] + word(at + 48), 42) * factor + s->v[0] * weight + word(at + 40);
    uint64_t z = rotate(s->z + s->w[0], 33) * factor;
    weak(at, s->v[1] * factor, x + s->w[0], s->v);
    weak(at + 32, z + s->w[1], y + word(at + 16), s->w);
    s->x = z;
    s->y = y;
    s->z = x;
}

static uint64_t longer(const unsigned char *text, size_t size) {
    state s = {.x = word(text) + 81 * K2, .y = 81 * K1 + 113};
    s.z = shift_mix(s.y * K2 + 113) * K2;
    for (size_t done = 0; done < (size - 1) / 64; done++) block(text + 64 * done, &s, K1, 1);
    uint64_t factor = K1 + ((s.z & 0xFF) << 1);
    s.w[0] += (size - 1) & 63;
    s.v[0] += s.w[0];
    s.w[0] += s.v[0];
    block(text + size - 64, &s, factor, 9);
    uint64_t one = mix(s.v[0], s.w[0], factor) + shift_mix(s.y) * K0 + s.z;
    return mix(one, mix(s.v[1], s.w[1], factor) + s.x, factor);
}

uint64_t hr_fingerprint64(const unsigned char *text, size_t size) {
    if (size <= 16) return to_16(text, size);
    if (size <= 32) return to_32(text, size);
    return size <= 64 ? to_64(text, size) : longer(text, size);
}
