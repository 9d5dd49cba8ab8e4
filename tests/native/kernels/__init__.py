"""NumPy-style programs of many kinds, each a plain function; `kernels.registry.KERNELS` is their list."""
