"""Trains one image classifier; has never heard of the service that tunes it.

`config` says what can be set, `workload` is the bridge to the service, `training` does the work between them.
"""
