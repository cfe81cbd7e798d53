"""Stochastic depth: each step leaves out some of a network's residual blocks.

Huang et al., *Deep Networks with Stochastic Depth*, 2016, train so. A class dream of one network has strokes that only
this network takes for the class. What many networks agree on looks like it, and each draw of blocks is another network:
Li et al., *Learning Transferable Adversarial Examples via Ghost Networks*, 2020. It is also faster than the whole one.
"""

import operator
from collections.abc import Sequence

import torch
from torch import Tensor, fx, nn

SUMS = (operator.add, torch.add)  # fx writes += as the former


class StochasticDepth:
    """Which residual blocks of a network the next step leaves out; none before the first draw.

    ``sums`` are the names of the nodes that add a block's output to its input, shallow to deep. The last one is left
    out with nearly ``probability``, earlier ones in proportion to their number. ``left_out`` are the numbers of those
    drawn; ``factors`` ``(blocks,)`` on the device has 0 for them and 1 for the others.
    """

    def __init__(self, sums: Sequence[str], probability: float) -> None:
        self.sums, self._probability = tuple(sums), probability
        self.left_out = frozenset[int]()
        self.factors = torch.ones(len(self.sums))

    def draw(self, generator: torch.Generator) -> None:
        """Draw the blocks that the next step leaves out."""
        draws = torch.rand(len(self.sums), generator=generator).tolist()
        last = len(draws) + 1
        self.left_out = frozenset(
            number for number, draw in enumerate(draws) if draw < self._probability * (number + 1) / last
        )
        for number in range(len(draws)):  # numbers go with the launch: nothing waits for a copy
            self.factors[number].fill_(number not in self.left_out)


class ResidualSum(nn.Module):
    """The input and the output of block ``number``, each ``(N, C, h, w)`` → their sum, or the input alone."""

    def __init__(self, depth: StochasticDepth, number: int) -> None:
        super().__init__()
        self.depth, self.number = depth, number

    def forward(self, x: Tensor, output: Tensor) -> Tensor:
        return x + output * self.depth.factors[self.number]


def residual_sums(graph: fx.Graph) -> list[str]:
    """The names of the nodes that add two maps of which one is computed from the other."""
    return [node.name for node in graph.nodes if _input_and_output(node) is not None]


def leave_out(module: fx.GraphModule, depth: StochasticDepth) -> None:
    """Replace the sums of residual blocks in a cut by such as leave out what ``depth`` has drawn."""
    numbers = {name: number for number, name in enumerate(depth.sums)}
    for node in list(module.graph.nodes):
        pair = _input_and_output(node) if node.name in numbers else None
        if pair is None:
            continue
        number = numbers[node.name]
        name = f"residual_sum_{number}"
        module.add_submodule(name, ResidualSum(depth, number))
        with module.graph.inserting_after(node):
            node.replace_all_uses_with(module.graph.call_module(name, pair))
        module.graph.erase_node(node)
    module.recompile()


def _input_and_output(node: fx.Node) -> tuple[fx.Node, fx.Node] | None:
    """The input and the output of the residual block that a sum ends; None for all else."""
    if node.target not in SUMS or len(node.args) != 2 or node.kwargs:
        return None
    one, other = node.args
    if not isinstance(one, fx.Node) or not isinstance(other, fx.Node):
        return None
    if _is_computed_from(other, one):
        return one, other
    return (other, one) if _is_computed_from(one, other) else None


def _is_computed_from(node: fx.Node, source: fx.Node) -> bool:
    visited, open_nodes = set[fx.Node](), [node]
    while open_nodes:
        for each in open_nodes.pop().all_input_nodes:
            if each is source:
                return node is not source
            if each not in visited:
                visited.add(each)
                open_nodes.append(each)
    return False
