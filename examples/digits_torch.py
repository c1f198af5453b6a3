import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset, random_split

from search.adapters.torch import workload


def load():
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    dataset = TensorDataset(images, torch.tensor(digits.target))
    return random_split(dataset, [1400, 397], torch.Generator().manual_seed(0))


@workload(settings={"lr": {"type": "number", "default": 0.1, "epoch": True}}, data=load)
def main(run, train, val):
    layers = [nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(576, 10)]
    model = nn.Sequential(*layers)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    run.keep(model=model, optimizer=optimizer)
    for epoch in run:
        optimizer.param_groups[0]["lr"] = run["lr"]
        model.train()
        for images, labels in DataLoader(train, batch_size=64, shuffle=True):
            optimizer.zero_grad()
            loss = cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
        model.eval()
        images, labels = val[:]
        with torch.no_grad():
            logits = model(images)
        val_loss = cross_entropy(logits, labels)
        val_accuracy = (logits.argmax(1) == labels).float().mean()
        yield run.measured(val_loss=val_loss, val_accuracy=val_accuracy)


if __name__ == "__main__":
    main()
