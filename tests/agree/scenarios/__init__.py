"""Plain NumPy programs with example arguments, one topic a file: what every engine has to agree on.

Nothing in these files knows of an engine. An engine that needs other arrays to write into, or reads source,
gets the file with another module in the place of NumPy (`run.loaded`).
"""
