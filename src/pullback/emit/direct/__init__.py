"""From the text of emitted source to LLVM instructions, without Numba's own front end.

Emitted source is a small language: one type a variable, loops over ranges, elements and views of arrays.
Numba finds its types by a fixed point over bytecode, and gives every variable a place in memory with the
code around it that LLVM then takes away again. Here one walk over the syntax tree finds the types (`infer`,
`array_types`), one more writes the instructions (`code`, `array_code`), and names that are assigned once
are LLVM values at once. What the first does not know is a `RefusedError`, and Numba's own passes take the
function (`pipeline`). Functions are called through Numba's registries, so that both ways compute the same.
"""
