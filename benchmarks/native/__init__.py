"""The workloads that the native engine is measured on; `registry.WORKLOADS` is their list."""
