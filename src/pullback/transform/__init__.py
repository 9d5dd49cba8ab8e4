"""Derivatives of programs, as programs: what goes in and what comes out are `ir.Program`.

adjoint     reverse mode: forward sweep, reverse sweep
tangent     forward mode
several     an adjoint for several cotangents at once
canonical   the form both work on: locals and cells
count       while loops made ready to be walked backwards
alias       which names may share memory
activity    which variables carry a derivative
order       whether memory is overwritten after a statement has read it; elements: of arrays, by their indices
symbol      running a rule of the table to write it down
calculus    one assignment in reverse
cotangents  the cotangents of numbers; shadow: those of arrays
cut         a program in pieces at one of its loops; uncover: brings them to the top for that
rerun       a block that the reverse sweep runs again
halves      an adjoint in two programs, for when the value is wanted ahead of a cotangent
keep        what the reverse sweep needs of the past; loops: how often loops run, and their way back
undo        memory that the reverse sweep takes back to what it held
independent loops whose iterations meet only through accumulation
joint       those loops run forward and backward at once
"""
