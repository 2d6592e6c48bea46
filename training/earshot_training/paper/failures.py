"""What can go wrong in a command that a user can mend: each with one message, and no trace."""

from earshot_training.checkpoint import CheckpointError
from earshot_training.datasets import DatasetError
from earshot_training.npm_packages import PackageError
from earshot_training.paper.config import ConfigError
from earshot_training.paper.run import RunError
from earshot_training.paper.trainer import TrainingError
from earshot_training.paper.transcripts import TranscriptError
from earshot_training.text import LemmaTableError, SpellingTableError
from earshot_training.word2vec import Word2VecError

MENDABLE = (
    CheckpointError,
    ConfigError,
    DatasetError,
    LemmaTableError,
    OSError,
    PackageError,
    RunError,
    SpellingTableError,
    TrainingError,
    TranscriptError,
    Word2VecError,
)
INTERRUPTED = 130  # the exit code of what Ctrl-C ended
