"""Eager reverse mode: records operations as they run, and walks them back.

Read in this order: `node` (what is recorded), `variable` (the value a user handles), `fast` and `record` (how
an operation becomes a node), `cells` (views and in-place writes), `sweep` (the way back).
"""
