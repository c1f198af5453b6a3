"""Say what is on a photograph: python examples/predict.py model.safetensors photo.jpg

The weights are what `python -m search export STUDY --weights model.safetensors` wrote of a study of the classifier.
"""

import json
import sys

import torch
from safetensors import safe_open

from classifier.data.decode import read_image
from classifier.models import build

with safe_open(sys.argv[1], "pt") as file:
    weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    about = json.loads(file.metadata()["about"])
model = build(about["settings"], len(about["classes"])).eval()
model.load_state_dict(weights)
mean, std = (torch.tensor(about[name]).view(3, 1, 1) for name in ("mean", "std"))
image = torch.tensor(read_image(sys.argv[2], about["input_size"], about["greyscale"])) / 255
likely = model(((image - mean) / std)[None]).softmax(1)[0]
print(f"{about['classes'][likely.argmax()]} ({likely.max():.0%})")
