"""What CUDA's errors mean to who runs a graph: headrace's errors, with what to do."""

from __future__ import annotations

from ...errors import InternalError, OpError, ResourceExhaustedError

OUT_OF_MEMORY = 2
_LOST = "the GPU's state is lost for this process, start it anew; `compute-sanitizer python ...` finds the kernel"
# After these no call of the process succeeds any more.
LOST = frozenset({700, 702, 710, 714, 715, 716, 717, 718, 719})
# Of cudaError_t and CUresult, which share these numbers.
_CURES = {
    3: "the driver was started before this process was forked: start processes by 'spawn'",
    35: "the driver is older than CuPy's CUDA: update it, or install headrace[cuda12]",
    46: "another process holds the GPU for itself: see `nvidia-smi`",
    98: "a kernel is not in its compiled unit: delete the folder of compiled kernels (HEADRACE_CACHE)",
    100: "the driver sees no GPU",
    101: "there is no GPU of this number: see CUDA_VISIBLE_DEVICES",
    201: "this thread has no GPU context: call the device's `activate` first",
    209: "a kernel was compiled for another GPU: delete the folder of compiled kernels (HEADRACE_CACHE)",
    214: "an uncorrectable error of the GPU's memory: see `nvidia-smi -q`",
    222: "the driver is older than NVRTC, which does not know this GPU: update the driver",
    304: "the system refused pinned memory: is there enough, and what does `ulimit -l` say?",
    700: f"a kernel used an address that is not its own; {_LOST}",
    701: "a kernel wants more registers or shared memory than a block may have",
    702: f"a kernel ran for too long beside a display; {_LOST}",
    715: f"a kernel has an instruction that the GPU does not know; {_LOST}",
    716: f"a kernel used an address that is not aligned; {_LOST}",
    **dict.fromkeys((710, 714, 717, 718, 719), f"a kernel failed; {_LOST}"),
    802: "the system is not ready: is the fabric manager running?",
    803: "the kernel module and libcuda are of different versions: restart the machine, or mount the host's libcuda",
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
