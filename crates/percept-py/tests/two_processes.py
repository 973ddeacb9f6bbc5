"""Run by `torchrun --nproc-per-node 2`: DDP over two processes against one process with all images."""

import sys
from pathlib import Path

import torch
from percept.torch import DisentangledLoss
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

SELECTIONS = {
    "closed": {"type": "closed", "warmup": 1, "every": 2},
    "triplet": {"type": "triplet", "warmup": 1, "every": 1, "until": 0, "start": "uniform", "ema": 0.5},
}


def network():
    torch.manual_seed(0)
    return nn.Conv2d(3, 3, 5, padding=2)


def images(step):
    generator = torch.Generator().manual_seed(step)
    target = torch.rand(4, 3, 32, 32, generator=generator)
    return nn.functional.avg_pool2d(target, 3, 1, 1), target


def train(model, part, select):
    """Eight steps on a part of each batch; the selection of each, and the network in the end."""
    loss = DisentangledLoss(layer_weights={"relu1_2": 1.0, "relu2_2": 0.5}, selection=select)
    optimizer, history = torch.optim.SGD(model.parameters(), 0.05), []
    for step in range(8):
        x, y = (whole[part] for whole in images(step))
        optimizer.zero_grad()
        loss(model(x), y, distorted=x).backward()
        optimizer.step()
        history.append(torch.cat(list(loss.selected().values())))
    return torch.stack(history), torch.cat([p.detach().flatten() for p in model.parameters()])


def main(kind, folder):
    select = SELECTIONS[kind]
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    together = train(DistributedDataParallel(network()), slice(2 * rank, 2 * rank + 2), select)
    distributed.destroy_process_group()
    alone = train(network(), slice(None), select)
    moved = float((alone[0][-1] - alone[0][0]).abs().max())
    close = all(torch.allclose(a, b, rtol=1e-3, atol=1e-4) for a, b in zip(together, alone))
    (Path(folder) / str(rank)).write_text("as one" if close and moved > 0.05 else f"{together}\n{alone}\n{moved}")


main(*sys.argv[1:])
