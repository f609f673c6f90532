/* Dense updates: a variable and its slots in one pass over memory. */
#include "optimizers.h"

struct update {
    int64_t count, chunk, option;
    void *arrays[4];
    const void *gradient;
    const void *numbers[8];
};

#define UPDATE(name, type, suffix)                                                                                    \
    static void apply_##name##_##suffix(const void *arguments, int64_t chunk, hr_context *context) {                  \
        const struct update *u = arguments;                                                                           \
        hr_range r = hr_chunk(u->count, u->chunk, chunk);                                                             \
        type *arrays[4];                                                                                              \
        (void)context;                                                                                                \
        for (int i = 0; i < 4; i++) arrays[i] = u->arrays[i] ? (type *)u->arrays[i] + r.begin : 0;                    \
        hr_##name##_##suffix(r.end - r.begin, arrays, (const type *)u->gradient + r.begin,                            \
                             (const type *const *)u->numbers, u->option);                                             \
    }
#define ALL(EACH)                                                                                                     \
    EACH(gradient_descent) EACH(momentum) EACH(keras_momentum) EACH(adagrad) EACH(adagrad_v2) EACH(adagrad_da)        \
    EACH(adadelta) EACH(adam) EACH(adam_amsgrad) EACH(ada_max) EACH(rms_prop) EACH(centered_rms_prop) EACH(ftrl)      \
    EACH(ftrl_v2) EACH(proximal_gradient_descent) EACH(proximal_adagrad) EACH(add_sign) EACH(power_sign)

#define BOTH(name) UPDATE(name, float, f32) UPDATE(name, double, f64)
ALL(BOTH)

#define ENTRIES(name) HR_ENTRY(apply_##name##_f32, struct update) HR_ENTRY(apply_##name##_f64, struct update)
HR_TABLE(optimizers)
ALL(ENTRIES)
HR_END
