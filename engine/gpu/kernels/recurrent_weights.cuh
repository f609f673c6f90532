// Weights of an LSTM between [size + units, 4 units], with gates i, c, f, o side by side, and those of a library. There each
// gate has a matrix [units, size] and one [units, units], which begin at places[0] to places[3] and places[4] to places[7],
// and two biases at places[8] to places[11] and places[12] to places[15], counted in elements.

template <class T> HR_DEVICE T *gate_element(T *weights, const long long *places, int row, int column, int size, int units) {
    int gate = column / units;
    long long unit = column - gate * units;
    if (row < size) return weights + places[gate] + unit * size + row;
    return weights + places[4 + gate] + unit * units + (row - size);
}

// Blocks of 32 by 8 threads, a tile of 32 by 32 each. BACK: from the library's.
template <class T, bool BACK>
HR_DEVICE void gate_matrices(T *w, T *weights, const long long *places, int size, int units) {
    __shared__ T tile[32][33];
    int rows = size + units, columns = 4 * units, across = (columns + 31) / 32, x = (int)threadIdx.x;
    int row = (int)blockIdx.x / across * 32, column = (int)blockIdx.x % across * 32;
    for (int i = (int)threadIdx.y; i < 32; i += 8) {
        if (!BACK && row + i < rows && column + x < columns) tile[i][x] = w[(long long)(row + i) * columns + column + x];
        if (BACK && row + x < rows && column + i < columns)
            tile[x][i] = *gate_element(weights, places, row + x, column + i, size, units);
    }
    __syncthreads();
    for (int i = (int)threadIdx.y; i < 32; i += 8) {
        if (BACK && row + i < rows && column + x < columns) w[(long long)(row + i) * columns + column + x] = tile[i][x];
        if (!BACK && row + x < rows && column + i < columns)
            *gate_element(weights, places, row + x, column + i, size, units) = tile[x][i];
    }
}

// The first bias of each gate is the layer's, the second zero.
template <class T>
HR_DEVICE void gate_biases(const T *b, T *weights, const long long *places, int units, double forget_bias) {
    HR_EACH(i, 4 * units) {
        int gate = (int)(i / units);
        long long unit = i - gate * units;
        weights[places[8 + gate] + unit] = gate == 2 ? b[i] + T(forget_bias) : b[i];
        weights[places[12 + gate] + unit] = 0;
    }
}

template <class T>
HR_DEVICE void gate_biases_back(T *b, const T *weights, const long long *places, int units) {
    HR_EACH(i, 4 * units) {
        int gate = (int)(i / units);
        b[i] = weights[places[8 + gate] + (i - gate * units)];
    }
}
