"""Parts of SciPy that turn their arguments into plain arrays, in a form that keeps the derivative."""
