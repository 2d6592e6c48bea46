"""Writes and verifies model packs: ONNX files, vocabulary and manifest, format version 1
(docs/model-packs.md).

    export_expert(vggish_with_front_end, folder / "vggish.onnx", window_samples=15_600)
    export_clip_encoder(model, folder / "clip-encoder.onnx", max_tokens={"vggish": 4, "vggsound": 12})
    export_text_encoder(model, folder / "text-encoder.onnx", word_limit=20)
    vocabulary.save(folder)
    write_manifest(folder, PackDescription(...))
    verify_pack(folder)
"""

from earshot_training.pack.errors import PackError
from earshot_training.pack.experts import AudioExpert, VisualExpert
from earshot_training.pack.export import (
    ClipEncoder,
    TextEncoder,
    export_clip_encoder,
    export_expert,
    export_text_encoder,
)
from earshot_training.pack.manifest import PackDescription, write_manifest
from earshot_training.pack.text import PackVocabulary
from earshot_training.pack.verify import verify_pack

__all__ = [
    "AudioExpert",
    "ClipEncoder",
    "PackDescription",
    "PackError",
    "PackVocabulary",
    "TextEncoder",
    "VisualExpert",
    "export_clip_encoder",
    "export_expert",
    "export_text_encoder",
    "verify_pack",
    "write_manifest",
]
