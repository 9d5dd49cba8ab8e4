"""Eager forward mode: values that carry their tangents along.

`dual` holds the value, `push` how an operation moves the tangents.
"""
