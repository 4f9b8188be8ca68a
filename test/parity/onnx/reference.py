"""What Python's onnx package says of models: `make DIR` writes some, `describe FILES` prints their tensors, `same PAIRS` compares."""
import json
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def tensors(model):
    """Every dense tensor with its place, in the order the files list them."""
    def of_graph(graph):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield sparse.values
            yield sparse.indices
        yield from of_nodes(graph.node)

    def of_nodes(nodes):
        for node in nodes:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                yield from attribute.tensors
        for node in nodes:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    yield from of_graph(attribute.g)
                for graph in attribute.graphs:
                    yield from of_graph(graph)

    yield from of_graph(model.graph)
    for function in model.functions:
        yield from of_nodes(function.node)


def numbers(tensor, folder):
    if tensor.data_type == TensorProto.STRING:
        return {"text": [s.decode("utf8") for s in tensor.string_data]}
    array = numpy_helper.to_array(tensor, folder)
    if np.iscomplexobj(array):
        return {"complex": True, "count": int(array.size)}
    with np.errstate(all="ignore"):
        # + 0.0: min and max of zeros of both signs may be either.
        values = array.astype(np.float64).reshape(-1) + 0.0
    finite = values[np.isfinite(values)]
    return {
        "count": int(values.size),
        "min": float(finite.min()) if finite.size else None,
        "max": float(finite.max()) if finite.size else None,
        "mean": float(finite.mean()) if finite.size else None,
        "zeros": int((finite == 0).sum()),
        "nan": int(np.isnan(values).sum()),
        "infinite": int(np.isinf(values).sum()),
    }


def describe(paths):
    out = []
    for path in paths:
        folder = path.rsplit("/", 1)[0]
        model = onnx.load(path, load_external_data=False)
        out.append([{"name": t.name, "type": t.data_type, "dims": list(t.dims), **numbers(t, folder)} for t in tensors(model)])
    print(json.dumps(out))


def same(paths):
    """Whether each second model says what the first says, external data read: message for message, element for element."""
    out = []
    for before, after in zip(paths[::2], paths[1::2]):
        a, b = onnx.load(before), onnx.load(after)
        for model in (a, b):
            for tensor in tensors(model):
                plain(tensor)
        out.append(a.SerializeToString(deterministic=True) == b.SerializeToString(deterministic=True))
    print(json.dumps(out))


def plain(tensor):
    """One form for the same elements: raw data, and no word about where they lie."""
    tensor.ClearField("data_location")
    if tensor.data_type != TensorProto.STRING and not tensor.HasField("raw_data"):
        raw = numpy_helper.from_array(numpy_helper.to_array(tensor)).raw_data
        for field in ("float_data", "int32_data", "int64_data", "double_data", "uint64_data"):
            tensor.ClearField(field)
        tensor.raw_data = raw


def make(folder):
    rng = np.random.default_rng(7)
    kinds = [k for k in TensorProto.DataType.values() if k not in (0, TensorProto.STRING) and k <= TensorProto.INT2]
    initializers = []
    for kind in kinds:
        for raw in (True, False):
            for dims in ([3, 5], [7], [], [0, 2]):
                count = int(np.prod(dims))
                dtype = helper.tensor_dtype_to_np_dtype(kind)
                if np.issubdtype(dtype, np.complexfloating):
                    values = (rng.normal(size=count) + 1j * rng.normal(size=count)).astype(dtype)
                elif kind == TensorProto.BOOL:
                    values = rng.integers(0, 2, size=count).astype(bool)
                elif kind in (TensorProto.INT64, TensorProto.INT32, TensorProto.INT16, TensorProto.INT8):
                    info = np.iinfo(dtype)
                    values = rng.integers(info.min, info.max, size=count, dtype=dtype, endpoint=True)
                elif kind in (TensorProto.UINT64, TensorProto.UINT32, TensorProto.UINT16, TensorProto.UINT8):
                    values = rng.integers(0, np.iinfo(dtype).max, size=count, dtype=dtype, endpoint=True)
                else:
                    values = (rng.normal(size=count) * 3).astype(dtype)
                name = f"{TensorProto.DataType.Name(kind)} {'raw' if raw else 'typed'} {dims}"
                if raw:
                    tensor = numpy_helper.from_array(values.reshape(dims), name)
                else:
                    tensor = helper.make_tensor(name, kind, dims, values.reshape(-1))
                initializers.append(tensor)
    initializers.append(helper.make_tensor("words", TensorProto.STRING, [3], ["one", "", "zwölf"]))
    nan = numpy_helper.from_array(np.array([np.nan, np.inf, -np.inf, 0, -0.0], np.float32), "not numbers")
    initializers.append(nan)
    for initializer in initializers:
        entry = initializer.metadata_props.add()
        entry.key, entry.value = "from", "reference.py"

    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Neg", ["x"], ["n"])], "branch", [], [helper.make_tensor_value_info("n", TensorProto.FLOAT, None)], [numpy_helper.from_array(np.arange(600, dtype=np.float32), "inner")])
    nodes = [
        helper.make_node("If", ["c"], ["chosen"], then_branch=branch, else_branch=branch, name="choice"),
        helper.make_node("Twice", ["chosen"], ["y"], domain="local", name="call", overload="float"),
        helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(np.arange(12).reshape(3, 4), "k")),
    ]
    graph = helper.make_graph(nodes, "g", [x, helper.make_tensor_value_info("c", TensorProto.BOOL, [])], [y], initializers, doc_string="a graph")
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(np.array([1.5, 2.5], np.float32), "sparse"), numpy_helper.from_array(np.array([0, 9], np.int64), "sparse_at"), [10]
    )
    graph.sparse_initializer.append(sparse)
    annotation = graph.quantization_annotation.add()
    annotation.tensor_name = "y"
    entry = annotation.quant_parameter_tensor_names.add()
    entry.key, entry.value = "SCALE_TENSOR", "scale"
    functions = []
    for overload, op in (("float", "Add"), ("int", "Sub")):
        function = helper.make_function("local", "Twice", ["a"], ["b"], [helper.make_node(op, ["a", "a"], ["b"])], [helper.make_opsetid("", 21)])
        function.overload = overload
        functions.append(function)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("local", 1), helper.make_opsetid("ai.onnx.ml", 4)]
    model = helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=13, producer_name="reference.py", doc_string="all of it")
    for holder in [model, model.graph, *model.graph.node, *model.graph.input, *model.functions]:
        entry = holder.metadata_props.add()
        entry.key, entry.value = "key", "value"
    configuration = model.configuration.add()
    configuration.name, configuration.num_devices = "two", 2
    configuration.device.extend(["a", "b"])
    place = model.graph.node[0].device_configurations.add()
    place.configuration_id = "two"
    spec = place.sharding_spec.add()
    spec.tensor_name = "x"
    spec.device.extend([0, 1])
    dim = spec.sharded_dim.add()
    dim.axis = 0
    part = dim.simple_sharding.add()
    part.dim_param, part.num_shards = "batch", 2
    training = model.training_info.add()
    training.algorithm.CopyFrom(helper.make_graph([helper.make_node("Identity", ["x"], ["z"])], "step", [], [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)]))
    onnx.save(model, f"{folder}/everything.onnx")
    onnx.save(model, f"{folder}/external.onnx", save_as_external_data=True, location="external.bin", size_threshold=16)
    onnx.save(model, f"{folder}/apart.onnx", save_as_external_data=True, all_tensors_to_one_file=False, size_threshold=16)
    plain = helper.make_model(helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y]), opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(plain, f"{folder}/plain.onnx")
    print(json.dumps(sorted(["everything.onnx", "external.onnx", "apart.onnx", "plain.onnx"])))


{"describe": describe, "same": same, "make": lambda args: make(args[0])}[sys.argv[1]](sys.argv[2:])
