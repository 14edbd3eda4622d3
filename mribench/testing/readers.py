"""Checks for file formats: the plugin's own example becomes volumes, and a damaged one a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mribench.data.readers import folder as image_folder
from mribench.errors import DataError
from mribench.spec import ImageFile, Reader, Volume
from mribench.testing.checking import Case, Check, CheckFailed, CheckWarning, require

SUBJECT = "somebody"


def its_suffixes_can_be_looked_up(case: Case) -> None:
    suffixes = case.plugin.suffixes
    require(
        isinstance(suffixes, tuple) and suffixes,
        f"suffixes is {suffixes!r}",
        'give a tuple with at least one, such as (".nii", ".nii.gz")',
    )
    wrong = [s for s in suffixes if not s.startswith(".") or s != s.lower() or len(s) < 2]
    require(not wrong, f"the suffix {wrong[:1]} is never met", "begin with a dot, in lower case")


def it_reads_its_example(case: Case) -> None:
    with _example(case.plugin) as folder:
        first, second = _volumes(case.plugin, folder), _volumes(case.plugin, folder)
        require(first, "the example gives no volume", "yield at least one mribench.spec.Volume")
        for volume in first:
            _check_volume(volume, case.plugin, folder)
        same = len(first) == len(second) and all(
            one.source == two.source and np.array_equal(one.pixels, two.pixels)
            for one, two in zip(first, second, strict=True)
        )
        require(same, "reading the example twice gives two results", "read in the order of the files")


def it_refuses_a_damaged_file_in_one_sentence(case: Case) -> None:
    with _example(case.plugin) as folder:
        file = image_folder.find_files(folder, reader=case.plugin.name)[0]
        file.write_bytes(file.read_bytes()[:20])
        try:
            list(case.plugin.read([ImageFile(file, file.name)], SUBJECT))
        except DataError as error:
            require(
                file.name in str(error) and "\n" not in str(error),
                f"the message for a file that is cut off is {str(error)!r}",
                "name the file, in one line",
            )
        except Exception as error:
            raise CheckFailed(
                f"a file that is cut off raises {type(error).__name__}: {error}",
                "raise mribench.errors.DataError with one sentence: what is wrong with which file, what to do",
            ) from error
        else:
            raise CheckWarning(
                "a file of 20 bytes is read without a word", "raise DataError where data are missing"
            )


def _check_volume(volume: Volume, reader: Reader, folder: Path) -> None:
    require(isinstance(volume, Volume), f"read yields {type(volume).__name__}", "yield mribench.spec.Volume")
    pixels = volume.pixels
    require(
        pixels.dtype == np.float32 and pixels.ndim == 3 and pixels.size and np.isfinite(pixels).all(),
        f"pixels is {pixels.dtype} {pixels.shape}",
        "yield finite float32 (n_slices, H, W)",
    )
    require(
        volume.subject if reader.names_subjects else volume.subject == SUBJECT,
        f"the subject is {volume.subject!r}",
        "pass on the subject that read is given, or set names_subjects",
    )
    require(
        volume.spacing is None or (len(volume.spacing) == 3 and min(volume.spacing) >= 0),
        f"spacing is {volume.spacing}",
        "give mm between slices, rows and columns, or None",
    )
    require(
        volume.source and str(folder) not in volume.source,
        f"source is {volume.source!r}",
        "say ImageFile.name: a path of this machine must not be published",
    )


def _volumes(reader: Reader, folder: Path) -> list[Volume]:
    files = image_folder.find_files(folder, reader=reader.name)
    if reader.names_subjects:
        return [volume for file in files for volume in reader.read([ImageFile(file, file.name)], "")]
    return list(reader.read([ImageFile(file, file.name) for file in files], SUBJECT))


@contextmanager
def _example(reader: Reader) -> Iterator[Path]:
    if reader.example is None:
        raise CheckWarning(
            "not tried: there is no example", "give the reader an example(folder) that writes a file"
        )
    with TemporaryDirectory(prefix="mribench-check-") as folder:
        reader.example(Path(folder))
        yield Path(folder)


CHECKS = (
    Check("", its_suffixes_can_be_looked_up),
    Check("read", it_reads_its_example),
    Check("read", it_refuses_a_damaged_file_in_one_sentence),
)
