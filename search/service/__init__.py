"""The Optuna dashboard over the mirror, with the studies' reports and pictures, on loopback only.

What this room promises:

* it listens on 127.0.0.1 alone: the dashboard has no authentication, and can delete what it shows;
* no page of another site reads it or changes anything there (`search.service.door`);
* it shows copies: whatever is deleted or edited there, the ledger is untouched and the next start puts it right;
* ``/reports/<study>/`` is the study's folder, and nothing outside of it; a page served there may run its own scripts,
  but cannot call the dashboard;
* each study's note leads to its report; a note that somebody edited is left alone;
* pictures (Optuna's artifacts) are drawn behind the server's back while it answers already: all figures of each study,
  curves and confusion matrix of its `BEST_TRIALS_DRAWN` best trials; what did not change is not drawn again.
"""
