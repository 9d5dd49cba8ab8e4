"""Rules of scipy.fft: Fourier transforms, which NumPy has too, and the cosine and sine transforms.

The engines import this folder when a function without a row arrives and scipy.fft is loaded; nothing else in
`rules` imports it.
"""

from pullback.rules.scipy_fft import fourier, trigonometric

__all__ = ["fourier", "trigonometric"]
