"""Random erasing, mixup and CutMix: drawn as torchvision draws them, and what is done to pixels is torchvision's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as reference

from classifier import geometry, mixing
from classifier.augment import Augmentation
from classifier.draws import table

from .reference import augmented, named

MANY = 3000
GOLDEN_PARTNERS = [3, 2, 0, 1]
GOLDEN_SHARES = [0.4108552932739258, 0.014399528503417969, 0.0204620361328125, 0.4707975387573242]


def mixed(settings: dict[str, Any], images: torch.Tensor, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Images whose numbers are their places, those of the index mixed with their partners, and the own shares."""
    augmentation = Augmentation(named(settings), 0, 1, len(images))
    numbers = torch.from_numpy(augmentation.order(index.numpy())).reshape(-1)
    rows = augmentation.rows(numbers, *images.shape[-2:])
    return augmentation.mix(augmentation.change(images[numbers], rows), rows)


@pytest.mark.slow
@pytest.mark.parametrize(("height", "width"), [(32, 32), (24, 80), (12, 12)])
def test_erased_boxes(height: int, width: int) -> None:
    ours = geometry.erased_boxes(table(0, 1, "augment.erase", MANY, geometry.BOX_DRAWS), height, width)
    torch.manual_seed(0)
    transform, picture = v2.RandomErasing(p=1), [torch.empty(3, height, width)]
    drawn = [transform.make_params(picture) for _ in range(MANY)]
    theirs = np.array(
        [[box["i"], box["j"], box["i"] + box["h"], box["j"] + box["w"]] for box in drawn if box["v"] is not None]
    )
    figures = {
        "top": lambda box: box[:, 0],
        "left": lambda box: box[:, 1],
        "height": lambda box: box[:, 2] - box[:, 0],
        "width": lambda box: box[:, 3] - box[:, 1],
        "area": lambda box: (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]),
    }
    there = ours[ours[:, 2] > ours[:, 0]]
    for name, figure in figures.items():
        assert stats.ks_2samp(figure(there), figure(theirs), method="asymp").pvalue > 1e-3, name
    assert (there[:, 2:] - there[:, :2] < (height, width)).all()
    assert (there[:, :2] >= 0).all()
    assert (there[:, 2:] <= (height, width)).all()


@pytest.mark.parametrize("probability", [0.25, 1])
def test_a_box_is_black_and_the_rest_as_it_was(probability: float, noise: torch.Tensor, index: torch.Tensor) -> None:
    settings = {"erase": probability}
    drawn = Augmentation(named(settings), 0, 1, 50).drawn["erase"]
    boxes = geometry.erased_boxes(drawn[:, 1:], 24, 32)
    out = augmented(settings, noise, index)
    for row, number in enumerate(index.tolist()):
        top, left, bottom, right = boxes[number].tolist()
        image = noise[row].float() / 255
        if not drawn[number, 0]:
            image = reference.erase(image, top, left, bottom - top, right - left, torch.zeros(3, 1, 1))
        assert torch.equal(out[row], image)
    erased = int((Augmentation(named(settings), 0, 1, MANY).drawn["erase"][:, 0] == 0).sum())
    assert stats.binomtest(erased, MANY, probability).pvalue > 1e-3


@pytest.mark.parametrize("concentration", [0.2, 1.0, 4.0, 100.0])
def test_shares_are_betas(concentration: float) -> None:
    own = mixing.shares(table(0, 1, "augment.mixup", MANY, 1)[:, 0], concentration)
    assert stats.kstest(own, stats.beta(concentration, concentration).cdf).pvalue > 1e-3
    torch.manual_seed(0)
    theirs = [v2.MixUp(alpha=concentration, num_classes=2).make_params([])["lam"] for _ in range(500)]
    assert stats.ks_2samp(own, theirs).pvalue > 1e-3
    assert own.min() >= 0
    assert own.max() <= 1


@pytest.mark.parametrize("concentration", [1e-300, 1e-6, 0.01])
def test_a_share_is_none_or_all_where_the_concentration_is_next_to_nothing(concentration: float) -> None:
    own = mixing.shares(table(0, 1, "augment.mixup", MANY, 1)[:, 0], concentration)
    assert np.minimum(own, 1 - own).mean() < 0.01
    assert stats.binomtest(int((own > 0.5).sum()), MANY, 0.5).pvalue > 1e-3


@pytest.mark.parametrize("concentration", [0.3, 1.0, 8.0])
def test_cutmix_cuts_as_torchvision_does(concentration: float) -> None:
    cut = Augmentation(named({"cutmix": concentration}), 0, 1, MANY).drawn["cutmix"]
    top, left, bottom, right, _, share = mixing.cutmix_columns(cut, 24, 31).T
    ours = {"left": left, "top": top, "right": right, "bottom": bottom, "share": share}
    torch.manual_seed(0)
    transform, pictures = v2.CutMix(alpha=concentration, num_classes=2), [torch.empty(2, 3, 24, 31)]
    drawn = [transform.make_params(pictures) for _ in range(MANY)]
    sides = ("left", "top", "right", "bottom")
    theirs = {side: [params["box"][place] for params in drawn] for place, side in enumerate(sides)}
    theirs["share"] = [params["lam_adjusted"] for params in drawn]
    for name, values in ours.items():
        assert stats.ks_2samp(values, theirs[name], method="asymp").pvalue > 1e-3, name


@pytest.mark.parametrize("settings", [{"mixup": 0.5}, {"cutmix": 1.0}, {"mixup": 0.5, "cutmix": 1.0}], ids=str)
def test_pixels_and_labels_are_torchvisions(settings: dict[str, Any], noise: torch.Tensor) -> None:
    augmentation = Augmentation(named(settings), 0, 1, len(noise))
    assert augmentation.partners is not None
    out, share = mixed(settings, noise, torch.arange(len(noise)))
    plain = noise.float() / 255
    cuts = 0
    for number, partner in enumerate(augmentation.partners.tolist()):
        top, left, bottom, right, inside, _ = augmentation.rows(torch.tensor([number]), 24, 32)[0].tolist()
        pair = torch.stack((plain[number], plain[partner]))  # theirs mixes the first of two with the last
        labels = torch.tensor([0, 1])
        if inside == 0:
            cuts += 1
            box = tuple(map(int, (left, top, right, bottom)))
            kept = 1 - (box[2] - box[0]) * (box[3] - box[1]) / (24 * 32)
            transform, params = v2.CutMix(num_classes=2), {"box": box, "lam_adjusted": kept}
        else:
            transform, params = v2.MixUp(num_classes=2), {"lam": inside}
        params |= {"labels": labels, "batch_size": 2}
        torch.testing.assert_close(out[number], transform.transform(pair, params)[0], rtol=0, atol=1e-6)
        assert transform.transform(labels, params)[0].tolist() == pytest.approx(
            [float(share[number]), 1 - float(share[number])]
        )
    assert (cuts > 0) == ("cutmix" in settings)
    assert (cuts < len(noise)) == ("mixup" in settings)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"mixup": 0.5}, ["partner", "mixup"]),
        ({"cutmix": 1.0}, ["partner", "cutmix"]),
        ({"mixup": 0.5, "cutmix": 1.0}, ["partner", "mixup", "cutmix", "mix"]),
    ],
    ids=str,
)
def test_nothing_is_drawn_that_is_not_read(
    settings: dict[str, Any], names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []

    def noted(seed: int, epoch: int, name: str, *shape: int) -> Any:
        drawn.append(name)
        return table(seed, epoch, name, *shape)

    monkeypatch.setattr("classifier.augment.table", noted)
    Augmentation(named(settings), 0, 1, 5)
    assert drawn == [f"augment.{name}" for name in names]


def test_with_both_on_half_of_the_images_get_each() -> None:
    augmentation = Augmentation(named({"mixup": 0.5, "cutmix": 1}), 0, 1, MANY)
    found = augmentation.rows(torch.arange(MANY), 32, 32)
    alone = {
        name: Augmentation(named({name: value}), 0, 1, MANY) for name, value in {"mixup": 0.5, "cutmix": 1}.items()
    }
    rows = {name: one.rows(torch.arange(MANY), 32, 32) for name, one in alone.items()}
    cut, blended = ((found == rows[name]).all(dim=1) for name in ("cutmix", "mixup"))
    assert (cut ^ blended).all(), "the draws are those of each alone"
    assert stats.binomtest(int(cut.sum()), MANY, 0.5).pvalue > 1e-3


@pytest.mark.parametrize("images", [1, 2, 3, 50])
def test_every_image_is_the_partner_of_one_other(images: int) -> None:
    partners = mixing.ring(table(0, 1, "augment.partner", images, 1)[:, 0])
    seen, number = [], 0
    for _ in range(images):
        seen.append(number := int(partners[number]))
    assert sorted(seen) == list(range(images)), "one ring"


def test_partners_are_uniform_and_new_each_epoch() -> None:
    found = [Augmentation(named({"mixup": 1}), 0, epoch, 4).partners for epoch in range(MANY)]
    _, counts = np.unique(np.stack(found), axis=0, return_counts=True)
    assert len(counts) == 6, "rings of four"
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize(
    "settings",
    [{"mixup": 0.4}, {"cutmix": 1}, {"mixup": 0.4, "cutmix": 1, "crop": True, "policy": "trivialaugment", "hue": 0.1}],
    ids=str,
)
def test_order_and_size_of_the_batch_do_not_matter(settings: dict[str, Any], noise: torch.Tensor) -> None:
    whole, shares = mixed(settings, noise, torch.arange(len(noise)))
    order = torch.randperm(len(noise), generator=torch.Generator().manual_seed(2))
    for size in (1, 5):
        parts = [mixed(settings, noise, part) for part in order.split(size)]
        assert torch.equal(torch.cat([part for part, _ in parts]), whole[order])
        assert torch.equal(torch.cat([share for _, share in parts]), shares[order])
    last, _ = mixed(settings, noise.contiguous(memory_format=torch.channels_last), torch.arange(len(noise)))
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(last, whole)


def test_a_partner_comes_as_it_is_trained_on_itself(noise: torch.Tensor) -> None:
    settings = {"crop": True, "hflip": 0.5, "erase": 0.5}
    index = torch.arange(len(noise))
    augmentation = Augmentation(named({**settings, "cutmix": 1}), 0, 1, len(noise))
    plain = Augmentation(named(settings), 0, 1, len(noise)).apply(noise, index)
    out, _ = mixed({**settings, "cutmix": 1}, noise, index)
    assert augmentation.partners is not None
    from_own, from_partner = out == plain, out == plain[torch.from_numpy(augmentation.partners)]
    assert (from_own | from_partner).all()
    assert not from_own.all()


def test_without_mixing_nothing_is_paired() -> None:
    augmentation = Augmentation(named({"crop": True}), 0, 1, 50)
    assert augmentation.partners is None
    numbers = np.arange(50)
    assert augmentation.order(numbers) is numbers
    with pytest.raises(KeyError):
        augmentation.mix(torch.rand(4, 3, 24, 32), torch.rand(4, 6))


def test_golden_mixtures() -> None:
    """What seed 0 does to the first images in epoch 1: a change here voids every recorded row with mixing."""
    augmentation = Augmentation(named({"mixup": 0.2}), 0, 1, 4)
    assert augmentation.partners is not None
    assert augmentation.partners.tolist() == GOLDEN_PARTNERS
    assert augmentation.drawn["mixup"].tolist() == GOLDEN_SHARES
