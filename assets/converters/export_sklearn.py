"""scikit-learn estimators and pipelines (pickle or joblib) by skl2onnx."""
import os
import warnings

import joblib
import numpy as np
import onnx
import skl2onnx
import sklearn
from skl2onnx.common.data_types import FloatTensorType

from common import SAMPLES, arguments, fail, save_golden, save_report, step, versions


def main():
    source, out = arguments()
    step("Loading the estimator")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = joblib.load(source)
        except Exception as error:  # a pickle may raise anything
            fail(f"scikit-learn {sklearn.__version__} cannot load this file: {type(error).__name__}: {error}")
    notes = [str(w.message).splitlines()[0] for w in caught if "version" in str(w.message).lower()][:3]
    if not hasattr(model, "predict") and not hasattr(model, "transform"):
        fail(f"the file holds a {type(model).__name__}, which is no scikit-learn estimator")
    count = getattr(model, "n_features_in_", None)
    if count is None:
        fail("the estimator is not fitted: it does not know how many features it takes")
    classes = getattr(model, "classes_", None)
    step("Exporting with skl2onnx")
    options = {} if classes is None else {id(model): {"zipmap": False}}
    try:
        converted = skl2onnx.to_onnx(model, initial_types=[("features", FloatTensorType([None, int(count)]))], options=options,
                                     target_opset={"": 17, "ai.onnx.ml": 3})
    except Exception as error:
        fail(f"skl2onnx {skl2onnx.__version__} cannot convert a {type(model).__name__}: {error}")
    onnx.save(converted, os.path.join(out, "model.onnx"))
    step("Asking scikit-learn for the expected answers")
    x = np.random.default_rng(1).normal(size=(SAMPLES, int(count))).astype(np.float32)
    names = [o.name for o in converted.graph.output]
    answers = [model.predict(x)] if hasattr(model, "predict") else [model.transform(x)]
    if classes is not None and hasattr(model, "predict_proba"):
        answers.append(model.predict_proba(x).astype(np.float32))
    if classes is None:
        answers = [np.asarray(answers[0], dtype=np.float32).reshape(SAMPLES, -1)]
    outputs = {n: a for n, a in zip(names, answers) if np.asarray(a).dtype.kind in "fiu"}
    golden = save_golden(out, {"features": x}, outputs)
    save_report(out, framework="scikit-learn", versions=versions(sklearn, skl2onnx, onnx), estimator=type(model).__name__, notes=notes,
                golden=golden, atol=1e-4, rtol=1e-3, classes=None if classes is None else [str(c) for c in np.asarray(classes).ravel()[:1000]],
                features=[str(f) for f in getattr(model, "feature_names_in_", [])][:10000])


main()
