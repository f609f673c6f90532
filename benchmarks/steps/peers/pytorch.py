"""PyTorch: variant "eager", "compile" with forward and loss under torch.compile, "parallel"; fused optimizers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as fn
from torch import nn
from workloads import Workload, blocks

# Where parameters and batches are put.
DEVICE = "cpu"


def tensor(value: Any) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(value)).clone().to(DEVICE)


def fed(value: Any) -> torch.Tensor:
    return torch.from_numpy(value).to(DEVICE)


def converted(w: Workload, name: str, value: Any) -> torch.Tensor:
    """A parameter in PyTorch's layout: filters OIHW in channels-last memory."""
    t = tensor(value)
    if value.ndim == 4:
        return t.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    if w.model == "convolutional" and name == "kernel1":
        # Images are flattened with their channels first here.
        side = w.size.image // 2 ** len(w.size.channels)
        shape = (side, side, w.size.channels[-1], -1)
        return t.reshape(shape).permute(2, 0, 1, 3).reshape(value.shape).contiguous()
    return t


class Model(nn.Module):  # type: ignore[misc]
    def __init__(self, w: Workload) -> None:
        super().__init__()
        self.w = w
        parameters = {k: converted(w, k, v) for k, v in w.parameters.items()}
        if w.model == "recurrent":
            self.lstm = lstm(w, parameters)
            self.state = (torch.zeros(2, w.size.batch, w.size.hidden), torch.zeros(2, w.size.batch, w.size.hidden))
        # "p_": a parameter may have the name of a dictionary's method.
        self.p = nn.ParameterDict({"p_" + k: nn.Parameter(v) for k, v in parameters.items()})
        for k, v in w.state.items() if w.model in ("residual", "bottleneck") else ():
            self.register_buffer(k, tensor(v))

    def forward(self, *batch: Any) -> Any:
        return LOSSES[self.w.model](self, {k[2:]: v for k, v in self.p.items()}, *batch)


def affine(x: Any, p: Any, name: Any) -> Any:
    return torch.addmm(p[f"bias{name}"], x, p[f"kernel{name}"])


def linear(m: Any, p: Any, x: Any, y: Any) -> Any:
    return fn.mse_loss(affine(x, p, 1), y)


def layers(m: Any, p: Any, x: Any, y: Any) -> Any:
    count = len(p) // 2
    for i in range(1, count):
        x = torch.relu(affine(x, p, i))
    return fn.cross_entropy(affine(x, p, count), y)


def convolutional(m: Any, p: Any, x: Any, y: Any) -> Any:
    size = m.w.size
    x = x.view(-1, 1, size.image, size.image)
    for i in range(1, len(size.channels) + 1):
        x = fn.max_pool2d(torch.relu(fn.conv2d(x, p[f"filter{i}"], p[f"shift{i}"], padding=2)), 2)
    return fn.cross_entropy(affine(torch.relu(affine(x.reshape(size.batch, -1), p, 1)), p, 2), y)


def residual(m: Any, p: Any, x: Any, y: Any) -> Any:
    size = m.w.size

    def convolution(x: Any, name: str, stride: int = 1) -> Any:
        kernel = p[name + "filter"]
        width = kernel.shape[2]
        if stride == 2 and width == 3:
            # TensorFlow's "SAME" adds its row and column at the end.
            x = fn.conv2d(fn.pad(x, (0, 1, 0, 1)), kernel, stride=2)
        else:
            x = fn.conv2d(x, kernel, stride=stride, padding=width // 2)
        mean, variance = getattr(m, name + "mean"), getattr(m, name + "variance")
        scale, offset = p[name + "scale"], p[name + "offset"]
        return fn.batch_norm(x, mean, variance, scale, offset, True, 1 - size.decay, size.epsilon)

    # A view of the NHWC batch that is channels-last.
    x = torch.relu(convolution(x.permute(0, 3, 1, 2), "stem_"))
    for name, _, _, stride in blocks(size):
        z = torch.relu(convolution(x, name + "first_", stride))
        z = convolution(z, name + "second_")
        x = torch.relu(z + (convolution(x, name + "short_", stride) if name + "short_filter" in p else x))
    return fn.cross_entropy(affine(x.mean((2, 3)), p, 1), y)


def lstm(w: Workload, parameters: dict[str, torch.Tensor]) -> nn.LSTM:
    """PyTorch's LSTM with the parameters taken out of the dictionary: its gates are i f g o, the forget bias is added."""
    size = w.size
    module = nn.LSTM(size.embedding, size.hidden, 2, batch_first=True)
    with torch.no_grad():
        for layer, inputs in enumerate((size.embedding, size.hidden)):
            kernel, bias = parameters.pop(f"kernel{layer + 1}"), parameters.pop(f"bias{layer + 1}")
            i, j, f, o = kernel.chunk(4, 1)
            kernel = torch.cat([i, f, j, o], 1).t()
            i, j, f, o = bias.chunk(4)
            getattr(module, f"weight_ih_l{layer}").copy_(kernel[:, :inputs])
            getattr(module, f"weight_hh_l{layer}").copy_(kernel[:, inputs:])
            getattr(module, f"bias_ih_l{layer}").copy_(torch.cat([i, f + 1, j, o]))
            # TensorFlow's cell has one bias: the other stays zero.
            getattr(module, f"bias_hh_l{layer}").zero_().requires_grad_(False)
    return module


def recurrent(m: Any, p: Any, x: Any, y: Any, h: Any, c: Any) -> Any:
    outputs, (h, c) = m.lstm(fn.embedding(x, p["embedding"]), (h, c))
    loss = fn.cross_entropy(affine(outputs.reshape(-1, m.w.size.hidden), p, ""), y.reshape(-1))
    return loss, h.detach(), c.detach()


def transformer(m: Any, p: Any, x: Any, y: Any) -> Any:
    size = m.w.size
    batch, steps, width, heads = size.batch, size.steps, size.width, size.heads

    def dense(x: Any, name: str) -> Any:
        return torch.addmm(p[name + "bias"], x, p[name + "kernel"])

    def norm(x: Any, name: str) -> Any:
        return fn.layer_norm(x, (width,), p[name + "scale"], p[name + "offset"], 1e-5)

    x = (fn.embedding(x, p["embedding"]) + p["positions"]).view(-1, width)
    for layer in range(size.layers):
        name = f"layer{layer}_"
        parts = dense(norm(x, name + "first_"), name + "qkv_").view(batch, steps, 3, heads, width // heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = fn.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + dense(mixed.transpose(1, 2).reshape(-1, width), name + "out_")
        inner = fn.gelu(dense(norm(x, name + "second_"), name + "up_"), approximate="tanh")
        x = x + dense(inner, name + "down_")
    return fn.cross_entropy(norm(x, "last_") @ p["kernel"], y.reshape(-1))


LOSSES: dict[str, Callable[..., Any]] = {
    "linear": linear,
    "layers": layers,
    "convolutional": convolutional,
    "residual": residual,
    "recurrent": recurrent,
    "transformer": transformer,
}


def is_table(name: str) -> bool:
    return name.startswith(("deep", "wide")) and name[4:].isdigit()


class WideAndDeep(nn.Module):  # type: ignore[misc]
    """One table for all columns, the fastest way to write it here, with sparse gradients."""

    def __init__(self, w: Workload) -> None:
        super().__init__()
        size = self.size = w.size
        columns = range(size.columns)
        self.deep = nn.Parameter(torch.cat([tensor(w.parameters[f"deep{i}"]) for i in columns]))
        self.wide = nn.Parameter(torch.cat([tensor(w.parameters[f"wide{i}"]) for i in columns]))
        self.offsets = torch.arange(size.columns) * size.buckets
        dense = {k: v for k, v in w.parameters.items() if not is_table(k)}
        self.p = nn.ParameterDict({"p_" + k: nn.Parameter(tensor(v)) for k, v in dense.items()})

    def forward(self, ids: Any, numeric: Any, y: Any) -> Any:
        p = {k[2:]: v for k, v in self.p.items()}
        ids = ids + self.offsets
        rows = fn.embedding(ids, self.deep, sparse=True).reshape(self.size.batch, -1)
        wide = fn.embedding_bag(ids, self.wide, mode="sum", sparse=True)
        hidden = torch.cat([rows, numeric], 1)
        for i in (1, 2):
            hidden = torch.relu(affine(hidden, p, i))
        wide = wide + torch.addmm(p["wide_bias"], numeric, p["wide_kernel"])
        return fn.binary_cross_entropy_with_logits(affine(hidden, p, 3) + wide, y)


def ftrl(w: Workload, value: Any, accumulator: Any, linear: Any, gradient: Any) -> tuple[Any, Any, Any]:
    size = w.size
    total = accumulator + gradient * gradient
    root = total.sqrt()
    linear = linear + gradient - (root - accumulator.sqrt()) / size.wide_rate * value
    value = (linear.clamp(-size.l1, size.l1) - linear) / (root / size.wide_rate + 2 * size.l2)
    return value, total, linear


def build_wide_and_deep(w: Workload) -> Callable[[Any], Any]:
    model = WideAndDeep(w)
    start = w.size.accumulator
    options = {"lr": w.rate, "initial_accumulator_value": start, "eps": 0}
    # Counts of steps stay on the processor, where they cost nothing; not all versions have this fused on GPUs.
    with torch.device("cpu"):
        deep = torch.optim.Adagrad([model.deep], **options)
        dense = [v for k, v in model.p.items() if not k.startswith("p_wide")]
        layers = torch.optim.Adagrad(dense, fused=True if DEVICE == "cpu" else None, **options)
    wide = [v for k, v in model.p.items() if k.startswith("p_wide")]
    slots = [(torch.full_like(v, start), torch.zeros_like(v)) for v in wide]
    accumulator, linear = torch.full_like(model.wide, start), torch.zeros_like(model.wide)

    def update_wide() -> None:
        gradient = model.wide.grad.coalesce()
        rows = gradient.indices()[0]
        new = ftrl(w, model.wide[rows], accumulator[rows], linear[rows], gradient.values())
        model.wide[rows], accumulator[rows], linear[rows] = new
        for v, (a, z) in zip(wide, slots, strict=True):
            for old, value in zip((v, a, z), ftrl(w, v, a, z, v.grad), strict=True):
                old.copy_(value)

    def step(b: Any) -> Any:
        loss = model(*[fed(b[k]) for k in ("ids", "numeric", "y")])
        loss.backward()
        with torch.no_grad():
            deep.step()
            layers.step()
            update_wide()
        for parameter in model.parameters():
            parameter.grad = None
        return loss

    return step


def step_epsilon(count: int) -> float:
    """Adam's epsilon as TensorFlow has it: PyTorch adds its own after the correction of the bias."""
    return 1e-8 / math.sqrt(1 - 0.999**count)


def optimizer_of(w: Workload, parameters: list[Any]) -> Any:
    if w.optimizer == "adam":
        return torch.optim.Adam(parameters, w.rate, fused=True)
    return torch.optim.SGD(parameters, w.rate, momentum=getattr(w.size, "momentum", 0), fused=True)


def build(w: Workload, variant: str, threads: int) -> tuple[Callable[[Any], Any], Callable[[Any], float]]:
    torch.set_num_threads(threads)
    if w.model == "wide_and_deep":
        if variant == "compile":
            raise SystemExit("torch.compile does not trace sparse gradients")
        return build_wide_and_deep(w), lambda loss: float(loss.item())
    model = Model(w)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = optimizer_of(w, parameters)
    call = torch.compile(model) if variant == "compile" else model
    if variant == "parallel":
        call = nn.parallel.DistributedDataParallel(model)
    counts = itertools.count(1)
    classified = w.batches[0]["y"].dtype == np.int32

    def step(b: Any) -> Any:
        x, y = fed(b["x"]), fed(b["y"])
        batch = (x, y.long() if classified else y)
        if w.model == "recurrent":
            loss, *state = call(*batch, *model.state)
            model.state = tuple(state)
        else:
            loss = call(*batch)
        loss.backward()
        if hasattr(w.size, "clip"):
            nn.utils.clip_grad_norm_(parameters, w.size.clip)
        if w.optimizer == "adam":
            optimizer.param_groups[0]["eps"] = step_epsilon(next(counts))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    return step, lambda loss: float(loss.item())
