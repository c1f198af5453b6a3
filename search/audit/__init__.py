"""Published figures, checked by arithmetic: what cannot be, and what they are too few to show.

Needs space files alone. Nothing here trains, reads images or opens the ledger; figures are read from their text, digit
by digit, and whatever is called a flaw was decided in whole numbers.
"""
