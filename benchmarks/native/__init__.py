"""The workloads that the native engine is measured on; ``python -m benchmarks.native`` runs them."""
