"""The transforms users call: gradients, products, Jacobians, and how to add an operator."""
