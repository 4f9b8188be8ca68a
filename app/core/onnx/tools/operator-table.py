"""
Writes operators.json: every operator schema that ONNX Runtime has registered, all versions, as one line of text each.

    pip install onnx onnxruntime==1.30.0
    python operator-table.py > ../operators.json

The schemas are asked from the runtime itself, so the table says what that version of it takes, not what a newer standard says.
Whether an operator takes attributes its schema does not name can only be found by giving it one, which is what `unchecked` does.

One version of an operator:  SINCE[!][~]:LEAST-MOST:LEAST-MOST|inputs|outputs|types|attributes
  !  deprecated from here on        ~  takes attributes that are not listed
  inputs and outputs  NAME[?|*|**][:VARIABLE|=TYPE]   ? optional, * any number of one type, ** any number of any types
  types               VARIABLE=INDEX into `sets`
  attributes          NAME:KIND[!]                    ! required
"""
import json
import sys

import onnx
from onnx import TensorProto, helper
import onnxruntime
import onnxruntime.capi.onnxruntime_pybind11_state as state

DOMAINS = {"": "ai.onnx", "ai.onnx.ml": "ai.onnx.ml", "com.microsoft": "com.microsoft"}
WIDE = 2**31 - 1
# AttributeProto.type, under the names that attributes.ts has; the runtime's own names stop at 12.
KINDS = ["", "float", "int", "string", "tensor", "graph", "floats", "ints", "strings", "tensors", "graphs", "sparseTensor", "sparseTensors", "typeProto", "typeProtos"]


def type_name(text):
    """tensor(float) -> float; map(int64,tensor(float)) and map(int64, float) -> map(int64,float)"""
    text = text.replace(" ", "")
    for inner in ("map", "seq", "optional"):
        if text.startswith(inner + "("):
            return inner + "(" + ",".join(type_name(part) for part in split(text[len(inner) + 1 : -1])) + ")"
    return text[7:-1] if text.startswith("tensor(") else text


def split(text):
    depth, start = 0, 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            yield text[start:i]
            start = i + 1
    yield text[start:]


def unchecked(schema):
    """Whether the runtime takes an attribute that the schema does not name."""
    inputs = [f"i{n}" for n in range(schema.min_input)]
    outputs = [f"o{n}" for n in range(max(1, schema.min_output))]
    node = helper.make_node(schema.name, inputs, outputs, domain=schema.domain, an_attribute_nobody_has=1)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
    )
    opsets = [helper.make_opsetid("", 26), helper.make_opsetid(schema.domain, schema.since_version)] if schema.domain else [helper.make_opsetid("", schema.since_version)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    try:
        onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    except Exception as error:
        return "Unrecognized attribute" not in str(error)
    return True


def counted(least, most):
    return f"{least}-{'*' if most >= WIDE else most}"


def parameter(formal, constraints):
    mark = {"Single": "", "Optional": "?", "Variadic": "*" if formal.isHomogeneous else "**"}[formal.option.name]
    kind = f":{formal.typeStr}" if formal.typeStr in constraints else f"={type_name(formal.typeStr)}"
    return f"{formal.name.replace(' ', '_')}{mark}{kind}"


def main():
    sets = {}
    domains = {title: {} for title in DOMAINS.values()}
    # Operator set 26 is the newest the runtime supports; schemas beyond it are there, but no model may ask for them.
    for schema in sorted(state.get_all_operator_schema(), key=lambda s: (s.domain, s.name, s.since_version)):
        if schema.domain not in DOMAINS:
            continue
        constraints = {c.type_param_str: " ".join(sorted({type_name(t) for t in c.allowed_type_strs})) for c in schema.type_constraints}
        used = {f.typeStr for f in [*schema.inputs, *schema.outputs]}
        types = [f"{name}={sets.setdefault(allowed, len(sets))}" for name, allowed in sorted(constraints.items()) if name in used]
        attributes = [f"{name}:{KINDS[int(a.type)]}{'!' if a.required else ''}" for name, a in sorted(schema.attributes.items())]
        flags = ("!" if schema.deprecated else "") + ("~" if unchecked(schema) and not schema.deprecated else "")
        line = "|".join(
            [
                f"{schema.since_version}{flags}:{counted(schema.min_input, schema.max_input)}:{counted(schema.min_output, schema.max_output)}",
                " ".join(parameter(f, constraints) for f in schema.inputs),
                " ".join(parameter(f, constraints) for f in schema.outputs),
                " ".join(types),
                " ".join(attributes),
            ]
        )
        domains[DOMAINS[schema.domain]].setdefault(schema.name, []).append(line)
    table = {
        "source": f"operator schemas registered in ONNX Runtime {onnxruntime.__version__}, as tools/operator-table.py writes them",
        "sets": list(sets),
        "domains": domains,
    }
    json.dump(table, sys.stdout, indent=1)
    sys.stdout.write("\n")


main()
