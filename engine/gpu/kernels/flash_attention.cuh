// Attention without its scores in memory, after FlashAttention-2 (Dao, 2023): a block has a tile of rows in shared memory and goes
// over tiles of the other side; forwards the softmax is corrected whenever a larger score appears. The gradient is computed once
// by tiles of keys (for keys and values) and once by tiles of queries, so that no sum depends on the order of blocks. Sums are float.
//
// A score is `product * scale + mask * factor`. `tiles`, if given, has a byte a tile of the block's rows and a tile of the other
// side: 0 where all weights are zero, 1 where the mask is, 2 where it must be read. With a mask no score is below `hidden`; rows
// that have no other score have no gradient of theirs. DROP: weights are dropped by `chance`, see random.cuh.

#define HR_FLASH_PLACE(T, name) T *name, long long name##_batch, long long name##_head, long long name##_row
#define HR_AT(name) (name + batch * name##_batch + head * name##_head)
#define HR_FLASH_SIZES int heads, long long matrices, int rows, int keys, int depth, int width
#define HR_FLASH_MASK                                                                                                       \
    const float *mask, long long mask_batch, long long mask_head, long long mask_row, long long mask_key, double scale,     \
        double factor, double hidden, const unsigned *chance, const unsigned char *tiles, int wide
#define HR_LANES int warp = (int)threadIdx.x / 32, g = lane_of_warp() / 4, t = lane_of_warp() % 4

// The next tile after `j` that is not all zeros.
HR_DEVICE int next_tile(const unsigned char *kinds, int j, int count) {
    do j++;
    while (j < count && kinds && kinds[j] == 0);
    return j;
}

// Approximate where its result is rounded to 16 bits; results that floats have no exponent for are zero.
template <class T> HR_DEVICE float exponential(float x) {
#ifdef __CUDA_ARCH__
    if (sizeof(T) == 2) {
        float result;
        asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x * 1.4426950408889634f));
        return result;
    }
#endif
    return expf(x);
}

// What makes scores of products, for one matrix.
struct flash_scores {
    const float *mask;
    long long row_step, key_step;
    float scale, factor, hidden;
    int rows, keys;

    // Makes products scores, but for a factor above zero that is returned: it is a part of the exponentials' additions.
    template <bool BY_KEYS, int M, int N>
    __device__ __forceinline__ float take(float (&sum)[M][N][4], bool masked, int row, int key) const {
        if (!masked && scale > 0) return scale;
#pragma unroll
        for (int i = 0; i < 4 * M * N; i++) sum[i / 4 / N][i / 4 % N][i % 4] *= scale;
        if (masked) add_mask<BY_KEYS>(sum, row, key);
        return 1;
    }

    // Adds the mask to the scores of a warp: lane 4 * g + t begins at row `row` and key `key`, or the other way round.
    template <bool BY_KEYS, int M, int N>
    __device__ __forceinline__ void add_mask(float (&sum)[M][N][4], int row, int key) const {
        const float *at = mask + row * row_step + key * key_step;
        long long down = BY_KEYS ? key_step : row_step, along = BY_KEYS ? row_step : key_step;
#ifdef __CUDA_ARCH__
        // Multiples of these are not to be kept in registers from tile to tile.
        asm volatile("" : "+l"(down), "+l"(along));
#endif
        int own = BY_KEYS ? key : row, other = BY_KEYS ? row : key;
        int own_left = (BY_KEYS ? keys : rows) - own, other_left = (BY_KEYS ? rows : keys) - other;
#pragma unroll
        for (int r = 0; r < 2 * M; r++) {
#pragma unroll
            for (int i = 0; i < 2 * N; i++) {
                int right = i / 2 * 8 + i % 2;
                if (8 * r < own_left && right < other_left) {
                    float &score = sum[r / 2][i / 2][r % 2 * 2 + i % 2];
                    score += at[8 * r * down + right * along] * factor;
                    if (score < hidden) score = hidden;
                }
            }
            // Or all of it would be loaded at once, into more registers than there are.
            __syncwarp();
        }
    }
};
#define HR_FLASH_SCORES                                                                                               \
    {mask ? mask + batch * mask_batch + head * mask_head : nullptr, mask_row, mask_key, float(scale), float(factor), \
     float(hidden), rows, keys}

// Which weights of a warp's tile of ROWS queries and COLUMNS keys are kept: a byte for each block of four random words, a bit a
// word. Weight (row, column) of the tile is number `first + row * keys + column` of all.
template <int ROWS, int COLUMNS> struct kept_weights {
    enum : int { EACH = COLUMNS / 4 + 1, BYTES = ROWS * EACH };
    unsigned char *bits;

    __device__ __forceinline__ void draw(const unsigned *chance, long long first, int keys) const {
        random_stream stream = stream_at(chance);
        unsigned limit = chance[6], least = chance[7];
        __syncwarp();
#pragma unroll 1
        for (int i = lane_of_warp(); i < BYTES; i += 32) {
            int row = i / EACH, j = i % EACH;
            long long start = first + (long long)row * keys;
            if (4 * j - (int)(start & 3) >= COLUMNS) continue;
            random_words drawn = stream.block((start >> 2) + j);
            unsigned kept = 0;
#pragma unroll
            for (int word = 0; word < 4; word++) kept |= unsigned((drawn.word[word] & limit) >= least) << word;
            bits[i] = (unsigned char)kept;
        }
        __syncwarp();
    }

    // Of weight (row, column + far); `far` is a multiple of four.
    __device__ __forceinline__ bool kept(int first, int keys, int row, int column, int far) const {
        unsigned place = column + (first + row * keys & 3);
        return bits[row * EACH + (place >> 2) + far / 4] >> (place & 3) & 1;
    }
};

template <class T, bool UNITS, int WARPS, int M, int C, int D, bool DROP>
HR_DEVICE void flash_attention(
    HR_FLASH_PLACE(const T, query), HR_FLASH_PLACE(const T, key), HR_FLASH_PLACE(const T, value), HR_FLASH_PLACE(T, mixed), float *most,
    float *share, HR_FLASH_SIZES, HR_FLASH_MASK) {
    constexpr int STRIDE = tile_of<T, D>::stride, OWN = 16 * M * WARPS, N = C / 8;
    HR_DYNAMIC_SHARED(T, memory);
    T *own = memory, *key_tile = own + OWN * STRIDE, *value_tile = key_tile + C * STRIDE;
    typedef kept_weights<16 * M, C> kept_tile;
    kept_tile kept = {reinterpret_cast<unsigned char *>(value_tile + C * STRIDE) + (int)threadIdx.x / 32 * kept_tile::BYTES};
    // The last rows have the most to do where a mask is causal: they come first.
    long long matrix = blockIdx.x % matrices, batch = matrix / heads, head = matrix % heads;
    int count = (keys + C - 1) / C, tile = (rows + OWN - 1) / OWN - 1 - (int)(blockIdx.x / matrices), first = tile * OWN;
    const unsigned char *kinds = tiles ? tiles + (long long)tile * count : nullptr;
    flash_scores scores = HR_FLASH_SCORES;
    HR_LANES;
    int own_row = 16 * M * warp, row = first + own_row + g;

    const T *key_at = HR_AT(key), *value_at = HR_AT(value);
    int j = next_tile(kinds, -1, count);
    load_tile<T, 32 * WARPS, OWN, D>(own, HR_AT(query) + first * query_row, query_row, rows - first, depth, wide);
    if (j < count) load_tile<T, 32 * WARPS, C, D>(key_tile, key_at + (long long)j * C * key_row, key_row, keys - j * C, depth, wide);

    float sum[M][D / 8][4] = {}, largest[M][2], total[M][2] = {};
#pragma unroll
    for (int r = 0; r < 2 * M; r++) largest[r / 2][r % 2] = -HR_INFINITY;
    while (j < count) {
        await_copies();
        __syncthreads();
        load_tile<T, 32 * WARPS, C, D>(
            value_tile, value_at + (long long)j * C * value_row, value_row, keys - j * C, width, wide);
        long long number = (matrix * rows + first + own_row) * keys + j * C;
        if (DROP) kept.draw(chance, number, keys);
        float s[M][N][4] = {};
        row_products<T, UNITS, D, M, N>::add(s, own + own_row * STRIDE, key_tile);
        bool masked = scores.mask && (!kinds || kinds[j] == 2);
        float unit = scores.take<false>(s, masked, row, j * C + 2 * t);
        if ((j + 1) * C > keys) {
#pragma unroll
            for (int i = 0; i < 4 * M * N; i++) {
                int n = i / 4 % N;
                if (j * C + 8 * n + 2 * t + i % 2 >= keys) s[i / 4 / N][n][i % 4] = -HR_INFINITY;
            }
        }
#pragma unroll
        for (int r = 0; r < 2 * M; r++) {
            int m = r / 2, h = r % 2;
            float best = -HR_INFINITY;
#pragma unroll
            for (int i = 0; i < 2 * N; i++) best = fmaxf(best, s[m][i / 2][2 * h + i % 2]);
            best = fmaxf(largest[m][h], best * unit);
            best = fmaxf(best, __shfl_xor_sync(HR_ALL_LANES, best, 1));
            best = fmaxf(best, __shfl_xor_sync(HR_ALL_LANES, best, 2));
            // Nothing was visible yet: nothing is to be corrected.
            float shift = best == -HR_INFINITY ? 0.0f : best;
            float before = exponential<T>(largest[m][h] - shift), part = 0;
            largest[m][h] = best;
#pragma unroll
            for (int i = 0; i < 2 * N; i++) {
                float weight = exponential<T>(s[m][i / 2][2 * h + i % 2] * unit - shift);
                s[m][i / 2][2 * h + i % 2] = weight;
                part += weight;
            }
            total[m][h] = total[m][h] * before + part;
#pragma unroll
            for (int i = 0; i < D / 4; i++) sum[m][i / 2][2 * h + i % 2] *= before;
        }
        await_copies();
        __syncthreads();
        j = next_tile(kinds, j, count);
        if (j < count) {
            load_tile<T, 32 * WARPS, C, D>(key_tile, key_at + (long long)j * C * key_row, key_row, keys - j * C, depth, wide);
        }
        if (DROP) {
#pragma unroll
            for (int i = 0; i < 4 * M * N; i++) {
                int m = i / 4 / N, n = i / 4 % N;
                if (!kept.kept((int)number, keys, 16 * m + i % 4 / 2 * 8 + g, 2 * t + i % 2, 8 * n)) s[m][n][i % 4] = 0;
            }
        }
        weight_products<T, UNITS, D, M, N>::add(sum, s, value_tile);
    }
    await_copies();
    __syncthreads();
#pragma unroll
    for (int m = 0; m < M; m++) {
        float part[2];
#pragma unroll
        for (int h = 0; h < 2; h++) {
            int place = row + 16 * m + 8 * h;
            part[h] = 1 / warp_reduce<plus>(total[m][h], 4);
            if (t == 0 && place < rows) {
                most[matrix * rows + place] = largest[m][h];
                share[matrix * rows + place] = part[h];
            }
            if (DROP) part[h] *= float_of_bits(chance[8]);
        }
        int start = first + own_row + 16 * m;
        store_rows<T, D>(
            HR_AT(mixed) + start * mixed_row, mixed_row, own + (own_row + 16 * m) * STRIDE, sum[m], part[0], part[1],
            rows - start, width, wide);
    }
}

// What each query's slopes are taken against: its row of dy times its row of the result. A warp has a row.
template <class T>
HR_DEVICE void flash_levels(
    HR_FLASH_PLACE(const T, dy), HR_FLASH_PLACE(const T, mixed), float *level, int heads, long long matrices, int rows, int width) {
    long long step = (long long)gridDim.x * (blockDim.x / 32);
    for (long long r = (long long)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; r < matrices * rows; r += step) {
        long long matrix = r / rows, row = r % rows, batch = matrix / heads, head = matrix % heads;
        const T *x = HR_AT(dy) + row * dy_row, *y = HR_AT(mixed) + row * mixed_row;
        float sum = 0;
        for (int i = lane_of_warp(); i < width; i += 32) sum += (float)x[i] * (float)y[i];
        sum = warp_sum(sum);
        if (lane_of_warp() == 0) level[r] = sum;
    }
}

// Whether tiles of the other side are loaded while those before them are used: where 64 KiB hold both, and BITS of what is kept.
template <class T, int OWN, int C, int D, int BITS> struct flash_stages {
    enum : int {
        row = tile_of<T, D>::stride * (int)sizeof(T),
        count = 2 * OWN * row + 2 * (2 * C * row + 12 * C) + BITS <= 65536 ? 2 : 1
    };
};

// What a launch computes: the gradient of queries by tiles of these, or by tiles of keys that of keys and values, or of one of
// them alone, where a thread has not the registers for both.
enum flash_gradients : int { OF_QUERIES, OF_KEYS_AND_VALUES, OF_KEYS, OF_VALUES };

// `first` is the gradient of queries or keys, `second` that of values.
template <class T, bool UNITS, int WARPS, int M, int C, int D, bool DROP, flash_gradients WHAT>
HR_DEVICE void flash_attention_gradient(
    HR_FLASH_PLACE(const T, query), HR_FLASH_PLACE(const T, key), HR_FLASH_PLACE(const T, value), HR_FLASH_PLACE(const T, dy),
    HR_FLASH_PLACE(T, first), HR_FLASH_PLACE(T, second), const float *most, const float *share, const float *level,
    HR_FLASH_SIZES, HR_FLASH_MASK) {
    constexpr int STRIDE = tile_of<T, D>::stride, OWN = 16 * M * WARPS, N = C / 8;
    constexpr bool BY_KEYS = WHAT != OF_QUERIES, FIRST = WHAT != OF_VALUES, SECOND = BY_KEYS && WHAT != OF_KEYS;
    typedef kept_weights<BY_KEYS ? C : 16 * M, BY_KEYS ? 16 * M : C> kept_tile;
    constexpr int STAGES = flash_stages<T, OWN, C, D, DROP ? WARPS * kept_tile::BYTES : 0>::count;
    HR_DYNAMIC_SHARED(T, memory);
    // Beside keys lie values, beside queries dy: the first give scores, the second slopes.
    T *own_left = memory, *own_right = own_left + OWN * STRIDE, *others = own_right + OWN * STRIDE;
    float *numbers = reinterpret_cast<float *>(others + 2 * STAGES * C * STRIDE);
    kept_tile kept = {reinterpret_cast<unsigned char *>(numbers + 3 * STAGES * C) + (int)threadIdx.x / 32 * kept_tile::BYTES};
    int own_rows = BY_KEYS ? keys : rows, other_rows = BY_KEYS ? rows : keys, count = (other_rows + C - 1) / C;
    long long matrix = blockIdx.x % matrices, batch = matrix / heads, head = matrix % heads;
    int tile = (int)(blockIdx.x / matrices);
    if (!BY_KEYS) tile = (rows + OWN - 1) / OWN - 1 - tile;
    int start = tile * OWN;
    const unsigned char *kinds = tiles ? tiles + (long long)tile * count : nullptr;
    flash_scores scores = HR_FLASH_SCORES;
    HR_LANES;
    int own_row = 16 * M * warp, place = start + own_row + g;

    const T *left = BY_KEYS ? HR_AT(query) : HR_AT(key), *right = BY_KEYS ? HR_AT(dy) : HR_AT(value);
    const T *left_own = BY_KEYS ? HR_AT(key) : HR_AT(query), *right_own = BY_KEYS ? HR_AT(value) : HR_AT(dy);
    long long left_row = BY_KEYS ? query_row : key_row, right_row = BY_KEYS ? dy_row : value_row;
    long long left_own_row = BY_KEYS ? key_row : query_row, right_own_row = BY_KEYS ? value_row : dy_row;
    auto load = [&](int j, int stage) {
        T *to = others + 2 * stage * C * STRIDE;
        long long from = (long long)j * C;
        load_tile<T, 32 * WARPS, C, D>(to, left + from * left_row, left_row, other_rows - j * C, depth, wide);
        load_tile<T, 32 * WARPS, C, D>(to + C * STRIDE, right + from * right_row, right_row, other_rows - j * C, width, wide);
        if (BY_KEYS) {
            for (int i = (int)threadIdx.x; i < 3 * C; i += (int)blockDim.x) {
                const float *each = i < C ? most : i < 2 * C ? share : level;
                bool there = from + i % C < rows;
                copy_later<4>(shared_address(numbers + 3 * stage * C + i), there ? each + matrix * rows + from + i % C : each, there);
            }
        }
    };

    int j = next_tile(kinds, -1, count), stage = 0;
    load_tile<T, 32 * WARPS, OWN, D>(own_left, left_own + start * left_own_row, left_own_row, own_rows - start, depth, wide);
    load_tile<T, 32 * WARPS, OWN, D>(own_right, right_own + start * right_own_row, right_own_row, own_rows - start, width, wide);
    if (j < count) load(j, 0);
    float own_most[M][2], own_share[M][2], own_level[M][2];
    if (!BY_KEYS) {
#pragma unroll
        for (int r = 0; r < 2 * M; r++) {
            bool there = place + 8 * r < rows;
            long long at = there ? matrix * rows + place + 8 * r : 0;
            own_most[r / 2][r % 2] = there ? most[at] : 0;
            own_share[r / 2][r % 2] = there ? share[at] : 0;
            own_level[r / 2][r % 2] = there ? level[at] : 0;
        }
    }

    float first_sum[FIRST ? M : 1][FIRST ? D / 8 : 1][4] = {}, second_sum[SECOND ? M : 1][SECOND ? D / 8 : 1][4] = {};
    while (j < count) {
        await_copies();
        __syncthreads();
        int after = next_tile(kinds, j, count);
        if (STAGES == 2 && after < count) load(after, 1 - stage);
        const T *left_tile = others + 2 * stage * C * STRIDE, *right_tile = left_tile + C * STRIDE;
        const float *column = numbers + 3 * stage * C;
        int first_row = BY_KEYS ? j * C : start + own_row, first_key = BY_KEYS ? start + own_row : j * C;
        long long number = (matrix * rows + first_row) * keys + first_key;
        if (DROP) kept.draw(chance, number, keys);
        float factor_of_kept = DROP ? float_of_bits(chance[8]) : 1;
        int phase = (int)number & 3;
        float weights[M][N][4] = {}, slopes[M][N][4] = {};
        row_products<T, UNITS, D, M, N>::add(weights, own_left + own_row * STRIDE, left_tile);
        if (FIRST) row_products<T, UNITS, D, M, N>::add(slopes, own_right + own_row * STRIDE, right_tile);
        int other = j * C + 2 * t;
        bool masked = scores.mask && (!kinds || kinds[j] == 2);
        float unit = scores.take<BY_KEYS>(weights, masked, BY_KEYS ? other : place, BY_KEYS ? place : other);
#pragma unroll
        for (int i = 0; i < 4 * M * N; i++) {
            int m = i / 4 / N, n = i / 4 % N, c = 8 * n + 2 * t + i % 2;
            float &weight = weights[m][n][i % 4], &slope = slopes[m][n][i % 4];
            float top = BY_KEYS ? column[c] : own_most[m][i % 4 / 2];
            float part = BY_KEYS ? column[C + c] : own_share[m][i % 4 / 2];
            float base = BY_KEYS ? column[2 * C + c] : own_level[m][i % 4 / 2];
            weight = exponential<T>(weight * unit - top) * part;
            if (!BY_KEYS && j * C + c >= keys) weight = 0;
            float given = slope;
            bool stays = true;
            if (DROP) {
                int r = 16 * m + i % 4 / 2 * 8;
                stays = BY_KEYS ? kept.kept(phase, keys, c, g, r) : kept.kept(phase, keys, r + g, c - 8 * n, 8 * n);
                given = stays ? given * factor_of_kept : 0;
            }
            slope = top == scores.hidden ? 0 : (given - base) * weight * scores.scale;
            if (DROP) weight = stays ? weight * factor_of_kept : 0;
        }
        if constexpr (SECOND) weight_products<T, UNITS, D, M, N>::add(second_sum, weights, right_tile);
        if constexpr (FIRST) weight_products<T, UNITS, D, M, N>::add(first_sum, slopes, left_tile);
        if (STAGES == 2) {
            stage = 1 - stage;
        } else {
            __syncthreads();
            if (after < count) load(after, 0);
        }
        j = after;
    }
    await_copies();
    __syncthreads();
#pragma unroll
    for (int m = 0; m < M; m++) {
        int from = start + own_row + 16 * m, left_rows = own_rows - from;
        T *room = own_left + (own_row + 16 * m) * STRIDE;
        if constexpr (FIRST) {
            store_rows<T, D>(
                HR_AT(first) + from * first_row, first_row, room, first_sum[m], 1, 1, left_rows, depth, wide);
        }
        if constexpr (SECOND) {
            store_rows<T, D>(
                HR_AT(second) + from * second_row, second_row, room, second_sum[m], 1, 1, left_rows, width, wide);
        }
    }
}
