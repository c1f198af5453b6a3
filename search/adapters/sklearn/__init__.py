"""Estimators of scikit-learn as workloads, by ``partial_fit`` or ``warm_start``.

    from search.adapters.sklearn import workload

    digits = workload(SGDClassifier(loss="log_loss"), data=load, batch_size=32)

An epoch is one pass over the training data in an order of its own. Parameters of the estimator are settings.
[docs/how-to/code-sklearn.md](../../../docs/how-to/code-sklearn.md) starts from a script and shows what changes.
"""

from search.adapters.sklearn.errors import EstimatorError
from search.adapters.sklearn.workload import EstimatorWorkload, workload

__all__ = ["EstimatorError", "EstimatorWorkload", "workload"]
