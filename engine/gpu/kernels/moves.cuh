/* Arrays that change their places from run to run, to and from places that stay: all that a program takes or gives, in one launch. */

/* `fixed` has an address and a number of bytes for each array, `table` the other address; where that is 0 nothing is moved. */
template <class Unit> HR_DEVICE void move_units(char* out, const char* in, long long count) {
    HR_EACH(i, count) ((Unit*)out)[i] = ((const Unit*)in)[i];
}

template <bool taken> HR_DEVICE void move_values(const long long* table, const long long* fixed) {
    const char* there = (const char*)table[blockIdx.y];
    if (!there) return;
    const char* here = (const char*)fixed[2 * blockIdx.y];
    long long nbytes = fixed[2 * blockIdx.y + 1];
    char* out = (char*)(taken ? here : there);
    const char* in = taken ? there : here;
    unsigned long long all = (unsigned long long)here | (unsigned long long)there | (unsigned long long)nbytes;
    if (all % 16 == 0)
        move_units<copied_16>(out, in, nbytes / 16);
    else if (all % 4 == 0)
        move_units<int>(out, in, nbytes / 4);
    else
        move_units<unsigned char>(out, in, nbytes);
}
