"""Files as scanners write them: an object of known maps, phase and noise in fastMRI's and in ISMRMRD's layout."""

from __future__ import annotations

import h5py
import numpy as np

HEADER = """<?xml version="1.0"?><ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD">
<subjectInformation><patientID>{patient}</patientID></subjectInformation><encoding>
<encodedSpace><matrixSize><x>{x}</x><y>{y}</y><z>1</z></matrixSize>
<fieldOfView_mm><x>{fov_x}</x><y>{y}</y><z>5</z></fieldOfView_mm></encodedSpace>
<reconSpace><matrixSize><x>{kept}</x><y>{y}</y><z>1</z></matrixSize>
<fieldOfView_mm><x>{kept}</x><y>{y}</y><z>5</z></fieldOfView_mm></reconSpace>
<trajectory>{trajectory}</trajectory>
<encodingLimits><kspace_encoding_step_1><minimum>0</minimum><maximum>{last}</maximum><center>{centre}</center>
</kspace_encoding_step_1></encodingLimits></encoding></ismrmrdHeader>"""
COUNTERS = (
    "kspace_encode_step_1",
    "kspace_encode_step_2",
    "average",
    "slice",
    "contrast",
    "phase",
    "repetition",
    "set",
)
HEAD = np.dtype(
    [
        ("flags", "<u8"),
        ("number_of_samples", "<u2"),
        ("active_channels", "<u2"),
        ("center_sample", "<u2"),
        ("idx", [(name, "<u2") for name in COUNTERS]),
    ]
)


def body(subject: int, slice: int, shape=(64, 64)) -> np.ndarray:
    """float64 (H, W): an ellipse with a bright rim, a dark one within, a gradient and some blobs, in air; grey values
    up to about 900, and edges as wide as a pixel."""
    rng = np.random.default_rng([subject, slice])
    y, x = np.mgrid[-1 : 1 : 4j * shape[0], -1 : 1 : 4j * shape[1]]
    radius = np.hypot(x / 0.7, y / 0.8)
    found = np.where(radius < 0.83, 400 + 150 * x, 0)
    for _ in range(6):
        cy, cx = rng.uniform(-0.45, 0.45, 2)
        found += rng.uniform(-250, 350) * (np.hypot(x - cx, y - cy) < rng.uniform(0.06, 0.2))
    found = np.clip(found, 0, None)
    found[(radius >= 0.83) & (radius < 0.9)] = 40
    found[(radius >= 0.9) & (radius < 1)] = 800
    return found.reshape(shape[0], 4, shape[1], 4).mean((1, 3))


def coil_maps(coils: int, shape=(64, 64)) -> np.ndarray:
    """complex128 (coils, H, W): lobes around the image, each with a slow phase; their squares add up to 1."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    angle = 2 * np.pi * np.arange(coils)[:, None, None] / coils
    lobes = np.exp(-((x - np.cos(angle)) ** 2 + (y - np.sin(angle)) ** 2) / 2)
    lobes = lobes / np.sqrt(np.square(lobes).sum(0))
    return lobes * np.exp(1j * (angle + 0.8 * x + 0.5 * y * (1 + angle / 6) - 0.6 * x * y))


def kspace_of(image, maps, sigma=0.0, shape=None, seed=0):
    """complex64 (coils, rows, columns), zero frequency in the middle; noise of that standard deviation in both parts.

    shape: of the encoded field of view, with air around the image; None: the image's.
    """
    coils = maps * image
    shape = shape or image.shape
    before = [(n - m) // 2 for n, m in zip(shape, image.shape, strict=True)]
    pad = [(b, n - m - b) for b, n, m in zip(before, shape, image.shape, strict=True)]
    coils = np.pad(coils, [(0, 0), *pad])
    found = np.fft.fft2(np.fft.ifftshift(coils, (-2, -1)), norm="ortho")
    found = np.fft.fftshift(found, (-2, -1))
    rng = np.random.default_rng([seed, 7])
    noise = sigma * (rng.standard_normal(found.shape) + 1j * rng.standard_normal(found.shape))
    return (found + noise).astype(np.complex64)


def root_sum_of_squares(kspace, shape):
    """float32 (slices, H, W): of (slices, coils, rows, columns), cut to ``shape`` as fastMRI does."""
    found = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace, (-2, -1)), norm="ortho"), (-2, -1))
    found = np.sqrt(np.square(np.abs(found)).sum(1))
    top, left = ((n - m) // 2 for n, m in zip(found.shape[1:], shape, strict=True))
    return found[:, top : top + shape[0], left : left + shape[1]].astype(np.float32)


def scan(subject, coils=4, slices=3, sigma=5.0, shape=(128, 72)):
    """complex64 (slices, coils, rows, columns) of a body, with the readout oversampled."""
    return np.stack(
        [
            kspace_of(body(subject, i), coil_maps(coils), sigma, shape, seed=100 * subject + i)
            for i in range(slices)
        ]
    )


def fastmri(path, kspace, images=True, shape=(64, 64), scale=1.0):
    """kspace (slices, coils, rows, columns); that of one coil is written without its axis, as fastMRI does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    single = kspace.shape[1] == 1
    with h5py.File(path, "w") as file:
        file["kspace"] = kspace[:, 0] if single else kspace
        if images:
            file["reconstruction_rss"] = scale * root_sum_of_squares(kspace, shape)
        if images and single:
            # beside the image of one coil lies that of all coils, which is another one
            file["reconstruction_esc"] = file["reconstruction_rss"][:]
            file["reconstruction_rss"][:] = file["reconstruction_rss"][:][:, ::-1]
        file.attrs["patient_id"] = path.stem
    return path


def ismrmrd(path, kspace, sigma=5.0, trajectory="cartesian", lines=None, reverse=True, asymmetric=0):
    """The same readout by readout: lines in random order, every other one reversed, two averages with noise of their
    own, a second cardiac phase, noise readouts in front.

    lines: of phase encoding that are written; None: all. asymmetric: samples that are left out before the echo.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    slices, coils, rows, columns = kspace.shape
    rng = np.random.default_rng(5)
    values = np.dtype([("head", HEAD), ("traj", h5py.vlen_dtype("<f4")), ("data", h5py.vlen_dtype("<f4"))])
    readouts = [(0, 0, 0, 0, True)] * 2
    order = [
        (s, p, a, k, False)
        for s in range(slices)
        for p in (0, 1)
        for a in (0, 1)
        for k in lines or range(columns)
    ]
    rng.shuffle(order)
    written = np.zeros(len(readouts) + len(order), values)
    for at, (slice, phase, average, line, noise) in enumerate([*readouts, *order]):
        slice, phase, average, line = map(int, (slice, phase, average, line))
        samples = kspace[slice, :, asymmetric:, line] * (1 if phase == 0 else 0.3)
        # the mean of both averages is what was given
        samples = samples * (1.25 if average else 0.75)
        if noise:
            samples = 1e4 * rng.standard_normal(samples.shape)
        centre, flags = rows // 2 - asymmetric, 1 << 18 if noise else 0
        if reverse and line % 2 and not noise:
            samples, centre, flags = samples[:, ::-1], samples.shape[1] - 1 - centre, flags | 1 << 21
        head = np.zeros((), HEAD)
        head["flags"], head["number_of_samples"], head["active_channels"] = flags, samples.shape[1], coils
        head["center_sample"] = centre
        head["idx"]["kspace_encode_step_1"], head["idx"]["slice"] = line, slice
        head["idx"]["phase"], head["idx"]["average"] = phase, average
        written[at] = (head, np.zeros(0, "<f4"), samples.astype(np.complex64).ravel().view(np.float32))
    text = HEADER.format(
        patient=path.stem, x=rows, y=columns, fov_x=rows, kept=64, last=columns - 1, centre=columns // 2,
        trajectory=trajectory,
    )  # fmt: skip
    with h5py.File(path, "w") as file:
        file["dataset/data"] = written
        file.create_dataset("dataset/xml", data=[text.encode()], dtype=h5py.string_dtype())
    return path
