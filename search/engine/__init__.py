"""The engine: a driver that decides, workers that train, and Ray Tune between them.

`driver`, `board`, `outcomes`, `lease`, `place`, `nodes` and `proof` are free of Ray; `tune`, `cluster` and `worker` are
the only rooms that import it.
"""
