"""The engine: a driver that decides, workers that train, and Ray Tune between them.

`decide` says what is trained next and how each trial ends; `worker` trains; `executor` hands leases to workers through
Ray Tune; `machines` says what each node offers. `run` goes through the steps of one command.
"""
