"""Trains one image classifier; of the service that tunes it, it imports `search.workload` alone.

`config` says what can be set, `workload` is what the service tunes, `training` does the work between them.
"""
