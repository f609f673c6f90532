/* The Python module: kernels by name, and segments that run calls of them with the interpreter's lock released. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "direct.h"
#include "exchange.h"
#include "fingerprint.h"
#include "pool.h"
#include "tables.h"

void *hr_blas_sgemm, *hr_blas_dgemm;
int hr_blas_wide;
static void (*blas_set_threads)(int);
static int (*blas_get_threads)(void);

/* BLAS is told to use one thread while any segment runs, and what it used before when the last one has ended. Guarded by the
   interpreter's lock. */
static int segments_running, blas_threads_before;

static void enter_blas(void) {
    if (segments_running++ || !blas_set_threads) return;
    blas_threads_before = blas_get_threads();
    if (blas_threads_before != 1) blas_set_threads(1);
}

static void leave_blas(void) {
    if (--segments_running || !blas_set_threads) return;
    if (blas_threads_before != 1) blas_set_threads(blas_threads_before);
}

typedef struct segment {
    PyObject_HEAD
    int64_t count;
    hr_call *calls;
    int64_t *arguments;      /* of all calls, one after the other */
    int64_t arguments_count;
    int threads;
    PyObject *keep;          /* what owns the memory that the arguments point to */
} segment;

static int read_call(PyObject *item, hr_call *call, Py_ssize_t *fields) {
    unsigned long long kernel;
    long long chunks;
    PyObject *arguments;
    if (!PyArg_ParseTuple(item, "KLO!", &kernel, &chunks, &PyTuple_Type, &arguments)) return -1;
    call->kernel = (hr_kernel)(uintptr_t)kernel;
    call->chunks = chunks;
    *fields = PyTuple_Size(arguments);
    return 0;
}

static int copy_arguments(PyObject *arguments, int64_t *out) {
    for (Py_ssize_t i = 0; i < PyTuple_Size(arguments); i++) {
        PyObject *value = PyTuple_GetItem(arguments, i);
        if (PyFloat_Check(value)) {
            double number = PyFloat_AsDouble(value);
            memcpy(&out[i], &number, 8);
        } else {
            out[i] = PyLong_AsLongLong(value);
            if (out[i] == -1 && PyErr_Occurred()) return -1;
        }
    }
    return 0;
}

static int fill_segment(segment *self, PyObject *calls) {
    Py_ssize_t total = 0, fields;
    self->count = PyList_Size(calls);
    self->calls = calloc((size_t)self->count + 1, sizeof(hr_call));
    if (!self->calls) { PyErr_NoMemory(); return -1; }
    for (Py_ssize_t i = 0; i < self->count; i++) {
        if (read_call(PyList_GetItem(calls, i), &self->calls[i], &fields)) return -1;
        total += fields;
    }
    self->arguments_count = total;
    self->arguments = calloc((size_t)total + 1, 8);
    if (!self->arguments) { PyErr_NoMemory(); return -1; }
    int64_t *next = self->arguments;
    for (Py_ssize_t i = 0; i < self->count; i++) {
        PyObject *arguments = PyTuple_GetItem(PyList_GetItem(calls, i), 2);
        if (copy_arguments(arguments, next)) return -1;
        self->calls[i].arguments = next;
        next += PyTuple_Size(arguments);
    }
    return 0;
}

static PyObject *segment_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    PyObject *calls, *keep;
    int threads;
    if (keywords && PyDict_Size(keywords)) { PyErr_SetString(PyExc_TypeError, "Segment takes no keywords"); return NULL; }
    if (!PyArg_ParseTuple(args, "O!iO", &PyList_Type, &calls, &threads, &keep)) return NULL;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    segment *self = (segment *)allocate(type, 0);
    if (!self) return NULL;
    self->threads = threads < 1 ? 1 : threads;
    Py_INCREF(keep);
    self->keep = keep;
    if (fill_segment(self, calls)) { Py_DECREF(self); return NULL; }
    return (PyObject *)self;
}

static void segment_free(PyObject *object) {
    segment *self = (segment *)object;
    PyTypeObject *type = Py_TYPE(object);
    free(self->calls);
    free(self->arguments);
    Py_XDECREF(self->keep);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

/* run() -> the number of the call that failed, or -1 */
static PyObject *segment_run(PyObject *object, PyObject *nothing) {
    segment *self = (segment *)object;
    int64_t failed;
    (void)nothing;
    enter_blas();
    Py_BEGIN_ALLOW_THREADS
    failed = hr_pool_run(self->calls, self->count, self->threads);
    Py_END_ALLOW_THREADS
    leave_blas();
    return PyLong_FromLongLong(failed);
}

/* run_timed(times) -> as run; writes into a buffer of int64 when the calls began and ended. */
static PyObject *segment_run_timed(PyObject *object, PyObject *times) {
    segment *self = (segment *)object;
    int64_t failed;
    Py_buffer buffer;
    if (PyObject_GetBuffer(times, &buffer, PyBUF_WRITABLE)) return NULL;
    if (buffer.len < (self->count + 1) * 8) {
        PyBuffer_Release(&buffer);
        PyErr_Format(PyExc_ValueError, "times takes %lld numbers", (long long)self->count + 1);
        return NULL;
    }
    enter_blas();
    Py_BEGIN_ALLOW_THREADS
    failed = hr_pool_run_timed(self->calls, self->count, self->threads, buffer.buf);
    Py_END_ALLOW_THREADS
    leave_blas();
    PyBuffer_Release(&buffer);
    return PyLong_FromLongLong(failed);
}

/* point(positions, array, bytes): lets arguments point to an array's memory. The array must be in C order and have `bytes`
   bytes, and the caller keeps it until the run has ended. `positions` are pairs of argument number and byte offset. */
static PyObject *segment_point(PyObject *object, PyObject *args) {
    segment *self = (segment *)object;
    PyObject *positions, *array;
    Py_ssize_t bytes;
    Py_buffer buffer;
    if (!PyArg_ParseTuple(args, "O!On", &PyTuple_Type, &positions, &array, &bytes)) return NULL;
    if (PyObject_GetBuffer(array, &buffer, PyBUF_C_CONTIGUOUS)) return NULL;
    if (buffer.len != bytes) {
        PyBuffer_Release(&buffer);
        PyErr_Format(PyExc_ValueError, "%zd bytes were expected, not %zd", bytes, buffer.len);
        return NULL;
    }
    for (Py_ssize_t i = 0; i + 1 < PyTuple_Size(positions); i += 2) {
        int64_t place = PyLong_AsLongLong(PyTuple_GetItem(positions, i));
        int64_t offset = PyLong_AsLongLong(PyTuple_GetItem(positions, i + 1));
        if (place < 0 || place >= self->arguments_count) {
            PyBuffer_Release(&buffer);
            PyErr_Format(PyExc_IndexError, "there is no argument %lld", (long long)place);
            return NULL;
        }
        self->arguments[place] = (int64_t)(intptr_t)buffer.buf + offset;
    }
    PyBuffer_Release(&buffer);
    Py_RETURN_NONE;
}

static PyMethodDef segment_methods[] = {
    {"run", segment_run, METH_NOARGS, "run() -> int\n\nRuns the calls; gives the number of the one that failed, or -1."},
    {"run_timed", segment_run_timed, METH_O,
     "run_timed(times) -> int\n\nAs run; times (int64, one more than calls) gets when the first call began and each ended, in "
     "nanoseconds."},
    {"point", segment_point, METH_VARARGS, "point(positions, array, bytes)\n\nLets arguments point to an array's memory."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot segment_slots[] = {
    {Py_tp_new, segment_new}, {Py_tp_dealloc, segment_free}, {Py_tp_methods, segment_methods},
    {Py_tp_doc, "Segment(calls, threads, keep): calls are (kernel, chunks, arguments)."}, {0, NULL}};

static PyType_Spec segment_spec = {"headrace.engine.native._runtime.Segment", sizeof(segment), 0, Py_TPFLAGS_DEFAULT,
                                   segment_slots};

static PyObject *instruction_sets(PyObject *module, PyObject *nothing) {
    PyObject *names = PyList_New(0);
    (void)module; (void)nothing;
    for (const char *const *name = hr_instruction_sets(); names && *name; name++) {
        PyObject *text = PyUnicode_FromString(*name);
        if (!text || PyList_Append(names, text)) { Py_XDECREF(text); Py_CLEAR(names); break; }
        Py_DECREF(text);
    }
    return names;
}

static PyObject *kernels(PyObject *module, PyObject *args) {
    const char *set;
    (void)module;
    if (!PyArg_ParseTuple(args, "s", &set)) return NULL;
    PyObject *found = PyDict_New();
    for (int i = 0; found && hr_table(set, i); i++)
        for (const hr_entry *entry = hr_table(set, i); entry->name; entry++) {
            PyObject *value = Py_BuildValue("KL", (unsigned long long)(uintptr_t)entry->kernel, (long long)entry->fields);
            if (!value || PyDict_SetItemString(found, entry->name, value)) { Py_XDECREF(value); Py_CLEAR(found); return NULL; }
            Py_DECREF(value);
        }
    return found;
}

static PyObject *set_blas(PyObject *module, PyObject *args) {
    unsigned long long single, twice, set, get;
    int wide;
    (void)module;
    if (!PyArg_ParseTuple(args, "KKKKp", &single, &twice, &set, &get, &wide)) return NULL;
    hr_blas_sgemm = (void *)(uintptr_t)single;
    hr_blas_dgemm = (void *)(uintptr_t)twice;
    blas_set_threads = (void (*)(int))(uintptr_t)set;
    blas_get_threads = (int (*)(void))(uintptr_t)get;
    hr_blas_wide = wide;
    Py_RETURN_NONE;
}

static PyObject *checksum(PyObject *module, PyObject *args) {
    Py_buffer data;
    unsigned int value = 0;
    int plain = 0;
    (void)module;
    if (!PyArg_ParseTuple(args, "y*|Ip", &data, &value, &plain)) return NULL;
    if (data.len < 1 << 14) value = hr_crc32c(value, data.buf, (size_t)data.len, plain);
    else {
        Py_BEGIN_ALLOW_THREADS
        value = hr_crc32c(value, data.buf, (size_t)data.len, plain);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&data);
    return PyLong_FromUnsignedLong(value);
}

/* The strings are looked at under the interpreter's lock: nothing else changes the array meanwhile. */
static PyObject *fingerprints(PyObject *module, PyObject *args) {
    PyObject *strings, *out;
    Py_buffer in, result;
    (void)module;
    if (!PyArg_ParseTuple(args, "OO", &strings, &out)) return NULL;
    if (PyObject_GetBuffer(strings, &in, PyBUF_ND | PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)) return NULL;
    if (PyObject_GetBuffer(out, &result, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)) { PyBuffer_Release(&in); return NULL; }
    int fits = in.format && !strcmp(in.format, "O") && in.len == result.len;
    int all = fits;
    PyObject **item = in.buf;
    uint64_t *next = result.buf;
    for (Py_ssize_t i = 0; all && i < in.len / (Py_ssize_t)sizeof(PyObject *); i++) {
        char *text;
        Py_ssize_t size;
        all = item[i] && PyBytes_Check(item[i]) && !PyBytes_AsStringAndSize(item[i], &text, &size);
        if (all) next[i] = hr_fingerprint64((const unsigned char *)text, (size_t)size);
    }
    PyBuffer_Release(&result);
    PyBuffer_Release(&in);
    if (!fits) { PyErr_SetString(PyExc_ValueError, "an array of objects and as many numbers of 64 bits were expected"); return NULL; }
    return PyErr_Occurred() ? NULL : PyBool_FromLong(all);
}

static int read_exchange(PyObject *object, Py_buffer *buffer) {
    if (PyObject_GetBuffer(object, buffer, PyBUF_C_CONTIGUOUS)) return -1;
    const hr_exchange *it = buffer->buf;
    size_t size = (size_t)buffer->len;
    if (size >= sizeof(hr_exchange) && size == sizeof(hr_exchange) + (size_t)it->parts * sizeof(hr_part)) return 0;
    PyBuffer_Release(buffer);
    PyErr_SetString(PyExc_ValueError, "an exchange of another size was expected");
    return -1;
}

static PyObject *exchange(PyObject *module, PyObject *args) {
    PyObject *what, *how_far;
    Py_buffer it, progress;
    double scale, seconds;
    int result = HR_DONE;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOdd", &what, &how_far, &scale, &seconds)) return NULL;
    if (read_exchange(what, &it)) return NULL;
    if (PyObject_GetBuffer(how_far, &progress, PyBUF_WRITABLE)) { PyBuffer_Release(&it); return NULL; }
    if (progress.len != sizeof(hr_progress)) PyErr_SetString(PyExc_ValueError, "progress of another size was expected");
    else {
        Py_BEGIN_ALLOW_THREADS
        result = hr_exchange_run(it.buf, progress.buf, scale, seconds);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&progress);
    PyBuffer_Release(&it);
    return PyErr_Occurred() ? NULL : PyLong_FromLong(result);
}

/* The arrays of a sum of one part are those of this call. */
static PyObject *all_reduce(PyObject *module, PyObject *args) {
    PyObject *what, *how_far, *arrays[2];
    Py_buffer it, progress, found[2];
    double seconds;
    int result = HR_DONE;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOOOd", &what, &how_far, &arrays[0], &arrays[1], &seconds)) return NULL;
    if (read_exchange(what, &it)) return NULL;
    if (PyObject_GetBuffer(how_far, &progress, PyBUF_WRITABLE)) { PyBuffer_Release(&it); return NULL; }
    int count = 0;
    for (; count < 2; count++)
        if (PyObject_GetBuffer(arrays[count], &found[count], PyBUF_C_CONTIGUOUS | (count ? PyBUF_WRITABLE : 0))) break;
    hr_exchange *sum = it.buf;
    if (count == 2 && !it.readonly && sum->parts == 1 && progress.len == sizeof(hr_progress) && found[0].len == found[1].len) {
        sum->part[0].in = (int64_t)(intptr_t)found[0].buf;
        sum->part[0].out = (int64_t)(intptr_t)found[1].buf;
        Py_BEGIN_ALLOW_THREADS
        result = hr_exchange_run(sum, progress.buf, 1, seconds);
        Py_END_ALLOW_THREADS
    } else if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "two arrays of one size were expected");
    while (count--) PyBuffer_Release(&found[count]);
    PyBuffer_Release(&progress);
    PyBuffer_Release(&it);
    return PyErr_Occurred() ? NULL : PyLong_FromLong(result);
}

static PyObject *leave_exchange(PyObject *module, PyObject *what) {
    Py_buffer it;
    (void)module;
    if (read_exchange(what, &it)) return NULL;
    hr_exchange_leave(it.buf);
    PyBuffer_Release(&it);
    Py_RETURN_NONE;
}

static PyObject *exchange_bytes(PyObject *module, PyObject *args) {
    long long size, slot;
    (void)module;
    if (!PyArg_ParseTuple(args, "LL", &size, &slot)) return NULL;
    return PyLong_FromLongLong(hr_exchange_bytes(size, slot));
}

static PyObject *read_process(PyObject *module, PyObject *args) {
    long long pid, address;
    Py_buffer out;
    (void)module;
    if (!PyArg_ParseTuple(args, "LLw*", &pid, &address, &out)) return NULL;
    int error = hr_read_process(pid, address, out.buf, out.len);
    PyBuffer_Release(&out);
    return PyBool_FromLong(!error);
}

static PyMethodDef module_methods[] = {
    {"crc32c", checksum, METH_VARARGS, "crc32c(data, value=0, plain=False) -> int; plain: by tables, without the instruction"},
    {"all_reduce", all_reduce, METH_VARARGS, "all_reduce(what, progress, array, out, seconds): exchange of these two arrays"},
    {"exchange", exchange, METH_VARARGS, "exchange(what, progress, scale, seconds) -> 0 done, 1 late, 2 different, 3 gone, 4 unreadable"},
    {"fingerprints", fingerprints, METH_VARARGS, "fingerprints(strings, out) -> whether all are bytes; fills out if so"},
    {"exchange_bytes", exchange_bytes, METH_VARARGS, "exchange_bytes(size, slot) -> bytes of shared memory"},
    {"read_process", read_process, METH_VARARGS, "read_process(pid, address, out) -> whether a process's memory was read"},
    {"leave_exchange", leave_exchange, METH_O, "leave_exchange(what)\n\nTells the others that this process has left."},
    {"instruction_sets", instruction_sets, METH_NOARGS, "instruction_sets() -> names that this machine runs, worst first"},
    {"kernels", kernels, METH_VARARGS, "kernels(instruction_set) -> {name: (address, fields of its arguments)}"},
    {"set_blas", set_blas, METH_VARARGS, "set_blas(sgemm, dgemm, set_num_threads, get_num_threads, wide)"},
    {NULL, NULL, 0, NULL}};

static int module_start(PyObject *module) {
    if (hr_pool_initialize()) { PyErr_NoMemory(); return -1; }
    hr_crc32c_prepare();
    PyObject *type = PyType_FromSpec(&segment_spec);
    if (!type) return -1;
    int failed = PyModule_AddObjectRef(module, "Segment", type);
    Py_DECREF(type);
    return failed;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, module_start}, {0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_runtime", "The native runtime.", 0, module_methods,
                                        module_slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__runtime(void) { return PyModuleDef_Init(&definition); }
