"""TensorFlow Lite files (.tflite) by tf2onnx."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from common import arguments, fail, save_golden, save_report, step, versions


def main():
    source, out = arguments()
    step("Exporting with tf2onnx")
    try:
        converted, _ = tf2onnx.convert.from_tflite(source, opset=17)
    except Exception as error:
        fail(f"tf2onnx {tf2onnx.__version__} cannot convert this file: {str(error).splitlines()[0]}")
    onnx.save(converted, os.path.join(out, "model.onnx"))
    step("Asking TensorFlow Lite for the expected answers")
    notes, golden = [], False
    interpreter = tf.lite.Interpreter(model_path=source)
    interpreter.allocate_tensors()
    rng = np.random.default_rng(1)
    names = lambda details: [d["name"].split(":")[0] for d in details]
    graph_inputs, graph_outputs = [i.name for i in converted.graph.input], [o.name for o in converted.graph.output]
    details, results = interpreter.get_input_details(), interpreter.get_output_details()
    quantized = any(t["dtype"] in (np.int8, np.uint8) for t in interpreter.get_tensor_details())
    if len(details) == len(graph_inputs) and len(results) == len(graph_outputs):
        values = []
        for d in details:
            if np.issubdtype(d["dtype"], np.floating):
                values.append(rng.uniform(0, 1, d["shape"]).astype(d["dtype"]))
            else:
                values.append(rng.integers(0, 2, d["shape"]).astype(d["dtype"]))
            interpreter.set_tensor(d["index"], values[-1])
        interpreter.invoke()
        golden = save_golden(out, dict(zip(graph_inputs, values)), {n: interpreter.get_tensor(r["index"]) for n, r in zip(graph_outputs, results)})
    if quantized:
        notes.append("The file is quantized already: ONNX Runtime rounds a little differently from TensorFlow Lite, so the golden set is held to a wide tolerance.")
    if not golden:
        notes.append("Inputs and outputs have no row per sample, so there is no golden set.")
    save_report(out, framework="TensorFlow Lite", versions=versions(tf, tf2onnx, onnx), notes=notes, golden=golden, atol=0.05 if quantized else 1e-4, rtol=1e-3,
                classes=None, features=[])


main()
