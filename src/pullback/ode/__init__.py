"""Initial value problems as differentiable programs: the derivative is that of the discrete solution.

The steps are those of a Runge-Kutta method; their sizes are constants of the discretisation, as are the
switches of an adaptive method (Hairer, Nørsett & Wanner, *Solving Ordinary Differential Equations I*, 1993,
§II.4; Sandu, *On the properties of Runge-Kutta discrete adjoints*, 2006).
"""

from pullback.base.errors import ConvergenceError
from pullback.ode import captured
from pullback.ode.solve import solve

assert captured  # tells `pullback.compile` of `solve`

__all__ = ["ConvergenceError", "solve"]
