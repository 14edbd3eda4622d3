"""The names that a plugin may import. What stands here keeps its meaning for as long as ``API`` does.

A name, field or argument that goes away, or changes what it means, raises ``API`` and the minor version of mribench, so
that the range in a plugin's ``dependencies`` speaks of it. A new name, or a new field with a default, raises neither.
Everything else inside mribench may change at any time.
"""

from __future__ import annotations

API = 1

PUBLIC: dict[str, tuple[str, ...]] = {
    "mribench": (
        "Control",
        "Expected",
        "FeatureSpace",
        "Metric",
        "Modality",
        "Network",
        "PhantomSlice",
        "Profile",
        "ReportedRow",
        "Sampler",
        "Score",
        "Task",
        "Variant",
        "__version__",
        "run",
    ),
    "mribench.api": ("API", "PUBLIC"),
    "mribench.errors": (
        "DataError",
        "InputError",
        "Interrupted",
        "MribenchError",
        "PluginError",
        "TrainingDiverged",
        "Unavailable",
    ),
    "mribench.features": ("Extractor",),
    "mribench.metrics.distribution": ("FD", "KD", "frechet_distance", "kernel_distance"),
    "mribench.metrics.uncertainty": ("cluster_bootstrap_mean", "subsample_interval"),
    "mribench.networks": ("PatchUNet2DModel",),
    "mribench.phantom": (
        "BalancedSSFP",
        "Canvas",
        "InversionRecovery",
        "PhantomSlice",
        "SpinEcho",
        "SpoiledGRE",
        "Tissue",
        "acquire",
        "describe",
        "fields",
        "shapes",
        "slice_rng",
        "stamps",
        "station",
        "subject_rng",
    ),
    "mribench.phantom.fields": ("smooth_field", "waves", "wobble"),
    "mribench.phantom.shapes": ("ellipse", "rotate", "star", "superellipse", "tube"),
    "mribench.phantom.stamps": ("ellipse", "ellipsoid", "shape", "tube"),
    "mribench.seeds": ("number", "numpy_rng", "torch_generator"),
    "mribench.spec": (
        "Control",
        "Expected",
        "FeatureSpace",
        "Metric",
        "Modality",
        "Model",
        "Network",
        "PhantomSlice",
        "Prepared",
        "Profile",
        "ReportedRow",
        "Sampler",
        "Score",
        "Split",
        "Task",
        "Variant",
    ),
    "mribench.tasks": ("to_uint8",),
    "mribench.testing": ("Finding", "check", "checks", "conforms"),
    "mribench.variants.ddpm": ("DDPM", "loss", "network", "scheduler"),
}
