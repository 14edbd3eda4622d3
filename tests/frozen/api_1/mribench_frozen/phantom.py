"""T1-weighted spin-echo slices: a limb of fat and muscle around a bone. Replace it by your anatomy."""

from mribench.phantom import (
    Canvas,
    PhantomSlice,
    SpinEcho,
    Tissue,
    acquire,
    describe,
    shapes,
    slice_rng,
    station,
    subject_rng,
)

# T1 and T2 in ms, proton density relative to water; say where each row comes from
TISSUES = {
    "fat": Tissue(343, 58, 0.90, "de Bazelaire et al. 2004, 1.5 T"),
    "muscle": Tissue(1008, 44, 0.79, "Stanisz et al. 2005, 1.5 T"),
    "marrow": Tissue(549, 49, 0.80, "de Bazelaire et al. 2004, 1.5 T"),
}


def draw(seed: int, subject: int, slice: int, size: int = 64) -> PhantomSlice:
    """One slice: ``person`` draws what a subject is like, ``position`` where its slice lies and the noise."""
    person, position = subject_rng(seed, subject), slice_rng(seed, subject, slice)
    width, height = person.uniform(0.60, 0.90, 2)
    turn, rim, bone = person.uniform(-30, 30), person.uniform(0.05, 0.15), person.uniform(0.15, 0.28)
    cx, cy = person.uniform(-0.15, 0.15, 2)
    z = station(slice) / 4 + position.normal(0, 0.02)  # five slices walk from 0 to 1

    canvas = Canvas(size)
    x, y = canvas.x, canvas.y
    canvas.paint("fat", shapes.ellipse(x, y, 0, 0, width, height, turn))
    canvas.paint("muscle", shapes.ellipse(x, y, 0, 0, width - rim, height - rim, turn))
    canvas.paint("marrow", shapes.ellipse(x, y, cx, cy, bone * (1 - 0.4 * z), bone * (1 + 0.4 * z)))

    sequence = SpinEcho(tr=600, te=12)
    signal = canvas.render(TISSUES, sequence, position)
    image, scanner = acquire(signal, person, position, snr=person.uniform(20, 50), coil=0.2)
    params = {"tissues": canvas.tissues, "sequence": describe(sequence), "level": z, "scanner": scanner}
    return PhantomSlice(image, canvas.label_map(), params)
