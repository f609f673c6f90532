// Optimizer updates: one launch for all variables of a step. The steps themselves are generated.

struct Update {
    void *variables[4];
    const void *gradient;
    const void *numbers[8];
    long long size;
    // The first block that works on it.
    long long first;
};

// Elements of a block.
#define HR_UPDATE_BLOCK 2048

// The update that a block works on.
__device__ inline const Update *update_of_block(const Update *table, int count, long long block) {
    int low = 0, high = count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (table[middle].first <= block) low = middle;
        else high = middle - 1;
    }
    return table + low;
}
