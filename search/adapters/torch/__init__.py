"""A PyTorch script as a workload."""
