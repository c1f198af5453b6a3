"""The ledger: rows, trials and decisions in a real database; the truth that everything else is rebuilt from.

What it guarantees:

* a `Step` is one transaction: a row, what was decided on it and the trials it changes are committed together, before
  anybody acts on the decision;
* rows are immutable: `Step.put_row` inserts or compares, whoever comes first, from however many drivers;
* decisions of a study are numbered 0, 1, 2 ... in the order they were committed;
* a state is on disk, complete and synced, before it is named; whoever reads it checks its hash, and a bad or missing
  one is a miss, never a wrong result;
* what was read once is never changed by another process, except trials and decisions of a study one's own driver runs.

It knows nothing of Ray, Optuna or what the rows mean.
"""
