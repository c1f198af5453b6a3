import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split


def load():
    images, labels = load_digits(return_X_y=True)
    return train_test_split(images / 16, labels, test_size=0.3, random_state=0)


model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.02, random_state=0)

if __name__ == "__main__":
    X_train, X_val, y_train, y_val = load()
    generator = np.random.default_rng(0)
    for epoch in range(10):
        order = generator.permutation(len(X_train))
        for start in range(0, len(order), 32):
            batch = order[start : start + 32]
            model.partial_fit(X_train[batch], y_train[batch], classes=np.unique(y_train))
        print(f"epoch {epoch}: accuracy {model.score(X_val, y_val):.4f}")
