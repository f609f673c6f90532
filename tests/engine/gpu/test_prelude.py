"""What kernels build on, by NumPy's rules: numbers of every type, conversions, complex numbers, random bits, errors."""

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.gpu.source import Kernel
from headrace.engine.kernels.philox import philox

BFLOAT16 = ml_dtypes.bfloat16
TYPES = {
    "int8": np.int8,
    "uint8": np.uint8,
    "int16": np.int16,
    "uint16": np.uint16,
    "int": np.int32,
    "unsigned": np.uint32,
    "long long": np.int64,
    "unsigned long long": np.uint64,
    "half": np.float16,
    "bfloat16": BFLOAT16,
    "float": np.float32,
    "double": np.float64,
}
WHOLE = [name for name, kind in TYPES.items() if np.dtype(kind).kind in "iu"]
REAL = [name for name in TYPES if name not in WHOLE]


PAIRS = {
    "maximum": (np.maximum, list(TYPES)),
    "minimum": (np.minimum, list(TYPES)),
    "floor_div": (np.floor_divide, list(TYPES)),
    "floor_mod": (np.mod, list(TYPES)),
    "c_mod": (np.fmod, [name for name in TYPES if name != "bfloat16"]),
}
SINGLES = {"sign": np.sign, "negative": np.negative, "square": np.square}


def samples(kind):
    kind = np.dtype(kind)
    if kind.kind in "iu":
        info = np.iinfo(kind)
        values = [
            0,
            1,
            2,
            3,
            7,
            info.max,
            info.max - 1,
            *([-1, -2, -3, -7, info.min, info.min + 1] * (kind.kind == "i")),
        ]
    else:
        values = [0.0, -0.0, 1, -1, 0.5, -2.5, 3, -3, 7.25, 1e4, -1e-4, np.inf, -np.inf, np.nan]
    with np.errstate(all="ignore"):
        return np.array(values).astype(kind)


def name_of(what, kind):
    return f"{what}_{kind}".replace(" ", "_")


def pair_kernel(what, kind):
    types = ((f"{kind}*", "z"), (f"const {kind}*", "x"), (f"const {kind}*", "y"), ("int", "n"))
    return Kernel(name_of(what, kind), types, f"HR_EACH(i, n) z[i] = {what}(x[i], y[i]);")


def single_kernel(what, to, kind):
    text = f"{what}(x[i])"
    types = ((f"{to}*", "z"), (f"const {kind}*", "x"), ("int", "n"))
    return Kernel(name_of(f"{what.split('<')[0]}_{to}", kind), types, f"HR_EACH(i, n) z[i] = {text};")


def run(sim, kernel, dtype, *arrays):
    places = []
    for array in arrays:
        places.append(sim.allocate(array.nbytes))
        sim.upload(places[-1], np.ascontiguousarray(array))
    result = np.empty(len(arrays[0]), dtype)
    place = sim.allocate(result.nbytes)
    function = sim.load([kernel])[kernel.name]
    sim.launch(function, (2, 1, 1), (64, 1, 1), 0, (place, *places, len(result)))()
    sim.download(result, place)
    return result


def same(result, expected):
    """Equal, or NaN in both."""
    wide = (result.astype(np.float64), expected.astype(np.float64)) if result.dtype == BFLOAT16 else (result, expected)
    np.testing.assert_array_equal(*wide)


def test_pairs_of_numbers(sim):
    kernels = [pair_kernel(what, kind) for what, (_, kinds) in PAIRS.items() for kind in kinds]
    sim.load(kernels)
    for what, (function, kinds) in PAIRS.items():
        for kind in kinds:
            x, y = (a.ravel() for a in np.meshgrid(samples(TYPES[kind]), samples(TYPES[kind])))
            with np.errstate(all="ignore"):
                expected = function(x, y)
            same(run(sim, pair_kernel(what, kind), TYPES[kind], x, y), expected)


def test_single_numbers(sim):
    sim.load([single_kernel(what, kind, kind) for what in SINGLES for kind in TYPES])
    for what, function in SINGLES.items():
        for kind, dtype in TYPES.items():
            with np.errstate(all="ignore"):
                expected = function(samples(dtype))
            same(run(sim, single_kernel(what, kind, kind), dtype, samples(dtype)), expected)


@pytest.mark.parametrize("kind", ["int", "long long", "unsigned", "uint8"])
def test_whole_powers_wrap_around(sim, kind):
    x = np.repeat(samples(TYPES[kind]), 5)
    n = np.tile(np.array([0, 1, 2, 3, 13]), len(x) // 5).astype(x.dtype)
    with np.errstate(all="ignore"):
        same(run(sim, pair_kernel("power", kind), TYPES[kind], x, n), np.power(x, n))


def test_negative_whole_powers_are_whole(sim):
    x, n = np.array([1, -1, -1, 2, 0, -5], np.int32), np.array([-3, -3, -2, -1, -1, -1], np.int32)
    assert run(sim, pair_kernel("power", "int"), np.int32, x, n).tolist() == [1, -1, 1, 0, 0, 0]


@pytest.mark.parametrize("kind", REAL)
def test_real_powers(sim, kind):
    x = np.array([0, 0.5, 2, 3, -2, np.inf, 1]).astype(TYPES[kind])
    n = np.array([0, 2, 3, -1, 3, -1, np.nan]).astype(TYPES[kind])
    same(run(sim, pair_kernel("power", kind), TYPES[kind], x, n), np.power(x, n))


def casts():
    return [(to, kind) for to in [*TYPES, "bool"] for kind in [*TYPES, "bool"]]


def test_conversions_from_every_type_to_every_other(sim):
    sim.load([single_kernel(f"cast<{to}>", to, kind) for to, kind in casts()])
    for to, kind in casts():
        x = samples(TYPES.get(kind, np.bool_))
        if kind in REAL and to in WHOLE:
            # What does not fit is not defined.
            x = np.array([0, -0.0, 1, 2.75, 100.5]).astype(x.dtype)
        wanted = np.dtype(TYPES.get(to, np.bool_))
        with np.errstate(all="ignore"):
            expected = x.astype(wanted) if wanted != BFLOAT16 else x.astype(np.float32).astype(wanted)
        same(run(sim, single_kernel(f"cast<{to}>", to, kind), wanted, x), expected)


@pytest.mark.parametrize("dtype", [np.float16, BFLOAT16], ids=["half", "bfloat16"])
def test_every_16_bit_float_goes_there_and_back(sim, dtype):
    kind = "half" if dtype == np.float16 else "bfloat16"
    x = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    wide = run(sim, single_kernel("cast<float>", "float", kind), np.float32, x)
    np.testing.assert_array_equal(wide, x.astype(np.float32))
    back = run(sim, single_kernel(f"cast<{kind}>", kind, "float"), dtype, wide)
    number = ~np.isnan(wide)
    assert (back.view(np.uint16) == x.view(np.uint16))[number].all() and np.isnan(back[~number].astype(float)).all()


def test_floats_are_rounded_to_16_bits_as_numpy_rounds(sim):
    bits = np.random.default_rng(3).integers(0, 1 << 32, 100_000, np.uint32)
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    with np.errstate(all="ignore"):
        # All that lie halfway between two halves, and their neighbours.
        halfway = (halves.astype(np.float64) * (1 + 2.0**-11)).astype(np.float32)
        x = np.concatenate([bits.view(np.float32), halfway, np.nextafter(halfway, np.float32(0))])
        same(run(sim, single_kernel("cast<half>", "half", "float"), np.float16, x), x.astype(np.float16))
        same(run(sim, single_kernel("cast<bfloat16>", "bfloat16", "float"), BFLOAT16, x), x.astype(BFLOAT16))
        y = np.concatenate([x.astype(np.float64) * (1 + 2.0**-40), x.astype(np.float64) * (1 - 2.0**-40)])
        same(run(sim, single_kernel("cast<half>", "half", "double"), np.float16, y), y.astype(np.float16))


COMPLEX = {
    "x[i] + y[i]": np.add,
    "x[i] - y[i]": np.subtract,
    "x[i] * y[i]": np.multiply,
    "x[i] / y[i]": np.divide,
    "conj(x[i]) - -y[i]": lambda x, y: x.conj() + y,
    "exp(x[i])": lambda x, y: np.exp(x),
    "log(x[i])": lambda x, y: np.log(x),
    "sqrt(x[i])": lambda x, y: np.sqrt(x),
    "abs(x[i])": lambda x, y: abs(x) + 0j,
}


@pytest.mark.parametrize("kind", ["complex64", "complex128"])
def test_complex_numbers(sim, kind):
    rng = np.random.default_rng(4)
    x, y = (rng.normal(size=(2, 30, 2)) @ [1, 1j]).astype(kind)
    types = ((f"{kind}*", "z"), (f"const {kind}*", "x"), (f"const {kind}*", "y"), ("int", "n"))
    kernels = [Kernel(f"{kind}_{i}", types, f"HR_EACH(i, n) z[i] = {text};") for i, text in enumerate(COMPLEX)]
    sim.load(kernels)
    for kernel, function in zip(kernels, COMPLEX.values(), strict=True):
        tolerance = 30 * np.finfo(kind).eps
        np.testing.assert_allclose(run(sim, kernel, kind, x, y), function(x, y), rtol=tolerance, atol=tolerance)


FUNCTIONS = (
    "exp log sqrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arctanh log1p expm1 floor ceil rint trunc fabs "
    "cbrt log2 exp2 log10 isnan isinf isfinite"
).split()
IN_C = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arctanh": "atanh"}


@pytest.mark.parametrize("kind", ["half", "float", "double"])
def test_functions_have_one_name_for_all_floats(sim, kind):
    dtype = TYPES[kind]
    x = np.array([0.3, 0.7, -0.4, 0.0, np.inf, np.nan]).astype(dtype)
    kernels = {name: single_kernel(IN_C.get(name, name), kind, kind) for name in FUNCTIONS}
    sim.load(list(kernels.values()))
    for name, kernel in kernels.items():
        with np.errstate(all="ignore"):
            expected = getattr(np, name)(x).astype(dtype)
        np.testing.assert_allclose(run(sim, kernel, dtype, x), expected, rtol=8 * float(ml_dtypes.finfo(dtype).eps))


@pytest.mark.parametrize("offset", [0, 5, 2**40])
def test_random_bits_are_the_processors(sim, offset):
    key, counter = (123, 456), (0xFFFFFFFE, 0xFFFFFFFF, 7, 8)
    body = "HR_EACH(i, n) z[i] = philox(k[0], k[1], k[2], offset + i / 4).word[i % 4];"
    types = (("unsigned*", "z"), ("const unsigned long long*", "k"), ("int", "n"), ("long long", "offset"))
    kernel = Kernel("random_words_of_a_stream", types, body)
    words = np.array([123 | 456 << 32, 0xFFFFFFFE | 0xFFFFFFFF << 32, 7 | 8 << 32], np.uint64)
    places = sim.allocate(400), sim.allocate(24)
    sim.upload(places[1], words)
    sim.launch(sim.load([kernel])[kernel.name], (1, 1, 1), (32, 1, 1), 0, (*places, 100, offset))()
    result = np.empty(100, np.uint32)
    sim.download(result, places[0])
    start = sum(word << 32 * i for i, word in enumerate(counter)) + offset
    moved = tuple(start >> 32 * i & 0xFFFFFFFF for i in range(4))
    assert (result.reshape(-1, 4) == philox(key, moved, 25)).all()


def test_the_first_step_that_fails_is_kept(ordered_sim):
    body = "HR_EACH(i, n) { if (!failed(error)) done[0] = 1; if (i == 70) fail(error, step); fail(nullptr, step); }"
    kernel = Kernel("failing", (("int*", "error"), ("int*", "done"), ("int", "step"), ("int", "n")), body)
    error, done = ordered_sim.allocate(4), ordered_sim.allocate(4)
    ordered_sim.fill(error, 4, 0)()
    function = ordered_sim.load([kernel])["failing"]
    words = np.empty(1, np.int32)
    for step in (3, 5):
        ordered_sim.fill(done, 4, 0)()
        ordered_sim.launch(function, (3, 1, 1), (32, 1, 1), 0, (error, done, step, 96))()
        ordered_sim.download(words, error)
        assert words[0] == 3
    ordered_sim.download(words, done)
    assert words[0] == 0
