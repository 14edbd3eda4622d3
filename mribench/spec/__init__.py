"""The vocabulary of the benchmark as frozen values; a plugin imports it from here.

Nothing here imports torch, diffusers or numpy at run time.

A field is added with a default; a field that goes away, or changes its meaning, raises ``mribench.api.API``.
"""

from mribench.spec.data import Prepared, Split
from mribench.spec.field import NOT_ANNOTATED, DrawFields, Field
from mribench.spec.integrator import Denoiser, Integrator
from mribench.spec.metric import FeatureSpace, Metric, Score
from mribench.spec.phantom import Modality, PhantomSlice, ReportedRow
from mribench.spec.pretrained import PretrainedModel, RestoredImages
from mribench.spec.problem import (
    Answers,
    Examples,
    LinearOperator,
    Measure,
    Measurement,
    Problem,
    Solve,
    Solver,
)
from mribench.spec.profile import Network, Profile
from mribench.spec.reader import ImageFile, Reader, ReadVolumes, Volume
from mribench.spec.stage import (
    Autoencoder,
    Batch,
    Draws,
    GenerativeModel,
    Stage,
    TakeStep,
    TrainingStep,
    Update,
)
from mribench.spec.task import ReportedTable, Task
from mribench.spec.variant import (
    Control,
    DenoisingLoss,
    Expected,
    Likelihood,
    Model,
    Prior,
    Sampler,
    ShapeNoise,
    Variant,
)
from mribench.spec.verdict import AuditVerdict

__all__ = [
    "NOT_ANNOTATED",
    "Answers",
    "AuditVerdict",
    "Autoencoder",
    "Batch",
    "Control",
    "Denoiser",
    "DenoisingLoss",
    "DrawFields",
    "Draws",
    "Examples",
    "Expected",
    "FeatureSpace",
    "Field",
    "GenerativeModel",
    "ImageFile",
    "Integrator",
    "Likelihood",
    "LinearOperator",
    "Measure",
    "Measurement",
    "Metric",
    "Modality",
    "Model",
    "Network",
    "PhantomSlice",
    "Prepared",
    "PretrainedModel",
    "Prior",
    "Problem",
    "Profile",
    "ReadVolumes",
    "Reader",
    "ReportedRow",
    "ReportedTable",
    "RestoredImages",
    "Sampler",
    "Score",
    "ShapeNoise",
    "Solve",
    "Solver",
    "Split",
    "Stage",
    "TakeStep",
    "Task",
    "TrainingStep",
    "Update",
    "Variant",
    "Volume",
]
