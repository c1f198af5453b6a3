"""What the ledger says of a study, read once: curves, predictions as scores, data frames. Judges nothing."""
