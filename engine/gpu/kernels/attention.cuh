// What is done to scores between the products of attention: softmax forwards, the slopes of the scores backwards. A warp or a
// block has a row of `keys` scores; row r of the launch is row r % rows of matrix r / rows.

// Where a mask's numbers lie: by matrix, row and key, 0 where one serves all; what is dropped, by the number of a weight among
// those of all matrices of `all_rows`, of which those of the launch begin with row `first`.
template <class T> struct score_mask {
    const T *mask;
    long long matrix_step, row_step, key_step;
    T scale, factor, hidden;
    const unsigned *chance;
    long long first, all_rows;

    __device__ __forceinline__ T score(T product, long long matrix, long long row, int key) const {
        T scaled = product * scale;
        if (!mask) return scaled;
        T score = scaled + mask[matrix * matrix_step + row * row_step + key * key_step] * factor;
        return score < hidden ? hidden : score;
    }

    // What a weight is multiplied by before the values are.
    __device__ __forceinline__ T kept(long long matrix, long long row, int keys, int key) const {
        if (!chance) return 1;
        long long number = (first + matrix * all_rows + row) * keys + key;
        random_words drawn = stream_at(chance).block(number >> 2);
        int word = (int)(number & 3);
        unsigned low = word & 1 ? drawn.word[1] : drawn.word[0], high = word & 1 ? drawn.word[3] : drawn.word[2];
        return ((word & 2 ? high : low) & chance[6]) >= chance[7] ? (T)float_of_bits(chance[8]) : (T)0;
    }
};

#define HR_MASK_PARAMETERS                                                                                         \
    const T *mask, long long matrix_step, long long row_step, long long key_step, double scale, double factor,      \
        double hidden, const unsigned *chance, long long first, long long all_rows
#define HR_MASK                                                                                                     \
    score_mask<T> own = {mask, matrix_step, row_step, key_step, T(scale), T(factor), T(hidden), chance, first, all_rows}

#define HR_SCORE_ROWS                                                                                        \
    int lane = BLOCK ? threadIdx.x : threadIdx.x % 32, lanes = BLOCK ? blockDim.x : 32;                      \
    long long step = BLOCK ? gridDim.x : (long long)gridDim.x * (blockDim.x / 32);                           \
    long long start = BLOCK ? blockIdx.x : (long long)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;     \
    for (long long r = start; r < matrices * rows; r += step)

// Replaces scores by their weights; `most` and `share`, whose matrices lie `kept_step` apart, say how.
template <class T, bool BLOCK>
HR_DEVICE void attention_weights(
    T *scores, T *most, T *share, long long kept_step, long long matrices, long long rows, int keys, HR_MASK_PARAMETERS) {
    HR_MASK;
    HR_SCORE_ROWS {
        long long matrix = r / rows, row = r % rows;
        T *from = scores + r * keys;
        T largest = -HR_INFINITY, total = 0;
        for (int i = lane; i < keys; i += lanes) {
            from[i] = own.score(from[i], matrix, row, i);
            largest = maximum(largest, from[i]);
        }
        largest = BLOCK ? block_max(largest) : warp_max(largest);
        for (int i = lane; i < keys; i += lanes) {
            from[i] = exp(from[i] - largest);
            total += from[i];
        }
        T part = 1 / (BLOCK ? block_sum(total) : warp_sum(total));
        for (int i = lane; i < keys; i += lanes) from[i] *= part * own.kept(matrix, row, keys, i);
        if (lane == 0) {
            most[matrix * kept_step + row] = largest;
            share[matrix * kept_step + row] = part;
        }
    }
}

// Replaces scores by their weights, and what came back to these by the slopes of the products: dy and mixed, of `width`
// numbers a row, are what the rows gave.
template <class T, bool BLOCK>
HR_DEVICE void attention_slopes(
    T *scores, T *slopes, const T *dy, long long dy_matrix, long long dy_row, const T *mixed, long long mixed_matrix,
    long long mixed_row, int width, const T *most, const T *share, long long kept_step, long long matrices,
    long long rows, int keys, HR_MASK_PARAMETERS) {
    HR_MASK;
    HR_SCORE_ROWS {
        long long matrix = r / rows, row = r % rows;
        T level = 0, largest = most[matrix * kept_step + row], part = share[matrix * kept_step + row];
        for (int i = lane; i < width; i += lanes)
            level += dy[matrix * dy_matrix + row * dy_row + i] * mixed[matrix * mixed_matrix + row * mixed_row + i];
        level = BLOCK ? block_sum(level) : warp_sum(level);
        for (int i = lane; i < keys; i += lanes) {
            long long place = r * keys + i;
            T weight = exp(own.score(scores[place], matrix, row, i) - largest) * part;
            T kept = own.kept(matrix, row, keys, i), slope = kept == 0 ? -level : slopes[place] * kept - level;
            scores[place] = weight * kept;
            slopes[place] = largest == own.hidden ? T(0) : slope * weight * own.scale;
        }
    }
}
