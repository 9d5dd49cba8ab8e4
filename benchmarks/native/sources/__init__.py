"""What a user would write: plain functions over NumPy, by array expressions (``_slices``) and by loops."""
