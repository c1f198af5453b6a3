"""Looking inside a model: its layers, the features before its classifier, what its filters answer to.

Nothing here changes a run: weights, running statistics, optimiser and random state are as they were.
"""
