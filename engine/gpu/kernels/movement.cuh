/* Copies between strided arrays, and arrays made of few numbers. Elements are bytes of their size here. */

struct alignas(16) copied_16 {
    unsigned long long low, high;
};

#define HR_COPY_RANK 6

/* Axes, the innermost first: sizes, and the steps of what is written and what is read, in elements. */
struct copy_axes {
    long long sizes[HR_COPY_RANK], to[HR_COPY_RANK], from[HR_COPY_RANK];
};

template <class Index> HR_DEVICE void copy_places(
    const copy_axes& axes, int rank, Index number, long long& to, long long& from) {
#pragma unroll
    for (int axis = 0; axis < HR_COPY_RANK; axis++) {
        if (axis < rank) {
            Index size = (Index)axes.sizes[axis], rest = axis + 1 < rank ? number % size : number;
            number /= size;
            to += (long long)rest * axes.to[axis];
            from += (long long)rest * axes.from[axis];
        }
    }
}

template <class T, class Index> HR_DEVICE void copy_strided(
    const int* error, T* out, const T* in, Index count, int rank, copy_axes axes) {
    if (failed(error)) return;
    HR_EACH(i, count) {
        long long to = 0, from = 0;
        copy_places(axes, rank, i, to, from);
        out[to] = in[from];
    }
}

/* A copy among several that one launch does: `first` is the first block that works on it. */
struct copy_piece {
    unsigned long long out, in;
    long long count, first, rank;
    copy_axes axes;
};
#define HR_COPY_BLOCK 2048

template <class T> HR_DEVICE void copy_pieces(const copy_piece* pieces, int count) {
    int low = 0, high = count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (pieces[middle].first <= (long long)blockIdx.x) low = middle;
        else high = middle - 1;
    }
    const copy_piece& piece = pieces[low];
    const copy_axes axes = piece.axes;
    T* out = HR_ALIGNED(reinterpret_cast<T*>(piece.out), T);
    const T* in = HR_ALIGNED(reinterpret_cast<const T*>(piece.in), T);
    long long begin = ((long long)blockIdx.x - piece.first) * HR_COPY_BLOCK, end = piece.count;
    if (end > begin + HR_COPY_BLOCK) end = begin + HR_COPY_BLOCK;
    for (long long i = begin + (long long)threadIdx.x; i < end; i += (long long)blockDim.x) {
        long long to = 0, from = 0;
        copy_places(axes, (int)piece.rank, (unsigned long long)i, to, from);
        out[to] = in[from];
    }
}

/* Matrices whose lines lie across each other: rows of `out` are columns of `in`. Both are read and written along lines, by
   way of tiles in shared memory. Blocks of 32 by 8 threads. */
template <class T> HR_DEVICE void copy_turned(
    const int* error, T* out, const T* in, long long width, long long height, long long out_step, long long in_step,
    long long matrices, int rank, copy_axes axes) {
    __shared__ T tile[32][33];
    __shared__ bool stop;
    if (thread_of_block() == 0) stop = failed(error);
    __syncthreads();
    if (stop) return;
    long long across = (width + 31) / 32, down = (height + 31) / 32;
    for (long long block = blockIdx.x; block < across * down * matrices; block += gridDim.x) {
        long long matrix = block / (across * down), place = block % (across * down), to = 0, from = 0;
        long long left = place % across * 32, top = place / across * 32;
        copy_places(axes, rank, (unsigned long long)matrix, to, from);
        for (int i = (int)threadIdx.y; i < 32; i += 8) {
            long long x = left + i, y = top + threadIdx.x;
            if (x < width && y < height) tile[i][threadIdx.x] = in[from + x * in_step + y];
        }
        __syncthreads();
        for (int i = (int)threadIdx.y; i < 32; i += 8) {
            long long x = left + threadIdx.x, y = top + i;
            if (x < width && y < height) out[to + y * out_step + x] = tile[threadIdx.x][i];
        }
        __syncthreads();
    }
}

/* `count` bytes of a pattern of 16; `out` is aligned to 16 bytes if `aligned`. */
HR_DEVICE void fill_pattern(unsigned char* out, long long count, unsigned long long low, unsigned long long high, int aligned) {
    long long packs = aligned ? count / 16 : 0;
    HR_EACH(i, packs) reinterpret_cast<copied_16*>(out)[i] = {low, high};
    HR_EACH(j, count - packs * 16) {
        long long k = packs * 16 + j;
        out[k] = (unsigned char)((k & 8 ? high : low) >> (8 * (k & 7)));
    }
}

/* [outer, depth, inner] with `on` where the index at [outer, inner] is the place, `off` elsewhere. */
template <class T, class Place> HR_DEVICE void one_hot(
    T* out, const Place* places, const T* on, const T* off, long long count, long long depth, long long inner) {
    const T yes = *on, no = *off;
    HR_EACH(i, count) {
        unsigned long long row = (unsigned long long)i / (unsigned long long)inner;
        long long column = i - (long long)row * inner;
        long long outer = (long long)(row / (unsigned long long)depth), place = (long long)row - outer * depth;
        out[i] = (long long)places[outer * inner + column] == place ? yes : no;
    }
}

/* Matrices with zeros outside a band; a negative width keeps that side. */
template <class T> HR_DEVICE void band_part(
    T* out, const T* in, long long count, long long rows, long long columns, long long lower, long long upper) {
    HR_EACH(i, count) {
        long long line = i / columns, above = i - line * columns - line % rows;
        bool kept = (lower < 0 || -above <= lower) && (upper < 0 || above <= upper);
        out[i] = kept ? in[i] : T();
    }
}

/* [batch, length, inner], by steps in elements: the first lengths[b] elements along `length` backwards. */
template <class T, class Length> HR_DEVICE void reverse_sequence(
    int* error, int step, T* out, const T* in, const Length* lengths, long long count, int rank, copy_axes axes, int batch,
    int sequence) {
    HR_EACH(i, count) {
        long long places[HR_COPY_RANK] = {0}, to = 0, from = 0, rest = i;
#pragma unroll
        for (int axis = 0; axis < HR_COPY_RANK; axis++) {
            if (axis < rank) {
                places[axis] = axis + 1 < rank ? rest % axes.sizes[axis] : rest;
                rest /= axes.sizes[axis];
            }
        }
        long long length = 0, place = 0, size = 0;
#pragma unroll
        for (int axis = 0; axis < HR_COPY_RANK; axis++) {
            if (axis == batch) length = (long long)lengths[places[axis]];
            if (axis == sequence) place = places[axis], size = axes.sizes[axis];
        }
        if (length < 0 || length > size) {
            fail(error, step);
            continue;
        }
#pragma unroll
        for (int axis = 0; axis < HR_COPY_RANK; axis++) {
            if (axis < rank) {
                to += places[axis] * axes.to[axis];
                from += (axis == sequence && place < length ? length - 1 - place : places[axis]) * axes.from[axis];
            }
        }
        out[to] = in[from];
    }
}
