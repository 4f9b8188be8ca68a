// Names, numbers and signatures: NVIDIA's CUDA driver API reference (cuda.h), which keeps them stable between versions.
#include "driver_probes.h"
#include "dynamic_library.h"
#include "json_text.h"

#if defined(_WIN32)
#define CUDA_CALL __stdcall
#else
#define CUDA_CALL
#endif

namespace edgewright {
namespace {

using Result = int;
using Device = int;

constexpr int kMaxDevices = 64;
constexpr int kIntegrated = 18;         // CU_DEVICE_ATTRIBUTE_INTEGRATED
constexpr int kMultiprocessors = 16;    // CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
constexpr int kComputeMode = 20;        // CU_DEVICE_ATTRIBUTE_COMPUTE_MODE
constexpr int kMajor = 75, kMinor = 76; // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR

struct Cuda {
  Result(CUDA_CALL* init)(unsigned);
  Result(CUDA_CALL* driverVersion)(int*);
  Result(CUDA_CALL* count)(int*);
  Result(CUDA_CALL* device)(Device*, int);
  Result(CUDA_CALL* name)(char*, int, Device);
  Result(CUDA_CALL* totalMemory)(size_t*, Device);
  Result(CUDA_CALL* attribute)(int*, int, Device);
  Result(CUDA_CALL* busId)(char*, int, Device);
  Result(CUDA_CALL* errorName)(Result, const char**);

  explicit Cuda(const DynamicLibrary& library) {
    init = library.get<decltype(init)>("cuInit");
    driverVersion = library.get<decltype(driverVersion)>("cuDriverGetVersion");
    count = library.get<decltype(count)>("cuDeviceGetCount");
    device = library.get<decltype(device)>("cuDeviceGet");
    name = library.get<decltype(name)>("cuDeviceGetName");
    totalMemory = library.get<decltype(totalMemory)>("cuDeviceTotalMem_v2");
    attribute = library.get<decltype(attribute)>("cuDeviceGetAttribute");
    busId = library.get<decltype(busId)>("cuDeviceGetPCIBusId");
    errorName = library.get<decltype(errorName)>("cuGetErrorName");
  }

  bool complete() const { return init && count && device && name && totalMemory && attribute && busId; }

  void fail(JsonText& json, const char* step, Result code) const {
    const char* text = nullptr;
    if (errorName == nullptr || errorName(code, &text) != 0 || text == nullptr) text = "";
    json.key("error").beginObject().member("step", step).member("code", code).member("name", text).endObject();
  }
};

void describe(JsonText& json, const Cuda& cuda, int index) {
  json.beginObject().member("index", index);
  Device device = 0;
  const Result found = cuda.device(&device, index);
  if (found != 0) {
    cuda.fail(json, "cuDeviceGet", found);
    json.endObject();
    return;
  }
  char text[256] = {};
  if (cuda.name(text, sizeof text - 1, device) == 0) json.member("name", text);
  char bus[64] = {};
  if (cuda.busId(bus, sizeof bus - 1, device) == 0) json.member("busId", bus);
  size_t bytes = 0;
  if (cuda.totalMemory(&bytes, device) == 0) json.member("memoryBytes", static_cast<uint64_t>(bytes));
  int major = 0, minor = 0, value = 0;
  if (cuda.attribute(&major, kMajor, device) == 0 && cuda.attribute(&minor, kMinor, device) == 0) {
    json.member("computeCapability", std::to_string(major) + "." + std::to_string(minor));
  }
  if (cuda.attribute(&value, kIntegrated, device) == 0) json.member("integrated", value != 0);
  if (cuda.attribute(&value, kMultiprocessors, device) == 0) json.member("multiprocessors", value);
  if (cuda.attribute(&value, kComputeMode, device) == 0) json.member("computeMode", value);
  json.endObject();
}

}  // namespace

std::string probeCuda() {
#if defined(_WIN32)
  const auto library = DynamicLibrary::open("nvcuda.dll");
#else
  // The loader's own choice first, as ONNX Runtime's provider would get it; then where WSL puts it.
  const auto library = DynamicLibrary::open("libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1");
#endif
  JsonText json;
  json.beginObject();
  if (!library) return json.member("loadError", library.error()).endObject().text();
  json.member("library", library.name());
  const Cuda cuda(library);
  if (!cuda.complete()) return json.member("loadError", "it lacks functions of the CUDA driver interface").endObject().text();
  int version = 0;
  if (cuda.driverVersion != nullptr && cuda.driverVersion(&version) == 0) json.member("driverVersion", version);
  const Result started = cuda.init(0);
  if (started != 0) {
    cuda.fail(json, "cuInit", started);
    return json.endObject().text();
  }
  int count = 0;
  const Result counted = cuda.count(&count);
  if (counted != 0) cuda.fail(json, "cuDeviceGetCount", counted);
  json.key("devices").beginArray();
  for (int i = 0; i < count && i < kMaxDevices; i++) describe(json, cuda, i);
  return json.endArray().endObject().text();
}

}  // namespace edgewright
