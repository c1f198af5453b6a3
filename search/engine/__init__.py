"""The engine: a driver that decides, workers that train, and Ray Tune between them.

`driver`, `fold`, `outcomes` and `lease` are pure of Ray; `tune` and `worker` are the only rooms that import it.
"""
