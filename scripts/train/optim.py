"""Muon for the matrices of the blocks (momentum made orthogonal by Newton-Schulz steps), AdamW for the rest."""
import torch

from common import quick


def orthogonal(g, rounds=5):
    """The nearest matrix with equal singular values, roughly: five steps of a quintic iteration."""
    x = g.to(quick(g.device.type))
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(rounds):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.T if tall else x).float()


class Muon(torch.optim.Optimizer):
    """The step has the size that AdamW's would have: 0.2 sqrt(longer side) times the orthogonal matrix."""

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.01):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["m"] = torch.zeros_like(p)
                m = state["m"].lerp_(p.grad, 1 - group["momentum"])
                update = orthogonal(p.grad.lerp(m, group["momentum"]))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-0.2 * max(p.shape) ** 0.5 * group["lr"])


def optimisers(net, lr):
    """[Muon, AdamW] for a Transformer; the orthogonal steps bear a learning rate 2.5 times as high."""
    matrices = [p for name, p in net.named_parameters() if name.startswith("blocks.") and p.dim() == 2]
    chosen = {id(p) for p in matrices}
    rest = [p for p in net.parameters() if id(p) not in chosen]
    return [Muon(matrices, 2.5 * lr), torch.optim.AdamW(rest, lr=lr, betas=(.9, .95), weight_decay=.01, fused=True)]
