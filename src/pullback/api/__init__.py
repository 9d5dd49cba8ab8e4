"""The transforms users call: reverse and forward products, gradients, Jacobians,
and how to add an operator.
"""
