/* What generated element-wise kernels use. */

/* Neighbouring elements, loaded and stored at once. */
template <class T, int COUNT> struct alignas(sizeof(T) * COUNT > 16 ? 16 : sizeof(T) * COUNT) pack {
    T at[COUNT];
};

template <class T, int COUNT> HR_DEVICE const pack<T, COUNT>& pack_at(const T* place) {
    typedef pack<T, COUNT> packed;
    return *reinterpret_cast<const packed*>(HR_ALIGNED(place, packed));
}

template <class T, int COUNT> HR_DEVICE pack<T, COUNT>& pack_at(T* place) {
    typedef pack<T, COUNT> packed;
    return *reinterpret_cast<packed*>(HR_ALIGNED(place, packed));
}

/* Integers divided towards zero; nothing is 0 divided by 0, the least number by -1 is itself. */
template <class T> HR_DEVICE T c_div(T x, T y) {
    if (y == T(0)) return T(0);
    if (type_of<T>::is_signed && y == T(-1)) return T(0ull - (unsigned long long)x);
    return T(x / y);
}

