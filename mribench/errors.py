"""One error tree. A message is one sentence: what was found, what was expected, what to do."""


class MribenchError(Exception):
    """Base of every error that mribench raises on purpose; the CLI prints it in one line."""

    exit_code = 1


class InputError(MribenchError):
    """Something the user gave cannot be used: a name, a file, a setting. Exit code 2."""

    exit_code = 2


class DataError(InputError):
    """A dataset, image file or split cannot be used."""


class PluginError(InputError):
    """An entry point is missing, broken, or claimed by two packages."""


class Unavailable(MribenchError):
    """Something optional is not here (weights, a decoder); the score stays blank with this reason."""


class TrainingDiverged(MribenchError):
    """The loss is no longer finite; the last good checkpoint is kept."""


class Interrupted(MribenchError):
    """Ctrl-C or SIGTERM: the state is saved and the same command goes on from there. Exit code 130."""

    exit_code = 130


def concerns_one_cell(error: Exception) -> bool:
    """Whether other cells may well succeed: a loss that diverged, but no unknown word, full disk, Ctrl-C or bug."""
    return isinstance(error, MribenchError) and error.exit_code == MribenchError.exit_code
