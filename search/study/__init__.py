"""Samplers, trials, and their mirror in an Optuna database; only this room and `search.service` import optuna.

An importer names the file it needs: `opened`, the study in hand, brings no Optuna, and a report needs none.
"""
