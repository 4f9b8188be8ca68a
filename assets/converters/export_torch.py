"""PyTorch programs saved by torch.export.save (.pt2) by torch.onnx (the exporter on torch.export)."""
import os

import onnx
import onnxscript
import torch

from common import arguments, fail, save_golden, save_report, step, versions


def main():
    source, out = arguments()
    step("Loading the exported program")
    try:
        program = torch.export.load(source)
    except Exception as error:
        fail(f"PyTorch {torch.__version__} cannot load this file: {str(error).splitlines()[0]}. It must have been saved by torch.export.save")
    step("Exporting with torch.onnx")
    try:
        exported = torch.onnx.export(program, dynamo=True, opset_version=18)
        exported.optimize()
        exported.save(os.path.join(out, "model.onnx"))
    except Exception as error:
        fail(f"torch.onnx cannot convert this program: {str(error).splitlines()[0]}")
    step("Asking PyTorch for the expected answers")
    graph = onnx.load(os.path.join(out, "model.onnx"), load_external_data=False).graph
    weights = {i.name for i in graph.initializer}
    inputs = [i for i in graph.input if i.name not in weights]
    notes, golden = [], False
    args, kwargs = program.example_inputs or ((), {})
    flat = [t for t in torch.utils._pytree.tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
    if len(flat) == len(inputs) and flat:
        rows = {t.shape[0] if t.ndim else None for t in flat}
        module = program.module()
        with torch.no_grad():
            results = [t for t in torch.utils._pytree.tree_leaves(module(*args, **kwargs)) if isinstance(t, torch.Tensor)]
        if len(rows) == 1 and None not in rows and len(results) == len(graph.output):
            golden = save_golden(out, {i.name: t.numpy() for i, t in zip(inputs, flat)}, {o.name: r.numpy() for o, r in zip(graph.output, results)})
    if not golden:
        notes.append("The program brings no example input with one row per sample, so there is no golden set.")
    save_report(out, framework="PyTorch", versions=versions(torch, onnxscript, onnx), notes=notes, golden=golden, atol=1e-4, rtol=1e-3,
                classes=None, features=[])


main()
