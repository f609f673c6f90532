"""PyTorch on a GPU: eager, or forward and loss under torch.compile in one of its modes; fused optimizers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
import torch.nn.functional as fn
from peers import pytorch
from programs import PROGRAMS, bottlenecks
from torch import nn
from workloads import Workload

MODES = {"compile": "reduce-overhead", "max": "max-autotune"}


def bottleneck(m: Any, p: Any, x: Any, y: Any) -> Any:
    size = m.w.size

    def padded(x: Any, width: int, stride: int, value: float = 0.0) -> Any:
        """Rows and columns as TensorFlow's "SAME" adds them."""
        both = [max((-(-n // stride) - 1) * stride + width - n, 0) for n in (x.shape[3], x.shape[2])]
        return fn.pad(x, [side for n in both for side in (n // 2, n - n // 2)], value=value)

    def convolution(x: Any, name: str, stride: int = 1) -> Any:
        kernel = p[name + "filter"]
        width = kernel.shape[2]
        if stride > 1 and width > 1:
            x = fn.conv2d(padded(x, width, stride), kernel, stride=stride)
        else:
            x = fn.conv2d(x, kernel, stride=stride, padding=width // 2)
        mean, variance = getattr(m, name + "mean"), getattr(m, name + "variance")
        scale, offset = p[name + "scale"], p[name + "offset"]
        return fn.batch_norm(x, mean, variance, scale, offset, True, 1 - size.decay, size.epsilon)

    x = torch.relu(convolution(x.permute(0, 3, 1, 2), "stem_", 2))
    x = fn.max_pool2d(padded(x, 3, 2, float("-inf")), 3, 2)
    for name, _, _, stride in bottlenecks(size):
        z = torch.relu(convolution(x, name + "first_"))
        z = torch.relu(convolution(z, name + "second_", stride))
        z = convolution(z, name + "third_")
        x = torch.relu(z + (convolution(x, name + "short_", stride) if name + "short_filter" in p else x))
    return fn.cross_entropy(pytorch.affine(x.mean((2, 3)), p, 1), y.long())


pytorch.LOSSES["bottleneck"] = bottleneck


def build(w: Workload, variant: str, on_gpu: bool) -> tuple[Callable[[Any], Any], Callable[[Any], float]]:
    if not on_gpu:
        return built(w, variant, on_gpu)
    pytorch.DEVICE = "cuda"
    torch.set_default_device("cuda")
    try:
        return built(w, variant, on_gpu)
    finally:
        # It is looked at in each call, which steps shall not pay for.
        torch.set_default_device(None)


def built(w: Workload, variant: str, on_gpu: bool) -> tuple[Callable[[Any], Any], Callable[[Any], float]]:
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    if w.model == "wide_and_deep":
        if variant != "eager":
            raise SystemExit("torch.compile does not trace sparse gradients")
        return pytorch.build_wide_and_deep(w), lambda loss: float(loss.item())
    model = pytorch.Model(w)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = pytorch.optimizer_of(w, parameters)
    call = torch.compile(model, mode=MODES[variant]) if variant in MODES else model
    classified, counts = w.batches[0]["y"].dtype == np.int32, itertools.count(1)
    short = PROGRAMS[w.name].precision == "bfloat16"

    def forward(x: Any, y: Any) -> Any:
        with torch.autocast("cuda" if on_gpu else "cpu", torch.bfloat16) if short else nullcontext():
            if w.model != "recurrent":
                return call(x, y)
            loss, *state = call(x, y, *model.state)
        # What a captured graph gives is its own memory, which the next run overwrites.
        model.state = tuple(part.clone() for part in state)
        return loss

    def step(b: Any) -> Any:
        if variant in MODES:
            torch.compiler.cudagraph_mark_step_begin()
        x, y = pytorch.fed(b["x"]), pytorch.fed(b["y"])
        loss = forward(x, y.long() if classified else y)
        loss.backward()
        if hasattr(w.size, "clip"):
            nn.utils.clip_grad_norm_(parameters, w.size.clip)
        if w.optimizer == "adam":
            optimizer.param_groups[0]["eps"] = pytorch.step_epsilon(next(counts))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    return step, lambda loss: float(loss.item())
