"""Label maps by a threshold, for images of cell nuclei that nobody has labelled.

    python -m mribench_masks.threshold nuclei.npz --out nuclei
    mribench data prepare nuclei --modality chromatin --masks '{stem}_mask.png' --out runs/nuclei

What a network learns from them is that threshold: scores say how well it is found again, and nothing about biology.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from mribench.errors import InputError, MribenchError

SMOOTHING = 1.0  # of the image before the threshold, standard deviation in pixels
NUCLEUS, DENSE = 1, 2


def label_map(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W): 0 outside, 1 nucleus, 2 the nucleus where it is denser than Otsu's threshold of its own pixels.

    Args:
        image: uint8 (H, W), 0 outside the nucleus.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.filters import threshold_otsu

    inside = image > 0
    smooth = gaussian_filter(image.astype(np.float64), SMOOTHING)
    found = inside.astype(np.uint8) * NUCLEUS
    if len(np.unique(image[inside])) > 1:
        found[inside & (smooth > threshold_otsu(smooth[inside]))] = DENSE
    return found


def write(images: np.ndarray, subjects: np.ndarray, out: Path) -> None:
    """A folder for each subject with PNG images, and beside each its label map, ``_mask.png``."""
    from skimage.io import imsave

    folders = {subject: out / f"{i:04d}" for i, subject in enumerate(dict.fromkeys(subjects.tolist()))}
    for folder in folders.values():
        folder.mkdir(parents=True)
    for i, (image, subject) in enumerate(zip(images, subjects.tolist(), strict=True)):
        imsave(folders[subject] / f"{i:05d}.png", image, check_contrast=False)
        imsave(folders[subject] / f"{i:05d}_mask.png", label_map(image), check_contrast=False)


def read(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """``images`` uint8 (N, H, W) and ``subject`` (N,) of an NPZ file. Raises InputError for anything else."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            images, subjects = arrays["images"], arrays["subject"]
    except (OSError, ValueError, KeyError, AttributeError, EOFError) as error:
        raise InputError(f"{file} is not an NPZ file with images and subject: {error}") from error
    if images.dtype != np.uint8 or images.ndim != 3 or subjects.shape != images.shape[:1]:
        raise InputError(
            f"{file} has images {images.dtype} {images.shape} and subject {subjects.shape}; expected uint8 (N, H, W) "
            "and (N,)"
        )
    return images, subjects


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "file", type=Path, help="NPZ file with images, uint8 (N, H, W), 0 outside, and subject (N,)"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    asked = parser.parse_args()
    try:
        if asked.out.exists():
            raise InputError(f"{asked.out} is there already; name a new folder")
        write(*read(asked.file), asked.out)
    except MribenchError as error:
        parser.exit(2, f"mribench: {error}\n")


if __name__ == "__main__":
    main()
