"""What the operating system gives a command and takes from it: limits, signals, streams, files. Nothing of a study.

Every room may import this one; of ours it imports `core` alone.
"""
