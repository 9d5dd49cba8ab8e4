"""Gradient of the LSTM objective: every exponential and hyperbolic tangent is saved, everything else is not."""

import numpy as np

from benchmarks.native.adjoints.compiled import buffer, compiled
from benchmarks.native.sources import lstm

primal = compiled(lstm.lstm_loops)


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
            weight, bias, gate = main[2 * layer], main[2 * layer + 1], gates[t, layer]
            for j in range(bits):
                output = outputs[t, layer, j]
                forget = 1.0 / (1.0 + np.exp(-(x[j] * weight[j] + bias[j])))
                gate_in = 1.0 / (1.0 + np.exp(-(output * weight[bits + j] + bias[bits + j])))
                gate_out = 1.0 / (1.0 + np.exp(-(x[j] * weight[2 * bits + j] + bias[2 * bits + j])))
                change = np.tanh(output * weight[3 * bits + j] + bias[3 * bits + j])
                memory = memories[t, layer, j] * forget + gate_in * change
                squashed = np.tanh(memory)
                gate[0, j], gate[1, j], gate[2, j] = forget, gate_in, gate_out
                gate[3, j], gate[4, j] = change, squashed
                memories[t + 1, layer, j] = memory
                outputs[t + 1, layer, j] = x[j] = gate_out * squashed
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
    x_bar = np.empty(bits)
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
            weight, gate = main[2 * layer], gates[t, layer]
            weight_bar, bias_bar = main_bar[2 * layer], main_bar[2 * layer + 1]
            for j in range(bits):
                forget, gate_in, gate_out = gate[0, j], gate[1, j], gate[2, j]
                change, squashed = gate[3, j], gate[4, j]
                output = outputs[t, layer, j]
                x = sequence[t, j] * extra[0, j] if layer == 0 else outputs[t + 1, layer - 1, j]
                y_bar = x_bar[j] + output_bar[layer, j]
                carried = memory_bar[layer, j] + y_bar * gate_out * (1.0 - squashed * squashed)
                out_bar = y_bar * squashed * gate_out * (1.0 - gate_out)
                forget_bar = carried * memories[t, layer, j] * forget * (1.0 - forget)
                in_bar = carried * change * gate_in * (1.0 - gate_in)
                change_bar = carried * gate_in * (1.0 - change * change)
                memory_bar[layer, j] = carried * forget
                weight_bar[j] += forget_bar * x
                weight_bar[bits + j] += in_bar * output
                weight_bar[2 * bits + j] += out_bar * x
                weight_bar[3 * bits + j] += change_bar * output
                bias_bar[j] += forget_bar
                bias_bar[bits + j] += in_bar
                bias_bar[2 * bits + j] += out_bar
                bias_bar[3 * bits + j] += change_bar
                output_bar[layer, j] = in_bar * weight[bits + j] + change_bar * weight[3 * bits + j]
                x_bar[j] = forget_bar * weight[j] + out_bar * weight[2 * bits + j]
        for j in range(bits):
            extra_bar[0, j] += x_bar[j] * sequence[t, j]
    return main_bar, extra_bar


def lstm_gradient(main, extra, state, sequence):
    layers, bits, steps = main.shape[0] // 2, state.shape[1], sequence.shape[0] - 1
    sizes = (steps, layers, 5, bits), (steps + 1, layers, bits), (steps + 1, layers, bits), (steps, bits)
    counts = [int(np.prod(size)) for size in sizes]
    saved = buffer("lstm", sum(counts))
    parts, start = [], 0
    for size, count in zip(sizes, counts, strict=True):
        parts.append(saved[start : start + count].reshape(size))
        start += count
    scale = -1.0 / (bits * steps)
    total = forward(main, extra, state, sequence, *parts)
    return scale * total, adjoint(scale, main, extra, sequence, *parts)
