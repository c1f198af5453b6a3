"""Random changes to training images, drawn per image and epoch, and applied batch by batch.

What a caller may rely on:

- What happens to an image in an epoch is a function of (seed, epoch, the image's number, settings): neither the order
  nor the size of the batches matters, bit for bit, and adding an operation does not move another's draws (`draws`).
- Each operation has the distribution of torchvision's v2 transform of that name (`geometry`, `colour`, `policy` and
  `mixing` say how, and where differences lie). The order is rotation, crop, flips, colour jitter, greyscale, policy,
  erasing, mixing; the four jitters are applied in an order of their own per image, as in `ColorJitter`.
- An operation that is off costs nothing. With flips alone pixels are moved, not interpolated; with nothing on they are
  only converted.
- `apply` runs on the device of its batch and never makes the host wait for it, except for one upload of the drawn
  parameters at the first batch of an epoch. It is `rows`, which looks the parameters of a batch up, and `change`, which
  can be recorded once and replayed with the rows of any other batch and epoch.
- Mixing needs two images for one: `order` says which, and `mix` makes one of the two after `change`.

Importing this module does not import torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.augment_settings import checked
from classifier.draws import table
from search.workload import Settings

if TYPE_CHECKING:
    import torch


_FACTORS = ("brightness", "contrast", "saturation")
_JITTERS = (*_FACTORS, "hue")


class Augmentation:
    """The augmentation of one epoch: parameters drawn once for every training image, applied batch by batch.

    Args:
        settings: values by name; a name that is missing has its default, names outside "augment." are not looked at.
        seed: of the training run.
        epoch: of the draws.
        images: size of the training set.

    Raises:
        ValueError: a name or a value that `augment_settings.AUGMENT_SETTINGS` does not allow.

    Attributes:
        drawn: operation that is on -> its parameters: "rotation" [images] degrees counter-clockwise; "crop"
            [images, BOX_DRAWS] uniform draws (the boxes depend on the image size, see `boxes`); "hflip", "vflip",
            "greyscale" [images] boolean; "brightness", "contrast", "saturation" [images] factors; "hue" [images] turns;
            "policy" [operations, images, 3] of `policy.drawn`; "erase" [images, BOX_DRAWS + 1] uniform draws, the first
            of them at 1 where nothing is erased; "mixup" [images] own shares; "cutmix" [images, CUT_DRAWS] share and
            place.
        keys: colour jitter that is on -> [images]; an image's jitters are applied in the order of its keys.
        partners: where images are mixed, the image that each is mixed with, int64 [images]; else None.
    """

    def __init__(self, settings: Settings, seed: int, epoch: int, images: int) -> None:
        values = checked(settings)
        self.drawn: dict[str, NDArray[Any]] = {}
        self.keys: dict[str, NDArray[np.float64]] = {}
        self._smallest = values["crop_scale"]
        self._packed: dict[tuple[Any, int, int], tuple[torch.Tensor, dict[str, slice]]] = {}

        def uniform(operation: str, parameters: int = 1) -> NDArray[np.float64]:
            return table(seed, epoch, f"augment.{operation}", images, parameters)

        if limit := values["rotation"]:
            self.drawn["rotation"] = limit * (2 * uniform("rotation")[:, 0] - 1)
        if values["crop"]:
            from classifier.geometry import BOX_DRAWS

            self.drawn["crop"] = uniform("crop", BOX_DRAWS)
        for name in ("hflip", "vflip", "greyscale"):
            if values[name]:
                self.drawn[name] = uniform(name)[:, 0] < values[name]
        for name in _JITTERS:
            if strength := values[name]:
                # The place in the order is the operation's own draw too, so that adding one keeps the others' order.
                value, self.keys[name] = uniform(name, 2).T
                low, high = (-strength, strength) if name == "hue" else (max(0.0, 1 - strength), 1 + strength)
                self.drawn[name] = low + (high - low) * value
        self._policy = values["policy"]
        if self._policy != "none":
            from classifier import policy

            # One table for each place in turn, so that more operations move no draw of the first ones.
            rand = self._policy == "randaugment"
            places = [uniform(f"policy.{turn}", policy.DRAWS) for turn in range(values["operations"] if rand else 1)]
            magnitude = values["magnitude"] if rand else None
            self.drawn["policy"] = np.stack([policy.drawn(draws, magnitude) for draws in places])
        if values["erase"]:
            from classifier.geometry import BOX_DRAWS

            self.drawn["erase"] = uniform("erase", BOX_DRAWS + 1)
            self.drawn["erase"][:, 0] = self.drawn["erase"][:, 0] >= values["erase"]
        self.partners: NDArray[np.int64] | None = None
        if values["mixup"] or values["cutmix"]:
            from classifier import mixing

            self.partners = mixing.ring(uniform("partner")[:, 0])
            if values["mixup"]:
                self.drawn["mixup"] = mixing.shares(uniform("mixup")[:, 0], values["mixup"])
            if values["cutmix"]:
                draws = uniform("cutmix", mixing.CUT_DRAWS)
                draws[:, 0] = mixing.shares(draws[:, 0], values["cutmix"])
                self.drawn["cutmix"] = draws
            both = values["mixup"] and values["cutmix"]
            self._cuts = uniform("mix")[:, 0] < 0.5 if both else None

    def boxes(self, height: int, width: int) -> NDArray[np.int64]:
        """The crop of every training image of this size, [images, 4] top, left, height, width in pixels.

        Raises:
            KeyError: the crop is off.
        """
        from classifier.geometry import crop_boxes

        return crop_boxes(self.drawn["crop"], self._smallest, height, width)

    def order(self, images: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which images a step needs for these, [n]: the same, or with their partners, [2, n], in two rows."""
        return images if self.partners is None else np.stack((images, self.partners[images]))

    def apply(self, batch: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        """Augment a batch on its own device, but for mixing.

        Args:
            batch: uint8 (0..255) or floating (0..1), [b, 3, h, w], in either memory format.
            index: int64 [b], which training images these are; best on the batch's device (else it is copied there).

        Returns:
            float32 [b, 3, h, w] in [0, 1], in the batch's memory format; with nothing on and a float32 batch, the
            batch itself.

        Raises:
            TypeError: pixels of another type.
            ValueError: another shape.
            IndexError: a number that is not a training image's (on the CPU; on CUDA a device-side assertion).
        """
        from classifier.colour import unit

        _check_shape(batch)
        if index.shape != batch.shape[:1]:
            raise ValueError(
                f"{len(batch)} images come with an index of shape {list(index.shape)}; give each its number"
            )
        if not self.drawn:
            return unit(batch)
        return self.change(batch, self.rows(index.to(batch.device), *batch.shape[-2:]))

    def rows(self, index: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Return the drawn parameters of these images, float32 [b, columns], for `change`.

        Args:
            index: int64 [b], which training images; the parameters lie on its device.
            height, width: of the images, pixels.
        """
        import torch

        if not self.drawn:
            return torch.empty((len(index), 0), device=index.device)
        return self._parameters(index.device, height, width)[0].index_select(0, index)

    def change(self, batch: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Augment a batch by given parameters: see `apply`. Depends on nothing else that changes between epochs.

        Args:
            batch: see `apply`.
            rows: of `rows`, of this epoch or of another one with the same settings; without columns nothing is on.
        """
        import torch

        from classifier.colour import unit

        _check_shape(batch)
        if not self.drawn:
            return unit(batch)
        with torch.no_grad():
            height, width = batch.shape[-2:]
            columns = self._parameters(batch.device, height, width)[1]
            named = {name: rows[:, place] for name, place in columns.items()}
            images = self._recolour(self._move(batch, named), named)
            return _laid_as(self._follow(images, named), batch)

    def mix(self, images: torch.Tensor, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Make one image of two, where mixing is on.

        Args:
            images: float32 [2 b, 3, h, w] of `change`: b images, then their partners.
            rows: [2 b, columns] of `rows`.

        Returns:
            float32 [b, 3, h, w], in the memory format that they had, and the own share of each label, float32 [b].

        Raises:
            KeyError: mixing is off.
        """
        from classifier import mixing

        columns = self._parameters(images.device, *images.shape[-2:])[1]["mix"]
        mixed, share = mixing.mix(images, rows.chunk(2)[0][:, columns])
        return _laid_as(mixed, images), share

    def _parameters(self, device: torch.device, height: int, width: int) -> tuple[torch.Tensor, dict[str, slice]]:
        """All parameters as one float32 table [images, columns] on the device, and who has which columns."""
        import torch

        from classifier import colour, geometry

        where = (device, height, width)
        if where not in self._packed:
            blocks: dict[str, NDArray[Any]] = {}
            if "rotation" in self.drawn:
                blocks["rotation"] = geometry.rotation_columns(self.drawn["rotation"])
            if "crop" in self.drawn:
                blocks["crop"] = geometry.crop_columns(self.boxes(height, width), height, width)
            for name in ("hflip", "vflip", "greyscale", "hue"):
                if name in self.drawn:
                    blocks[name] = self.drawn[name][:, None]
            blocks |= self._late_columns(height, width)
            steps = colour.blend_steps({name: self.drawn[name] for name in self.keys}, self.keys)
            for side, few in zip(("before", "after"), steps, strict=True):
                blocks |= {f"{side}{step}": block for step, block in enumerate(few)}
            ends = np.cumsum([block.shape[1] for block in blocks.values()]).tolist()
            starts = [0, *ends[:-1]]
            columns = {name: slice(*span) for name, *span in zip(blocks, starts, ends, strict=True)}
            whole = np.concatenate(list(blocks.values()), axis=1).astype(np.float32)
            self._packed[where] = torch.from_numpy(whole).to(device), columns
        return self._packed[where]

    def _late_columns(self, height: int, width: int) -> dict[str, NDArray[Any]]:
        """The columns of what comes behind the colours."""
        from classifier import geometry, mixing, policy

        blocks: dict[str, NDArray[Any]] = {}
        for turn, operations in enumerate(self.drawn.get("policy", ())):
            blocks[f"policy{turn}"] = policy.columns(operations, self._policy, height, width)
        if "erase" in self.drawn:
            spared, draws = self.drawn["erase"][:, :1], self.drawn["erase"][:, 1:]
            blocks["erase"] = np.where(spared, 0, geometry.erased_boxes(draws, height, width))
        if self.partners is not None:
            own, cut = (self.drawn.get(name) for name in ("mixup", "cutmix"))
            blocks["mix"] = mixing.columns(own, cut, self._cuts, height, width)
        return blocks

    def _move(self, batch: torch.Tensor, rows: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Rotation, crop and flips; [b, 3, h, w] of any type to float32 in [0, 1]."""
        from classifier import geometry
        from classifier.colour import unit

        horizontal, vertical = (rows[name][:, 0] > 0 if name in rows else None for name in ("hflip", "vflip"))
        rotation, crop = rows.get("rotation"), rows.get("crop")
        if rotation is None and crop is None:
            return unit(geometry.flip(batch, horizontal, vertical))  # 8-bit pixels are a quarter of the bytes to move
        return geometry.resample(unit(batch), rotation, crop, horizontal, vertical)

    def _recolour(self, images: torch.Tensor, rows: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Colour jitter and greyscale; float32 [b, 3, h, w] in [0, 1]."""
        import torch

        from classifier import colour

        kinds = frozenset(self.keys) & frozenset(_FACTORS)
        for side in ("before", "after"):
            for step in range(len(kinds)):
                if (name := f"{side}{step}") in rows:
                    images = colour.blend(images, rows[name], kinds)
            if side == "before" and "hue" in rows:
                images = colour.shift_hue(images, rows["hue"][:, 0])
        if "greyscale" in rows:
            images = torch.where(rows["greyscale"][:, 0, None, None, None] > 0, colour.grey(images), images)
        return images

    def _follow(self, images: torch.Tensor, rows: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Policy and erasing; float32 [b, 3, h, w] in [0, 1]."""
        import torch

        from classifier import mixing, policy

        for turn in range(len(self.drawn.get("policy", ()))):
            images = policy.change(images, rows[f"policy{turn}"])
        if "erase" in rows:
            images = torch.where(mixing.inside(rows["erase"], *images.shape[-2:]), 0.0, images)
        return images


def _laid_as(images: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return images in another batch's memory format."""
    import torch

    last = like.is_contiguous(memory_format=torch.channels_last) and not like.is_contiguous()
    return images.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)


def _check_shape(batch: torch.Tensor) -> None:
    if batch.ndim != 4 or batch.shape[1] != 3:
        raise ValueError(f"a batch has shape {list(batch.shape)}; it must be [images, 3, height, width]")
