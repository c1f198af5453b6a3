"""A study in a notebook: from a space file to tables and figures, in less than a minute.

Run it cell by cell in an editor that knows ``# %%``, or whole: ``python examples/notebook.py``, from the folder that
holds ``spaces/``.
"""

# %% The space: `spaces/focal.yaml` under a name of its own, with fewer images and epochs
from search import load_space, open_study, run

short = {"name": "focal-notebook", "epochs": 3, "data.limit": [240, 120, 120]}
space = load_space("spaces/focal.yaml", short)
print(f"{space.title}: {sum(1 for _ in space.grid())} settings, seeds {list(space.seeds)}")

# %% The run: trains what is missing. Run this cell again, and nothing is trained
study = run(space)
print(f"{study.outcome.epochs_trained} epochs trained, results in {study.folder}")

# %% The comparison table: in a notebook the cell `study` shows it; as numbers it is a data frame, one row per setting
table = study.table()  # the columns that one reads; study.table(all=True) has all
print(table[["setting", "finished", "val_accuracy_mean", "val_accuracy_low", "val_accuracy_high", "epochs"]])

# %% The epochs, as in epochs.csv: one line per trial and epoch
epochs = study.epochs().merge(study.trials()[["trial", "loss.gamma"]], on="trial")
print(epochs.pivot_table(index="epoch", columns="loss.gamma", values="val_loss"))

# %% The figures: in a notebook the cell `study.figures()` shows them, in plain Python `study.figures().show()` does
print(study.figures())

# %% The same as files: HTML that needs no network, and PNG where there is a Chrome or Chromium
drawn = study.draw()
print(*drawn.files, drawn.remark, sep="\n")

# %% Later, from the database alone
print(open_study("focal-notebook").trials()["state"].value_counts())
