"""Say what is on a photograph: python examples/predict.py model.safetensors photo.jpg

The weights are what `python -m search export STUDY --weights model.safetensors` wrote of a study of the classifier.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors import safe_open

from classifier.data.decode import fitted, open_image, to_rgb
from classifier.inputs import grey
from classifier.models import build

with safe_open(sys.argv[1], "pt") as file:
    weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    names = ("settings", "classes", "input_size", "greyscale", "mean", "std")
    settings, classes, size, greyscale, mean, std = (json.loads(file.metadata()[name]) for name in names)
model = build(settings, len(classes)).eval()
model.load_state_dict(weights)
pixels = fitted(to_rgb(open_image(Path(sys.argv[2]))), size)[None]
image = torch.tensor(grey(pixels) if greyscale else pixels) / 255
mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (mean, std))
likely = model((image - mean) / std).softmax(1)[0]
print(f"{classes[likely.argmax()]} ({likely.max():.0%})")
