"""Gradient of the LSTM objective: exponentials and hyperbolic tangents are saved, the rest is not."""

import numpy as np

from benchmarks.native.adjoints.compiled import buffer, compiled
from benchmarks.native.sources import lstm

primal = compiled(lstm.lstm_loops)


@compiled
def cell(x, weight, bias, output, memory, gate, output_after, memory_after):
    """One layer of one step; its output becomes `x`."""
    bits = x.shape[0]
    # The calls of exp and tanh stand alone, so that what surrounds them is vectorised.
    for j in range(bits):
        gate[j] = x[j] * weight[j] + bias[j]
        gate[bits + j] = output[j] * weight[bits + j] + bias[bits + j]
        gate[2 * bits + j] = x[j] * weight[2 * bits + j] + bias[2 * bits + j]
        gate[3 * bits + j] = output[j] * weight[3 * bits + j] + bias[3 * bits + j]
    for j in range(3 * bits):
        gate[j] = np.exp(-gate[j])
    for j in range(3 * bits):
        gate[j] = 1.0 / (1.0 + gate[j])
    for j in range(3 * bits, 4 * bits):
        gate[j] = np.tanh(gate[j])
    for j in range(bits):
        memory_after[j] = memory[j] * gate[j] + gate[bits + j] * gate[3 * bits + j]
    for j in range(bits):
        gate[4 * bits + j] = np.tanh(memory_after[j])
    for j in range(bits):
        x[j] = gate[2 * bits + j] * gate[4 * bits + j]
        output_after[j] = x[j]


@compiled
def forward(main, extra, state, sequence, gates, outputs, memories, shares):
    """The objective before its scale. Row t of `outputs` and `memories` holds the state before step t."""
    layers, bits = main.shape[0] // 2, state.shape[1]
    for layer in range(layers):
        for j in range(bits):
            outputs[0, layer, j] = state[2 * layer, j]
            memories[0, layer, j] = state[2 * layer + 1, j]
    x = np.empty(bits)
    total = 0.0
    for t in range(sequence.shape[0] - 1):
        for j in range(bits):
            x[j] = sequence[t, j] * extra[0, j]
        for layer in range(layers):
            cell(
                x, main[2 * layer], main[2 * layer + 1], outputs[t, layer], memories[t, layer],
                gates[t, layer], outputs[t + 1, layer], memories[t + 1, layer],
            )  # fmt: skip
        total_exp = 2.0
        for j in range(bits):
            shares[t, j] = np.exp(x[j] * extra[1, j] + extra[2, j])
            total_exp += shares[t, j]
        log_total, inverse = np.log(total_exp), 1.0 / total_exp
        for j in range(bits):
            shares[t, j] *= inverse
            total += sequence[t + 1, j] * (x[j] * extra[1, j] + extra[2, j] - log_total)
    return total


@compiled
def adjoint(total_bar, main, extra, sequence, gates, outputs, memories, shares):
    layers, bits = outputs.shape[1], outputs.shape[2]
    main_bar, extra_bar = np.zeros(main.shape), np.zeros(extra.shape)
    output_bar, memory_bar = np.zeros((layers, bits)), np.zeros((layers, bits))
    x_bar, gate_bar, inputs = np.empty(bits), np.empty(4 * bits), np.empty(4 * bits)
    for t in range(sequence.shape[0] - 2, -1, -1):
        top = outputs[t + 1, layers - 1]
        expected = 0.0
        for j in range(bits):
            expected += sequence[t + 1, j]
        for j in range(bits):
            predicted_bar = total_bar * (sequence[t + 1, j] - expected * shares[t, j])
            extra_bar[1, j] += predicted_bar * top[j]
            extra_bar[2, j] += predicted_bar
            x_bar[j] = predicted_bar * extra[1, j]
        for layer in range(layers - 1, -1, -1):
            # Several short loops, since one with all these arrays is not vectorised.
            gate, before = gates[t, layer], memories[t, layer]
            for j in range(bits):
                squashed, gate_out = gate[4 * bits + j], gate[2 * bits + j]
                y_bar = x_bar[j] + output_bar[layer, j]
                memory_bar[layer, j] += y_bar * gate_out * (1.0 - squashed * squashed)
                gate_bar[2 * bits + j] = y_bar * squashed * gate_out * (1.0 - gate_out)
            for j in range(bits):
                forget, gate_in, change = gate[j], gate[bits + j], gate[3 * bits + j]
                carried = memory_bar[layer, j]
                gate_bar[j] = carried * before[j] * forget * (1.0 - forget)
                gate_bar[bits + j] = carried * change * gate_in * (1.0 - gate_in)
                gate_bar[3 * bits + j] = carried * gate_in * (1.0 - change * change)
                memory_bar[layer, j] = carried * forget
            for j in range(bits):
                x = sequence[t, j] * extra[0, j] if layer == 0 else outputs[t + 1, layer - 1, j]
                inputs[j] = inputs[2 * bits + j] = x
                inputs[bits + j] = inputs[3 * bits + j] = outputs[t, layer, j]
            weight, weight_bar, bias_bar = main[2 * layer], main_bar[2 * layer], main_bar[2 * layer + 1]
            for j in range(4 * bits):
                weight_bar[j] += gate_bar[j] * inputs[j]
                bias_bar[j] += gate_bar[j]
                gate_bar[j] *= weight[j]
            for j in range(bits):
                output_bar[layer, j] = gate_bar[bits + j] + gate_bar[3 * bits + j]
                x_bar[j] = gate_bar[j] + gate_bar[2 * bits + j]
        for j in range(bits):
            extra_bar[0, j] += x_bar[j] * sequence[t, j]
    return main_bar, extra_bar


def lstm_gradient(main, extra, state, sequence):
    layers, bits, steps = main.shape[0] // 2, state.shape[1], sequence.shape[0] - 1
    sizes = (steps, layers, 5 * bits), (steps + 1, layers, bits), (steps + 1, layers, bits), (steps, bits)
    counts = [int(np.prod(size)) for size in sizes]
    saved = buffer("lstm", sum(counts))
    parts, start = [], 0
    for size, count in zip(sizes, counts, strict=True):
        parts.append(saved[start : start + count].reshape(size))
        start += count
    scale = -1.0 / (bits * steps)
    total = forward(main, extra, state, sequence, *parts)
    return scale * total, adjoint(scale, main, extra, sequence, *parts)
