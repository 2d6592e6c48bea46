"""How fast ONNX Runtime runs the paper's experts beside PyTorch, on the GPU where there is one, else on the CPU.

Both get the same networks, with made-up weights, and the same batches, from the memory of the machine and back to it, as the
product does it. They take turns, so that a busy machine is busy for both. The line for each expert ends with the ratio:
above 1, ONNX Runtime is the faster one.

    python bench/compare_runtimes.py                        (the audio experts; needs the package in training/)
    python bench/compare_runtimes.py --experts inst scene --batches 1 8 --device cuda
"""

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from earshot_training.experts.expert import Expert
from earshot_training.experts.export import write_expert
from earshot_training.experts.random_weights import random_expert
from earshot_training.experts.table import ROWS


def main() -> None:
    arguments = parse()
    device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    provider = "CUDAExecutionProvider" if device == "cuda" else "CPUExecutionProvider"
    if device == "cuda" and not torch.cuda.is_available():
        sys.exit("PyTorch sees no GPU: install its CUDA build, or use --device cpu.")
    if provider not in onnxruntime.get_available_providers():
        sys.exit(f"This onnxruntime has no {provider}: install onnxruntime-gpu, or use --device cpu.")
    torch.set_num_threads(arguments.threads)
    # Both in full single precision, as the product runs them.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    for name in arguments.experts:
        with tempfile.TemporaryDirectory() as folder:
            measure(name, Path(folder), device, provider, arguments)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experts", nargs="+", choices=ROWS, default=["vggish", "vggsound"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32], help="windows in a run")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="default: cuda where there is a GPU")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads on the CPU")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each; their median counts")
    return parser.parse_args()


def measure(name: str, folder: Path, device: str, provider: str, arguments: argparse.Namespace) -> None:
    expert = random_expert(name, seed=0).eval()
    write_expert(expert, folder, licence="made up", checked_batches=())
    graph = str(folder / f"{name}.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    providers = [(provider, {"use_tf32": "0"}) if device == "cuda" else provider]
    session = onnxruntime.InferenceSession(graph, options, providers=providers)
    if provider not in session.get_providers():
        sys.exit(f"{provider} cannot be used here; ONNX Runtime fell back to {session.get_providers()}.")
    expert = expert.to(device)
    for batch in arguments.batches:
        in_torch, in_onnx = runs_of(expert, session, batch, device)
        difference = float(np.abs(in_torch() - in_onnx()).max())
        taken = in_turns([in_torch, in_onnx], arguments.rounds)
        pytorch, onnx = (1000 * statistics.median(seconds) / batch for seconds in taken)
        line = {
            "expert": name,
            "device": torch.cuda.get_device_name() if device == "cuda" else platform.processor() or "cpu",
            "threads": arguments.threads,
            "batch": batch,
            "pytorch_ms_per_window": round(pytorch, 3),
            "onnxruntime_ms_per_window": round(onnx, 3),
            "ratio": round(pytorch / onnx, 2),
            "largest_difference": difference,
            "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
        }
        print(json.dumps(line), flush=True)


def runs_of(
    expert: Expert, session: onnxruntime.InferenceSession, batch: int, device: str
) -> tuple[Callable[[], np.ndarray], Callable[[], np.ndarray]]:
    """The same batch in PyTorch and in ONNX Runtime."""
    window = expert.example(batch).cpu()
    feeds = {session.get_inputs()[0].name: window.numpy()}

    def in_torch() -> np.ndarray:
        with torch.inference_mode():
            return expert(window.to(device)).cpu().numpy()

    def in_onnx() -> np.ndarray:
        return session.run(None, feeds)[0]

    return in_torch, in_onnx


def in_turns(runs: list[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Seconds of each run, round by round; the results are on the CPU, so nothing is left to wait for."""
    taken: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, seconds in zip(runs, taken, strict=True):
            started = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - started)
    return taken


if __name__ == "__main__":
    main()
