"""A verdict on demand: the claims of a file as a question with a budget.

Seeds are added in blocks, at looks fixed beforehand, until every claim is decided or the budget is spent. Each look
decides at a level of its own (`search.statistics.sequential`), so that all of them together err as rarely as one table;
what is on record is trained no second time, and the same command goes on after an interruption.
"""
