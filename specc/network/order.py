"""The orders of Keras: that of `model.layers`, which its weights have too, and that of the calls.

Source: keras/src/ops/function.py, map_graph and _run_through_graph (3.15.1): by decreasing depth;
layers of one depth as a walk from the outputs to the inputs first meets them, calls of one depth as
the way back from the last of that walk comes to them.
"""

from __future__ import annotations

from collections.abc import Sequence

from specc.network.graph import Call, Node, Ref


def keras_order(inputs: Sequence[Ref], outputs: Sequence[Ref]) -> tuple[list[Node], list[Call]]:
    """(nodes that the outputs need, and unused inputs; calls as they run), in Keras' order.

    The order of calls shows where a layer is called twice that keeps statistics or states.
    """
    finished, met = _walk(outputs)
    call_depth: dict[Call, int] = {}
    node_depth: dict[Node, int] = {}
    for call in reversed(finished):
        # A layer called at several depths counts at the greatest seen so far.
        depth = max(call_depth.get(call, 0), node_depth.get(call.node, 0))
        node_depth[call.node] = call_depth[call] = depth
        for ref in call.written:
            call_depth[ref.call] = max(depth + 1, call_depth.get(ref.call, 0))
    for ref in inputs:
        if ref.call.node not in node_depth:
            node_depth[ref.call.node] = 0
            met[ref.call.node] = -1
    nodes = sorted(node_depth, key=lambda node: (-node_depth[node], met[node]))
    calls = [call for call in call_depth if call.inputs]
    return nodes, sorted(calls, key=lambda call: -call_depth[call])


def _walk(outputs: Sequence[Ref]) -> tuple[list[Call], dict[Node, int]]:
    """Calls in post-order of a depth-first walk against the arrows; when each node is first met."""
    finished: dict[Call, None] = {}
    met: dict[Node, int] = {}
    for output in outputs:
        stack = [(output.call, False)]
        while stack:
            call, done = stack.pop()
            if call in finished:
                continue
            if done:
                finished[call] = None
                continue
            met.setdefault(call.node, len(met))
            stack.append((call, True))
            stack += [(ref.call, False) for ref in reversed(call.written)]
    return list(finished), met
