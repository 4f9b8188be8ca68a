"""LightGBM boosters (text model files) by onnxmltools."""
import lightgbm
import numpy as np
import onnxmltools

from common import arguments, fail, step
from trees import export


def main():
    source, out = arguments()
    step("Loading the booster")
    try:
        booster = lightgbm.Booster(model_file=source)
    except Exception as error:
        fail(f"LightGBM {lightgbm.__version__} cannot load this file: {error}")
    objective = booster.dump_model()["objective"].split()[0] if booster.dump_model().get("objective") else ""
    multi = booster.num_model_per_iteration()
    classes = multi if multi > 1 else 2 if objective in ("binary", "cross_entropy") else None

    def predict(x):
        raw = booster.predict(x)
        if classes is None:
            return raw, None
        probabilities = raw if multi > 1 else np.stack([1 - raw, raw], axis=1)
        return probabilities.argmax(axis=1), probabilities

    keyword = {} if classes is None else {"zipmap": False}
    export(out, lambda types: onnxmltools.convert_lightgbm(booster, initial_types=types, target_opset=15, **keyword), booster.num_feature(),
           predict, "LightGBM", [lightgbm, onnxmltools], classes)


main()
