"""Tables and exports of a study, rebuilt at any time from the ledger alone.

What this room promises:

* rows first, drawing after: frames and tables are plain data, and what draws them computes nothing;
* everything comes from the database: no workload is loaded, no Ray or Optuna is needed, and a study that is running
  can be read; nothing is written to the ledger but, by `record_look` alone, that a table was looked at;
* a trial that was pruned, diverged, failed or is not done never stands unmarked among finished ones;
* no NaN or infinity in any export; numbers in CSV, JSON, XLSX and Parquet read back bit-identical, and those people
  read (Markdown, LaTeX, HTML) end where their uncertainty has its second digit;
* no text of a study is run or read as markup by the program an export is for;
* a file appears whole or not at all, and a study's folder never lies outside the results folder;
* intervals, differences and verdicts rest on predictions on record, by the rules in `statistics`; without predictions
  nothing is judged, and the table says so.

Published figures are audited elsewhere; a table only puts them beside ours.
"""
