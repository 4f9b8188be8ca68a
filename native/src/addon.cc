// The boundary to JavaScript. Every argument is checked here again, whatever the façade did: beyond it lies raw memory.
#include <napi.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "confine.h"
#include "cpu_features.h"
#include "driver_probes.h"
#include "kernels.h"
#include "process_control.h"

namespace edgewright {
namespace {

Napi::Value fail(Napi::Env env, const char* message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

bool quantTypeOf(napi_typedarray_type type, QuantType* out) {
  switch (type) {
    case napi_int8_array: *out = QuantType::kInt8; return true;
    case napi_uint8_array: *out = QuantType::kUint8; return true;
    case napi_int16_array: *out = QuantType::kInt16; return true;
    case napi_uint16_array: *out = QuantType::kUint16; return true;
    default: return false;
  }
}

/// A typed array's memory, its type and its length in elements.
struct View {
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
};

bool viewOf(Napi::Env env, const Napi::Value& value, View* view) {
  bool isTyped = false;
  if (napi_is_typedarray(env, value, &isTyped) != napi_ok || !isTyped) return false;
  return napi_get_typedarray_info(env, value, &view->type, &view->length, &view->data, nullptr, nullptr) == napi_ok;
}

/// Per environment: a worker thread that loads the addon gets its own.
class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) : kernels_(&bestKernels()) {
    DefineAddon(exports, {
                             InstanceValue("interfaceVersion", Napi::Number::New(env, 2), napi_enumerable),
                             InstanceMethod("cpuFeatures", &Addon::CpuFeatures, napi_enumerable),
                             InstanceMethod("kernelNames", &Addon::KernelNames, napi_enumerable),
                             InstanceMethod("useKernels", &Addon::UseKernels, napi_enumerable),
                             InstanceMethod("quantizeLinear", &Addon::QuantizeLinear, napi_enumerable),
                             InstanceMethod("minMax", &Addon::MinMax, napi_enumerable),
                             InstanceMethod("setMemoryLimit", &Addon::SetMemoryLimit, napi_enumerable),
                             InstanceMethod("probe", &Addon::Probe, napi_enumerable),
                             InstanceMethod("dieWithParent", &Addon::DieWithParent, napi_enumerable),
                             InstanceMethod("confine", &Addon::Confine, napi_enumerable),
                             InstanceMethod("relaunch", &Addon::Relaunch, napi_enumerable),
                         });
  }

 private:
  Napi::Value CpuFeatures(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    const auto& flags = cpuFlags();
    Napi::Array list = Napi::Array::New(env, flags.size());
    for (size_t i = 0; i < flags.size(); i++) list.Set(static_cast<uint32_t>(i), flags[i]);
    Napi::Object result = Napi::Object::New(env);
    result.Set("flags", list);
    result.Set("brand", cpuBrand());
    result.Set("hypervisor", hypervisorName());
    return result;
  }

  /// The kernel sets this CPU can run, fastest first.
  Napi::Value KernelNames(const Napi::CallbackInfo& info) {
    Napi::Array list = Napi::Array::New(info.Env());
    uint32_t n = 0;
    for (const Kernels* k : {avx512Kernels(), avx2Kernels(), &scalarKernels()}) {
      if (k != nullptr) list.Set(n++, k->name);
    }
    return list;
  }

  /// Chooses a kernel set by name, so that tests reach each of them. Without a name: the fastest.
  Napi::Value UseKernels(const Napi::CallbackInfo& info) {
    if (info.Length() == 0 || info[0].IsUndefined()) {
      kernels_ = &bestKernels();
      return Napi::String::New(info.Env(), kernels_->name);
    }
    if (!info[0].IsString()) return fail(info.Env(), "useKernels: the name must be a string");
    const std::string name = info[0].As<Napi::String>();
    for (const Kernels* k : {avx512Kernels(), avx2Kernels(), &scalarKernels()}) {
      if (k != nullptr && name == k->name) {
        kernels_ = k;
        return Napi::String::New(info.Env(), k->name);
      }
    }
    return fail(info.Env(), "useKernels: this CPU has no such kernels");
  }

  /// (input: Float32Array, output, scales: Float32Array[channels], zeros: Float32Array[channels], inner: number) -> NaN count.
  /// Value i belongs to channel floor(i / inner) mod channels.
  Napi::Value QuantizeLinear(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    View in, out, scales, zeros;
    QuantType type;
    if (info.Length() != 5 || !viewOf(env, info[0], &in) || in.type != napi_float32_array) return fail(env, "quantizeLinear: input must be a Float32Array");
    if (!viewOf(env, info[1], &out) || !quantTypeOf(out.type, &type)) return fail(env, "quantizeLinear: output must be an Int8Array, Uint8Array, Int16Array or Uint16Array");
    if (!viewOf(env, info[2], &scales) || scales.type != napi_float32_array) return fail(env, "quantizeLinear: scales must be a Float32Array");
    if (!viewOf(env, info[3], &zeros) || zeros.type != napi_float32_array) return fail(env, "quantizeLinear: zero points must be a Float32Array");
    if (!info[4].IsNumber()) return fail(env, "quantizeLinear: inner must be a number");
    const double innerNumber = info[4].As<Napi::Number>().DoubleValue();
    if (out.length != in.length) return fail(env, "quantizeLinear: input and output differ in length");
    if (scales.length == 0 || zeros.length != scales.length) return fail(env, "quantizeLinear: as many zero points as scales, at least one");
    if (in.length == 0) return Napi::Number::New(env, 0);
    if (!(innerNumber >= 1) || innerNumber > static_cast<double>(in.length) || innerNumber != std::floor(innerNumber)) {
      return fail(env, "quantizeLinear: inner must be a whole number from 1 to the length");
    }
    const size_t inner = static_cast<size_t>(innerNumber);
    const size_t channels = scales.length;
    // Division first: the product could overflow.
    if (in.length % inner != 0 || (in.length / inner) % channels != 0) return fail(env, "quantizeLinear: the length is no multiple of channels x inner");

    const int t = static_cast<int>(type);
    const size_t width = (type == QuantType::kInt8 || type == QuantType::kUint8) ? 1 : 2;
    const float* input = static_cast<const float*>(in.data);
    const float* scale = static_cast<const float*>(scales.data);
    const float* zero = static_cast<const float*>(zeros.data);
    char* output = static_cast<char*>(out.data);
    size_t nans = 0;
    if (inner == 1 && channels > 1) {
      for (size_t at = 0; at < in.length; at += channels) nans += kernels_->quantizeEach[t](input + at, channels, scale, zero, output + at * width);
    } else {
      const size_t run = channels == 1 ? in.length : inner;
      size_t channel = 0;
      for (size_t at = 0; at < in.length; at += run) {
        nans += kernels_->quantize[t](input + at, run, scale + channel, zero + channel, output + at * width);
        channel = channel + 1 == channels ? 0 : channel + 1;
      }
    }
    return Napi::Number::New(env, static_cast<double>(nans));
  }

  Napi::Value MinMax(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    View in;
    if (info.Length() != 1 || !viewOf(env, info[0], &in) || in.type != napi_float32_array) return fail(env, "minMax: the argument must be a Float32Array");
    float low, high;
    kernels_->minMax(static_cast<const float*>(in.data), in.length, &low, &high);
    Napi::Object result = Napi::Object::New(env);
    result.Set("min", Napi::Number::New(env, low));
    result.Set("max", Napi::Number::New(env, high));
    return result;
  }

  Napi::Value SetMemoryLimit(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (info.Length() != 1 || !info[0].IsNumber()) return fail(env, "setMemoryLimit: bytes must be a number");
    const double bytes = info[0].As<Napi::Number>().DoubleValue();
    if (!(bytes >= 1) || bytes > 9007199254740991.0) return fail(env, "setMemoryLimit: bytes must be a positive whole number");
    return Napi::Boolean::New(env, setMemoryLimit(static_cast<uint64_t>(bytes)));
  }

  /// (name: string, libraries?: string[]) -> JSON text. May hang or crash with the library it loads: only for a child process.
  Napi::Value Probe(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (info.Length() == 0 || !info[0].IsString()) return fail(env, "probe: the name must be a string");
    const std::string name = info[0].As<Napi::String>();
    if (name == "libraries") {
      if (info.Length() != 2 || !info[1].IsArray()) return fail(env, "probe: libraries must be a list of strings");
      const Napi::Array list = info[1].As<Napi::Array>();
      std::vector<std::string> names;
      for (uint32_t i = 0; i < list.Length(); i++) {
        const Napi::Value item = list.Get(i);
        if (!item.IsString()) return fail(env, "probe: libraries must be a list of strings");
        names.push_back(item.As<Napi::String>());
      }
      return Napi::String::New(env, probeLibraries(names));
    }
    const struct {
      const char* name;
      std::string (*ask)();
    } all[] = {{"cuda", probeCuda}, {"nvml", probeNvml}, {"vulkan", probeVulkan}, {"dxgi", probeDxgi}, {"dxcore", probeDxcore}};
    for (const auto& one : all) {
      if (name == one.name) return Napi::String::New(env, one.ask());
    }
    return fail(env, "probe: there is no such probe");
  }

  Napi::Value DieWithParent(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (info.Length() != 1 || !info[0].IsNumber()) return fail(env, "dieWithParent: the parent's pid must be a number");
    return Napi::Boolean::New(env, dieWithParent(info[0].As<Napi::Number>().Int64Value()));
  }

  Napi::Value Confine(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (info.Length() != 1 || !info[0].IsBoolean()) return fail(env, "confine: readOnly must be a boolean");
    return Napi::Boolean::New(env, confine(info[0].As<Napi::Boolean>().Value()));
  }

  /// (arguments: string[]), the program's path first. Comes back only when it could not be started.
  Napi::Value Relaunch(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (info.Length() != 1 || !info[0].IsArray() || info[0].As<Napi::Array>().Length() == 0) return fail(env, "relaunch: the program and its arguments must be an array");
    const Napi::Array given = info[0].As<Napi::Array>();
    std::vector<std::string> texts;
    for (uint32_t i = 0; i < given.Length(); i++) {
      const Napi::Value value = given.Get(i);
      if (!value.IsString()) return fail(env, "relaunch: every argument must be a string");
      texts.push_back(value.As<Napi::String>());
    }
    std::vector<char*> arguments;
    for (std::string& text : texts) arguments.push_back(text.data());
    arguments.push_back(nullptr);
    relaunch(arguments.data());
    return env.Undefined();
  }

  const Kernels* kernels_;
};

}  // namespace
}  // namespace edgewright

using EdgewrightAddon = edgewright::Addon;
NODE_API_NAMED_ADDON(edgewright, EdgewrightAddon)
