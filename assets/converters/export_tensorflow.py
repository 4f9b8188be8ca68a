"""Keras files (.keras, .h5) and TensorFlow SavedModel folders by tf2onnx."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from common import SAMPLES, arguments, fail, save_golden, save_report, step, versions


def load(source):
    """A function over named inputs, its signature, and the names of its outputs in the order of the converted graph."""
    if os.path.isdir(source):
        loaded = tf.saved_model.load(source)
        serving = loaded.signatures.get("serving_default") or next(iter(loaded.signatures.values()), None)
        if serving is None:
            fail("the SavedModel has no signature to serve")
        named = serving.structured_input_signature[1]
        signature = [tf.TensorSpec(s.shape, s.dtype, name=n) for n, s in named.items()]
        names = [s.name for s in signature]
        return (lambda *tensors: serving(**dict(zip(names, tensors)))), signature, loaded
    try:
        # Code that a .keras file carries (Lambda layers) runs in the sandbox and nowhere else.
        model = keras.models.load_model(source, compile=False, safe_mode=False)
    except Exception as error:
        fail(f"Keras {keras.__version__} cannot load this file: {str(error).splitlines()[0]}")
    signature = [tf.TensorSpec(i.shape, i.dtype, name=i.name.split(":")[0]) for i in model.inputs]
    single = len(signature) == 1
    return (lambda *tensors: model(tensors[0] if single else list(tensors), training=False)), signature, model


def example(spec):
    rng = np.random.default_rng(1)
    shape = [SAMPLES if i == 0 and n is None else 8 if n is None else n for i, n in enumerate(spec.shape)]
    if spec.dtype.is_floating:
        return rng.uniform(0, 1, shape).astype(spec.dtype.as_numpy_dtype)
    if spec.dtype.is_integer:
        return rng.integers(0, 2, shape).astype(spec.dtype.as_numpy_dtype)
    return None


def main():
    source, out = arguments()
    step("Loading the model")
    call, signature, keep = load(source)
    step("Exporting with tf2onnx")
    function = tf.function(call, input_signature=signature)
    try:
        converted, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=17)
    except Exception as error:
        fail(f"tf2onnx {tf2onnx.__version__} cannot convert this model: {str(error).splitlines()[0]}")
    onnx.save(converted, os.path.join(out, "model.onnx"))
    step("Asking TensorFlow for the expected answers")
    notes, golden = [], False
    tensors = [example(s) for s in signature]
    outputs = [o.name for o in converted.graph.output]
    if all(t is not None for t in tensors):
        results = tf.nest.flatten(function(*[tf.constant(t) for t in tensors]))
        if len(results) == len(outputs):
            golden = save_golden(out, dict(zip([i.name for i in converted.graph.input], tensors)), dict(zip(outputs, [r.numpy() for r in results])))
    if not golden:
        notes.append("The inputs cannot be made up, or the outputs have no row per sample, so there is no golden set.")
    save_report(out, framework="TensorFlow/Keras", versions=versions(tf, keras, tf2onnx, onnx), notes=notes, golden=golden, atol=1e-4, rtol=1e-3,
                classes=None, features=[])
    del keep


main()
