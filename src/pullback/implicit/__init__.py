"""Solutions of equations as differentiable operations, by the implicit function theorem.

``f(x, *args) = 0`` says how `x` moves with `args`: ``∂f/∂x · x_dot = -∂f/∂args · args_dot``. The solver is
called with plain arrays, and derivatives cost one linear system each, whatever it did (Blondel et al.,
*Efficient and Modular Implicit Differentiation*, NeurIPS 2022; Griewank & Walther, *Evaluating Derivatives*,
2008, ch. 15).
"""

from pullback.base.errors import ConvergenceError
from pullback.implicit.fixed import fixed_point
from pullback.implicit.minimum import minimize
from pullback.implicit.zero import root

__all__ = ["ConvergenceError", "fixed_point", "minimize", "root"]
