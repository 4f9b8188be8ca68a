"""XGBoost models (JSON or UBJSON) by onnxmltools."""
import json

import onnxmltools
import xgboost

from common import arguments, fail, step
from trees import export


def main():
    source, out = arguments()
    step("Loading the model")
    booster = xgboost.Booster()
    try:
        booster.load_model(source)
    except Exception as error:
        fail(f"XGBoost {xgboost.__version__} cannot load this file: {str(error).splitlines()[0]}")
    learner = json.loads(booster.save_config())["learner"]
    objective = learner["objective"]["name"]
    classes = max(2, int(learner["learner_model_param"]["num_class"])) if objective.split(":")[0] in ("binary", "multi") else None
    # The converter reads the number of classes and the base score from the scikit-learn wrapper.
    model = xgboost.XGBRegressor() if classes is None else xgboost.XGBClassifier()
    model.load_model(source)

    def predict(x):
        return model.predict(x), None if classes is None else model.predict_proba(x)

    export(out, lambda types: onnxmltools.convert_xgboost(model, initial_types=types, target_opset=15), booster.num_features(), predict,
           "XGBoost", [xgboost, onnxmltools], classes)


main()
