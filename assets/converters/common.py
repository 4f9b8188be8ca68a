"""What every exporter here shares: where results go, and what is said about them.

An exporter is called as `python -E -s -B export_NAME.py SOURCE OUT`. It runs inside a sandbox: SOURCE is read-only, OUT is the
only folder it can write, and there is no network. It leaves in OUT:
  model.onnx    the model (with model.onnx.data beside it where it is large)
  golden.npz    in_<input> and out_<output> as the framework itself computes them; first axis = sample (where that can be had)
  report.json   framework, versions, notes
Lines on stdout that begin with "step: " say what it is doing. Whatever it leaves is treated as untrusted by the caller.
"""
import json
import os
import sys

import numpy as np

SAMPLES = 8


def arguments():
    if len(sys.argv) != 3:
        sys.exit("usage: export_NAME.py SOURCE OUT")
    return sys.argv[1], sys.argv[2]


def step(text):
    print("step: " + text, flush=True)


def fail(text):
    """An error for the person who converts: one line that begins with `refused: `, exit 3."""
    print("refused: " + " ".join(str(text).split())[:2000], flush=True)
    sys.exit(3)


def versions(*modules):
    return {m.__name__: getattr(m, "__version__", "") for m in modules}


def save_golden(out, inputs, outputs):
    """Keeps inputs with the framework's own outputs; False where they do not all have one row per sample."""
    arrays = {**{"in_" + k: np.asarray(v) for k, v in inputs.items()}, **{"out_" + k: np.asarray(v) for k, v in outputs.items()}}
    rows = {a.shape[0] if a.ndim else None for a in arrays.values()}
    if len(rows) != 1 or None in rows or not outputs:
        return False
    np.savez(os.path.join(out, "golden.npz"), **arrays)
    return True


def save_report(out, **fields):
    with open(os.path.join(out, "report.json"), "w", encoding="utf-8") as f:
        json.dump({"format": 1, **fields}, f)
