"""The program: a small, typed, structured language between the user's source and compiled code.

types       Scalar, Array, Stack, and what type a NumPy call returns
nodes       Var, Const, Slice; Assign, Store, For, While, If, Checkpoint, Raise, Push, Pop, Return; Program
primitives  the operations of a program that are no NumPy function: item, view, bind, dim …
build       Builder: fresh names, typed assignments, blocks
walk        what a statement reads and writes; rewriting a tree of statements
lengths     axes of parameters whose length a check at the start says
memory      which names may refer to the same memory
views       which calls give a view in NumPy, and new memory in a program
affine      affine integer expressions; empty: whether inequalities between them have no solution
verify      the rules a program obeys, checked after every pass in the tests
run         the reference interpreter
"""
