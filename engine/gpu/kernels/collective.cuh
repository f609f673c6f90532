/* The arrays of a bucket of gradients, all in one launch. */

struct Piece {
    const void* from;
    void* to;
    long long size;
    /* The first block that works on it. */
    long long first;
};

/* Elements of a block. */
#define HR_PIECE_BLOCK 2048

/* Copies times `*share`, in another type if need be; without a share as they are. A share of 0 gives zeros whatever there is. */
template <class T, class U> HR_DEVICE void scale_pieces(const Piece* table, int count, const double* share) {
    int low = 0, high = count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (table[middle].first <= (long long)blockIdx.x) low = middle;
        else high = middle - 1;
    }
    const Piece* own = table + low;
    const T* from = (const T*)own->from;
    U* to = (U*)own->to;
    const wide_t<T> scale = share ? (wide_t<T>)*share : wide_t<T>(1);
    const long long start = ((long long)blockIdx.x - own->first) * HR_PIECE_BLOCK;
    const long long stop = own->size - start < HR_PIECE_BLOCK ? own->size : start + HR_PIECE_BLOCK;
    for (long long i = start + (long long)threadIdx.x; i < stop; i += blockDim.x)
        to[i] = U(scale == wide_t<T>(0) ? wide_t<T>(0) : (wide_t<T>)from[i] * scale);
}
