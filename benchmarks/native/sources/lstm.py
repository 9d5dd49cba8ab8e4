"""Next-character prediction by a network of diagonal LSTM cells (the LSTM objective of ADBench).

``main`` has two rows for each layer, weights and biases of the forget, input, output and change gates;
``extra`` scales what goes in and out; ``state`` has two rows for each layer, output and memory.

Source: the objective of the repository microsoft/ADBench; Hochreiter & Schmidhuber, *Long short-term memory*,
1997.
"""

import numpy as np


def lstm_slices(main, extra, state, sequence):
    layers, bits = main.shape[0] // 2, state.shape[1]
    state = state.copy()
    total = 0.0
    for t in range(sequence.shape[0] - 1):
        x = sequence[t] * extra[0]
        for layer in range(layers):
            weight, bias = main[2 * layer], main[2 * layer + 1]
            output, memory = state[2 * layer], state[2 * layer + 1]
            forget = 1.0 / (1.0 + np.exp(-(x * weight[:bits] + bias[:bits])))
            gate_in = 1.0 / (1.0 + np.exp(-(output * weight[bits : 2 * bits] + bias[bits : 2 * bits])))
            gate_out = 1.0 / (1.0 + np.exp(-(x * weight[2 * bits : 3 * bits] + bias[2 * bits : 3 * bits])))
            change = np.tanh(output * weight[3 * bits :] + bias[3 * bits :])
            memory = memory * forget + gate_in * change
            x = gate_out * np.tanh(memory)
            state[2 * layer] = x
            state[2 * layer + 1] = memory
        predicted = x * extra[1] + extra[2]
        normalized = predicted - np.log(np.sum(np.exp(predicted)) + 2.0)
        total += np.sum(sequence[t + 1] * normalized)
    return -total / (bits * (sequence.shape[0] - 1))


def lstm_loops(main, extra, state, sequence):
    layers, bits = main.shape[0] // 2, state.shape[1]
    output, memory = np.empty((layers, bits)), np.empty((layers, bits))
    for layer in range(layers):
        for j in range(bits):
            output[layer, j] = state[2 * layer, j]
            memory[layer, j] = state[2 * layer + 1, j]
    x = np.empty(bits)
    total = 0.0
    for t in range(sequence.shape[0] - 1):
        for j in range(bits):
            x[j] = sequence[t, j] * extra[0, j]
        for layer in range(layers):
            weight, bias = main[2 * layer], main[2 * layer + 1]
            for j in range(bits):
                forget = 1.0 / (1.0 + np.exp(-(x[j] * weight[j] + bias[j])))
                gate_in = 1.0 / (1.0 + np.exp(-(output[layer, j] * weight[bits + j] + bias[bits + j])))
                gate_out = 1.0 / (1.0 + np.exp(-(x[j] * weight[2 * bits + j] + bias[2 * bits + j])))
                change = np.tanh(output[layer, j] * weight[3 * bits + j] + bias[3 * bits + j])
                memory[layer, j] = memory[layer, j] * forget + gate_in * change
                output[layer, j] = gate_out * np.tanh(memory[layer, j])
                x[j] = output[layer, j]
        total_exp = 2.0
        for j in range(bits):
            total_exp += np.exp(x[j] * extra[1, j] + extra[2, j])
        log_total = np.log(total_exp)
        for j in range(bits):
            total += sequence[t + 1, j] * (x[j] * extra[1, j] + extra[2, j] - log_total)
    return -total / (bits * (sequence.shape[0] - 1))
