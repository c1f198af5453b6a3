"""What a study will cost, before it is run: trials, epochs, seconds and bytes, and what sharing saves.

Nothing is written, and nothing is trained but one epoch as a probe where that is wanted. Of grids, and of samplers that
do not learn, every trial is known beforehand: counts of epochs are exact where no stop rule or pruning can end a trial,
and bounds where they can, as is said beside them. Seconds and bytes are estimates, each with its source.
"""
