from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

from search.adapters.sklearn import workload


def load():
    images, labels = load_digits(return_X_y=True)
    return train_test_split(images / 16, labels, test_size=0.3, random_state=0)


model = workload(
    SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.02, random_state=0),
    data=load,
    batch_size=32,
    settings={"eta0": {"type": "number", "exclusiveMinimum": 0, "epoch": True}},
)

if __name__ == "__main__":
    model()
