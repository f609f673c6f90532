// Random numbers from a Philox stream, the bits of the CPU's. `stream` holds the two words of the key and the four of the
// counter, least significant first.

struct random_stream {
    unsigned long long key, low, high;

    __device__ random_words block(unsigned long long offset) const { return philox(key, low, high, offset); }
};

HR_DEVICE random_stream stream_at(const unsigned *words) {
    return {(unsigned long long)words[1] << 32 | words[0], (unsigned long long)words[3] << 32 | words[2],
            (unsigned long long)words[5] << 32 | words[4]};
}

// The stream of a stateless op with this seed of two numbers.
template <class T> HR_DEVICE void stateless_stream(const T *seed, unsigned *stream) {
    if (blockIdx.x || threadIdx.x) return;
    random_words mixed = philox(
        0x02461E293EC8F720ull, (unsigned long long)(long long)seed[0], (unsigned long long)(long long)seed[1], 0);
    stream[0] = mixed.word[0];
    stream[1] = mixed.word[1];
    stream[2] = stream[3] = 0;
    stream[4] = mixed.word[2];
    stream[5] = mixed.word[3];
}

// Of how many bits of a word a number in [0, 1) is made.
template <class T> struct mantissa {
    static const int bits = 23;
};
template <> struct mantissa<half> {
    static const int bits = 10;
};
template <> struct mantissa<bfloat16> {
    static const int bits = 7;
};

// Numbers made of the words of a block: two doubles, or four of any other type.
template <class T> struct draws {
    static const int size = 4;
    static __device__ __forceinline__ T uniform(random_words words, int i) {
        const unsigned limit = 1u << mantissa<T>::bits;
        return T((float)(words.word[i] & (limit - 1)) * (1.0f / limit));
    }
    // In double and rounded where functions are not exact in float, as on the CPU.
    static __device__ __forceinline__ float normal(random_words words, int i) {
        float u = uniform_of(words.word[i & 2]), v = uniform_of(words.word[(i & 2) + 1]);
        double radius = log((double)(u > 1e-7f ? u : 1e-7f)), angle = (float)(6.283185307179586 * (double)v);
        float scale = sqrtf(-2.0f * (float)radius);
        return (float)(i & 1 ? cos(angle) : sin(angle)) * scale;
    }
};

template <> struct draws<double> {
    static const int size = 2;
    static __device__ __forceinline__ double uniform(random_words words, int i) {
        return uniform_of(words.word[2 * i], words.word[2 * i + 1]);
    }
    static __device__ __forceinline__ double normal(random_words words, int i) {
        double u = uniform(words, 0), scale = sqrt(-2.0 * log(u > 1e-7 ? u : 1e-7));
        double angle = 6.283185307179586 * uniform(words, 1);
        return (i ? cos(angle) : sin(angle)) * scale;
    }
};

template <class T> HR_DEVICE void random_uniform(const unsigned *stream, T *out, long long n) {
    const int size = draws<T>::size;
    random_stream own = stream_at(stream);
    HR_EACH(block, (n + size - 1) / size) {
        random_words words = own.block(block);
        for (int i = 0; i < size; i++)
            if (block * size + i < n) out[block * size + i] = draws<T>::uniform(words, i);
    }
}

template <class T> HR_DEVICE void random_normal(const unsigned *stream, T *out, long long n) {
    const int size = draws<T>::size;
    random_stream own = stream_at(stream);
    HR_EACH(block, (n + size - 1) / size) {
        random_words words = own.block(block);
        for (int i = 0; i < size; i++)
            if (block * size + i < n) out[block * size + i] = draws<T>::normal(words, i);
    }
}

// Each group of numbers draws from blocks of its own until all lie within two deviations.
template <class T> HR_DEVICE void truncated_normal(const unsigned *stream, T *out, long long n) {
    const int size = draws<T>::size;
    random_stream own = stream_at(stream);
    HR_EACH(group, (n + size - 1) / size) {
        long long place = group * size, end = place + size;
        for (unsigned long long block = group * (size * 256 / 4); place < end; block++) {
            random_words words = own.block(block);
            for (int i = 0; i < size && place < end; i++) {
                wide_t<T> drawn = draws<T>::normal(words, i);
                if (!(fabs(drawn) < 2)) continue;
                if (place < n) out[place] = drawn;
                place++;
            }
        }
    }
}

template <class T> HR_DEVICE unsigned long long integer_word(const random_stream &own, long long i) {
    const int size = sizeof(T) == 8 ? 2 : 4;
    random_words words = own.block(i / size);
    int place = (int)(i % size);
    if (sizeof(T) == 4) return words.word[place];
    return (unsigned long long)words.word[2 * place + 1] << 32 | words.word[2 * place];
}

// Whole numbers in [low, high): words modulo the range. T is int or long long, U its unsigned kin.
template <class T, class U>
HR_DEVICE void random_int(
    const unsigned *stream, const T *low, const T *high, T *out, long long n, int *error, int step) {
    if (*low >= *high) {
        fail(error, step);
        return;
    }
    random_stream own = stream_at(stream);
    U range = (U)*high - (U)*low;
    HR_EACH(i, n) out[i] = (T)((U)(integer_word<T>(own, i)) % range + (U)*low);
}

// By what weights are dropped: the six words of a stream, the bits of a word that make a number, the least such number that is
// kept, and the bits of the factor for what is kept.
template <class T, class U>
HR_DEVICE void dropout_chance(const unsigned *stream, const T *rate, const U *factor, unsigned *chance) {
    if (blockIdx.x || threadIdx.x) return;
    for (int i = 0; i < 6; i++) chance[i] = stream[i];
    const unsigned limit = 1u << mantissa<T>::bits;
    double least = ceil((double)(float)*rate * limit);
    chance[6] = limit - 1;
    // NaN is no number's rate.
    chance[7] = least <= 0 ? 0 : least < limit ? (unsigned)least : limit;
    chance[8] = bits_of((float)*factor);
}
