"""The words and rules that all rooms share: errors, trials, epoch keys, stop rules, pruning. No disk, no clock."""
