"""Several processes as one. Alone, nothing happens here."""

import torch
from torch import distributed


def _several():
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


@torch.compiler.disable
@torch.no_grad()
def mean_over_processes(values):
    """The mean of `values` over all processes, which must all be here."""
    if not _several():
        return values
    values = values.detach().clone()
    distributed.all_reduce(values)
    return values / distributed.get_world_size()


@torch.compiler.disable
@torch.no_grad()
def all_images(values):
    """`[N, …]` of every process, one behind the other; all have as many images."""
    if not _several():
        return values
    parts = [torch.empty_like(values) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, values.contiguous())
    return torch.cat(parts)
