"""The engine: a driver that decides, workers that train, and Ray Tune between them.

`driver`, `board`, `fold`, `outcomes`, `lease` and `place` are free of Ray; `tune` and `worker` are the only
rooms that import it.
"""
