"""Does a workload keep the contract: fresh processes to try it in, and `verify`, which tries it before it is believed.

Between the engine, which proves states while it runs, and the space, from which `verify` takes what it trains.
"""
