"""What LightGBM and XGBoost share: onnxmltools' converters want the number of features and name them all in one input."""
import os

import numpy as np
import onnx
from onnxmltools.convert.common.data_types import FloatTensorType

from common import SAMPLES, fail, save_golden, save_report, step, versions


def export(out, convert, count, predict, framework, modules, classes):
    """convert(initial_types) -> ModelProto; predict(x) -> (labels or values, probabilities or None)."""
    step("Exporting with onnxmltools")
    try:
        converted = convert([("features", FloatTensorType([None, count]))])
    except Exception as error:
        fail(f"onnxmltools cannot convert this model: {type(error).__name__}: {error}")
    onnx.save(converted, os.path.join(out, "model.onnx"))
    step(f"Asking {framework} for the expected answers")
    x = np.random.default_rng(1).normal(size=(SAMPLES, count)).astype(np.float32)
    first, probabilities = predict(x)
    names = [o.name for o in converted.graph.output]
    if probabilities is None:
        outputs = {names[0]: np.asarray(first, dtype=np.float32).reshape(SAMPLES, -1)}
    else:
        outputs = dict(zip(names, [np.asarray(first, dtype=np.int64), np.asarray(probabilities, dtype=np.float32)]))
    golden = save_golden(out, {"features": x}, outputs)
    save_report(out, framework=framework, versions=versions(*modules, onnx), notes=[], golden=golden, atol=1e-4, rtol=1e-3,
                classes=None if classes is None else [str(c) for c in range(classes)], features=[])
