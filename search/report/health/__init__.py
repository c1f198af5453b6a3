"""What rows on record show to be wrong with a study: each kind of finding in a file; silent on a sound study.

A detector is a function from a study that was read, with its comparison table, to findings. It trains nothing, reads no
data, and says no more than rows prove; what the table says in a note it says in the same words, from the same figures.
"""
