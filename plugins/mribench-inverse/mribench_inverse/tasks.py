"""The problems as tasks: each is asked of every prior with every solver that fits, and of the baselines."""

from mribench.tasks.inverse import inverse_task
from mribench.tasks.lesions import lesion_task
from mribench_inverse import problems, real

MRI = inverse_task(problems.MRI)
MRI_4_COILS = inverse_task(problems.MRI_4_COILS)
MRI_EQUISPACED = inverse_task(problems.MRI_EQUISPACED)
MRI_LESIONS = lesion_task(problems.MRI_LESIONS)
MRI_RADIAL = inverse_task(problems.MRI_RADIAL)
MRI_REAL = inverse_task(real.MRI_REAL)
MOTION = inverse_task(problems.MOTION)
DEBLUR = inverse_task(problems.DEBLUR)
SUPERRES = inverse_task(problems.SUPERRES)
INPAINT_BOX = inverse_task(problems.INPAINT_BOX)
INPAINT_RANDOM = inverse_task(problems.INPAINT_RANDOM)
DENOISE = inverse_task(problems.DENOISE)
DENOISE_RICIAN = inverse_task(problems.DENOISE_RICIAN)
DENOISE_POISSON = inverse_task(problems.DENOISE_POISSON)
