"""What a run was made with: the program's revision, the versions of what it rests on, the machine."""

import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import torch


def git_revision(folder: Path = Path(__file__).parent) -> dict[str, Any] | None:
    """The commit that the program's repository is at, and whether files differ from it. None outside a
    repository."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()

    try:
        if not git("ls-files", str(folder)):  # installed into some other project's folder
            return None
        changed = git("status", "--porcelain", "--untracked-files=no", "--", str(folder.parent))
        return {"commit": git("rev-parse", "HEAD"), "modified": bool(changed)}
    except (OSError, subprocess.SubprocessError):
        return None


def versions(device: torch.device) -> dict[str, str]:
    """Versions of Python, PyTorch and NumPy, and the processor that trains."""
    processor = platform.processor() or platform.machine()
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu ({processor})",
    }
