"""Passes over a program, each `Program -> Program` with the same meaning.

lower       array statements become fused loop nests over scalars
"""
