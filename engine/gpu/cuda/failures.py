"""What CUDA's errors mean to who runs a graph: headrace's errors, with what to do."""

from __future__ import annotations

from ...errors import InternalError, OpError, ResourceExhaustedError

OUT_OF_MEMORY = 2
_LOST = "the GPU's state is lost for this process, start it anew; `compute-sanitizer python ...` finds the kernel"
# Of cudaError_t and CUresult, which share these numbers.
_CURES = {
    3: "the driver was started before this process was forked: start processes by 'spawn'",
    35: "the driver is older than CuPy's CUDA: update it, or install headrace[cuda12]",
    46: "another process holds the GPU for itself: see `nvidia-smi`",
    100: "the driver sees no GPU",
    201: "this thread has no GPU context: call the device's `activate` first",
    209: "a kernel was compiled for another GPU: delete the folder of compiled kernels (HEADRACE_CACHE)",
    214: "an uncorrectable error of the GPU's memory: see `nvidia-smi -q`",
    700: f"a kernel used an address that is not its own; {_LOST}",
    702: f"a kernel ran for too long beside a display; {_LOST}",
    715: f"a kernel has an instruction that the GPU does not know; {_LOST}",
    716: f"a kernel used an address that is not aligned; {_LOST}",
    719: f"a kernel failed; {_LOST}",
    900: "a call that waits was made while a step was captured",
    901: "a step could not be captured: something in it waits or allocates",
    906: "work of another stream came between the captured calls",
}


def explained(error: Exception, what: str) -> OpError:
    """The error to raise in place of one of CUDA's, which `what` met."""
    status = getattr(error, "status", None)
    if status == OUT_OF_MEMORY:
        return ResourceExhaustedError(None, None, f"{what}: the GPU's memory is full")
    cure = _CURES.get(int(status)) if status is not None else None
    return InternalError(None, None, f"{what}: {error}" + (f": {cure}" if cure else ""))
