"""The sides of `benchmarks.training`, each as a function that trains one epoch.

Every side runs in a process of its own, so that none finds another's flags. `epoch_of` returns a function without
arguments; it trains an epoch, is done when the device is, and returns how many images that were.

Ours is `classifier.training.Training.train_epoch`. The device's limit trains the same model with the same flags,
precision, memory format, loss and optimiser on four batches of random numbers that lie on the device already, in turn:
no images, no augmentation, no counting. Report B's pipeline is what its figures say a student wrote: PIL transforms,
`DataLoader` with workers, torchvision's ResNet-18, single precision, standard layout, PyTorch's defaults. Torchvision's
recipe is references/classification of torchvision for the model given: its training preset, SGD with weight decay 1e-4,
pinned memory, accuracies of the first and the first five per step; ``amp`` is float16 with a gradient scaler on a GPU,
as there, and bfloat16 on a CPU, where the recipe has none.

`Beside` is for `benchmarks.packing`: trials that train side by side in one process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from benchmarks.photos import Photos, decoded
from benchmarks.rates import LIMIT, OURS, REPORT_B, Case, Side

if TYPE_CHECKING:
    from classifier.training import Training

EpochOf = Callable[[], int]

CIFAR10 = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RANDOM_BATCHES = 4


def epoch_of(side: Side, case: Case, photos: Photos, threads: int, workers: int, device: str) -> EpochOf:
    """Return what trains an epoch of a side; see the module.

    Args:
        side, case: what is trained, and how.
        photos: as many as an epoch has, whole batches.
        threads: CPU threads of the process.
        workers: processes of a `DataLoader`.
        device: ``cpu`` or ``cuda``.
    """
    torch.set_num_threads(threads)
    if side.way == OURS:
        return ours(side, case, photos, threads, device)
    if side.way == LIMIT:
        return limit(side, case, photos, threads, device)
    make = report_b if side.way == REPORT_B else recipe
    return make(side, case, photos, workers, device)


def settings_of(case: Case, precision: str, graphs: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the canonical fixed settings of a case, and those of an epoch.

    Raises:
        SettingFaults: the classifier has no such setting.
    """
    from classifier import config

    chosen = {"data": case.data, "data.size": case.size, "model.name": case.name, "batch_size": case.batch}
    how = {"precision": precision, "cuda_graphs": graphs}
    fixed, [each] = config.schedule(config.canonical({**chosen, **case.settings, **how}), 1)
    return fixed, each


def ours(side: Side, case: Case, photos: Photos, threads: int, device: str) -> EpochOf:
    """Our own training."""
    from classifier.training import Training

    fixed, each = settings_of(case, side.precision, side.graphs)
    training = Training(fixed, decoded(photos, case.size), threads, device)

    def epoch() -> int:
        training.train_epoch(each)
        wait(device)
        return len(photos.paths)

    return epoch


def limit(side: Side, case: Case, photos: Photos, threads: int, device: str) -> EpochOf:
    """The same steps on random numbers."""
    from classifier.losses import focal
    from classifier.models import build
    from classifier.optimisers import optimiser, set_rate
    from classifier.process import check_precision, configure, precision, undisturbed
    from classifier.steps import Graphed
    from classifier.weights import initialise

    fixed, of_an_epoch = settings_of(case, side.precision, side.graphs)
    configure(threads)
    check_precision(side.precision, torch.device(device))
    with undisturbed(device):
        model = build(fixed, photos.classes)
        initialise(model, 0)
        model = model.to(device, memory_format=torch.channels_last).train()
        optimizer = optimiser(model, fixed)
        set_rate(optimizer, of_an_epoch["optimizer.lr"])
        shape = (case.batch, 3, case.size, case.size)
        batches = [
            (
                torch.randn(shape, device=device).contiguous(memory_format=torch.channels_last),
                torch.randint(photos.classes, (case.batch,), device=device),
            )
            for _ in range(RANDOM_BATCHES)
        ]

    def step(inputs: Tensor, target: Tensor) -> None:
        with precision(side.precision, device):
            logits = model(inputs).float()
        loss = focal(logits, target, of_an_epoch["loss.gamma"])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    train = Graphed(step) if side.graphs else step

    def epoch() -> int:
        steps = len(photos.paths) // case.batch
        with undisturbed(device):
            for number in range(steps):
                train(*batches[number % len(batches)])
        wait(device)
        return steps * case.batch

    return epoch


class Files(TorchDataset):
    """Like torchvision's `ImageFolder`: opens a file and transforms it."""

    def __init__(self, paths: Sequence[Path], labels: Sequence[int], transform: Callable[[Any], Tensor]) -> None:
        self.paths, self.labels, self.transform = paths, labels, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        from PIL import Image

        with self.paths[place].open("rb") as file:
            image = Image.open(file).convert("RGB")
        return self.transform(image), self.labels[place]


def report_b(side: Side, case: Case, photos: Photos, workers: int, device: str) -> EpochOf:
    """What a student writes."""
    from torchvision import models, transforms

    steps = [
        transforms.RandomVerticalFlip(0.5),
        transforms.RandomRotation(10),
        transforms.ToTensor(),
        transforms.Normalize(*CIFAR10),
        transforms.Resize((case.size, case.size)),
    ]
    files = Files(photos.paths, photos.labels, transforms.Compose(steps))
    loader = DataLoader(files, batch_size=case.batch, shuffle=True, num_workers=workers)
    model = models.resnet18(num_classes=photos.classes).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    criterion = nn.CrossEntropyLoss()

    def epoch() -> int:
        model.train()
        seen, total, correct = 0, 0.0, 0
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            outputs = model(images)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
            correct += (outputs.argmax(1) == labels).sum().item()
            seen += len(labels)
        return seen

    return epoch


def recipe(side: Side, case: Case, photos: Photos, workers: int, device: str) -> EpochOf:
    """Torchvision's reference for classification."""
    from torchvision import transforms

    from classifier.models import build

    steps = [
        transforms.RandomResizedCrop(case.size),
        transforms.RandomHorizontalFlip(0.5),
        transforms.PILToTensor(),
        transforms.ConvertImageDtype(torch.float),
        transforms.Normalize(*IMAGENET),
    ]
    files = Files(photos.paths, photos.labels, transforms.Compose(steps))
    pin = device == "cuda"
    loader = DataLoader(files, batch_size=case.batch, shuffle=True, num_workers=workers, pin_memory=pin)
    torch.backends.cudnn.benchmark = True
    fixed, _ = settings_of(case, "fp32")
    layout = torch.channels_last if side.channels_last else torch.contiguous_format
    model = build(fixed, photos.classes).to(device, memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.005, momentum=0.9, weight_decay=1e-4)
    criterion = nn.CrossEntropyLoss()
    amp = side.precision != "fp32"
    scaler = torch.amp.GradScaler(device, enabled=amp and device == "cuda")

    def epoch() -> int:
        model.train()
        seen, meters = 0, [0.0, 0.0, 0.0]
        for images, labels in loader:
            images, labels = images.to(device, memory_format=layout), labels.to(device)
            with torch.autocast(device, torch.float16 if device == "cuda" else torch.bfloat16, enabled=amp):
                output = model(images)
                loss = criterion(output, labels)
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            for place, value in enumerate([loss, *_accuracies(output, labels)]):
                meters[place] += value.item() * len(labels)
            seen += len(labels)
        return seen

    return epoch


def _accuracies(output: Tensor, labels: Tensor) -> Iterable[Tensor]:
    """Shares of images whose class is the first, and among the first five."""
    hits = output.detach().topk(5, 1).indices == labels[:, None]
    return hits[:, 0].float().mean(), hits.any(1).float().mean()


class Beside:
    """A trial that is trained from its start whenever it is called, beside others in its process.

    Args:
        training: begun in the process's usual stream.
        train: trains it, and returns a digest of all it came to.
        device: ``cpu`` or ``cuda``.
    """

    def __init__(self, training: Training, train: Callable[[Training], str], device: str) -> None:
        self._training, self._train = training, train
        self._start = training.save()
        wait(device)  # until all is there that the stream of its own reads
        self._stream = torch.cuda.Stream() if device == "cuda" else None

    def __call__(self) -> str:
        """Return what training it returns."""
        with torch.cuda.stream(self._stream) if self._stream is not None else nullcontext():
            self._training.load(self._start)
            return self._train(self._training)


def side_by_side(calls: Sequence[Callable[[], str]]) -> list[str]:
    """Call all of them at once, each in a thread of its own; return what they return once the last is done."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def wait(device: str) -> None:
    """Return when the device has done what it was told to."""
    if device == "cuda":
        torch.cuda.synchronize()
