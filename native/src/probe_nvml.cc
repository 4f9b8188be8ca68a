// Names, numbers and signatures: NVIDIA's NVML API reference (nvml.h). Versioned functions keep their structures for good.
#include "driver_probes.h"
#include "dynamic_library.h"
#include "json_text.h"

namespace edgewright {
namespace {

using Result = int;
using Device = void*;

constexpr unsigned kMaxDevices = 64;
constexpr unsigned kMaxInstances = 16;

struct Memory {
  unsigned long long total, free, used;
};

struct Pci {
  char legacyId[16];
  unsigned domain, bus, device, deviceId, subsystemId;
  char busId[32];
};

struct Nvml {
  Result (*init)();
  Result (*shutdown)();
  const char* (*errorString)(Result);
  Result (*driverVersion)(char*, unsigned);
  Result (*cudaVersion)(int*);
  Result (*count)(unsigned*);
  Result (*handle)(unsigned, Device*);
  Result (*name)(Device, char*, unsigned);
  Result (*memory)(Device, Memory*);
  Result (*pci)(Device, Pci*);
  Result (*capability)(Device, int*, int*);
  Result (*computeMode)(Device, int*);
  Result (*migMode)(Device, unsigned*, unsigned*);
  Result (*migHandle)(Device, unsigned, Device*);

  explicit Nvml(const DynamicLibrary& library) {
    init = library.get<decltype(init)>("nvmlInit_v2");
    shutdown = library.get<decltype(shutdown)>("nvmlShutdown");
    errorString = library.get<decltype(errorString)>("nvmlErrorString");
    driverVersion = library.get<decltype(driverVersion)>("nvmlSystemGetDriverVersion");
    cudaVersion = library.get<decltype(cudaVersion)>("nvmlSystemGetCudaDriverVersion_v2");
    count = library.get<decltype(count)>("nvmlDeviceGetCount_v2");
    handle = library.get<decltype(handle)>("nvmlDeviceGetHandleByIndex_v2");
    name = library.get<decltype(name)>("nvmlDeviceGetName");
    memory = library.get<decltype(memory)>("nvmlDeviceGetMemoryInfo");
    pci = library.get<decltype(pci)>("nvmlDeviceGetPciInfo_v3");
    capability = library.get<decltype(capability)>("nvmlDeviceGetCudaComputeCapability");
    computeMode = library.get<decltype(computeMode)>("nvmlDeviceGetComputeMode");
    migMode = library.get<decltype(migMode)>("nvmlDeviceGetMigMode");
    migHandle = library.get<decltype(migHandle)>("nvmlDeviceGetMigDeviceHandleByIndex");
  }

  bool complete() const { return init && shutdown && count && handle && name && memory && pci; }

  void fail(JsonText& json, const char* step, Result code) const {
    const char* text = errorString != nullptr ? errorString(code) : nullptr;
    json.key("error").beginObject().member("step", step).member("code", code).member("name", text != nullptr ? text : "").endObject();
  }
};

void describeInstances(JsonText& json, const Nvml& nvml, Device device) {
  unsigned now = 0, pending = 0;
  if (nvml.migMode == nullptr || nvml.migMode(device, &now, &pending) != 0) return;
  json.member("mig", now == 1);
  if (now != 1 || nvml.migHandle == nullptr) return;
  json.key("migInstances").beginArray();
  for (unsigned i = 0; i < kMaxInstances; i++) {
    Device instance = nullptr;
    if (nvml.migHandle(device, i, &instance) != 0) continue;
    json.beginObject();
    char text[128] = {};
    if (nvml.name(instance, text, sizeof text - 1) == 0) json.member("name", text);
    Memory memory = {};
    if (nvml.memory(instance, &memory) == 0) json.member("memoryBytes", static_cast<uint64_t>(memory.total));
    json.endObject();
  }
  json.endArray();
}

void describe(JsonText& json, const Nvml& nvml, unsigned index) {
  json.beginObject().member("index", index);
  Device device = nullptr;
  // A card that fell off the bus still counts, but gives no handle.
  const Result found = nvml.handle(index, &device);
  if (found != 0) {
    nvml.fail(json, "nvmlDeviceGetHandleByIndex", found);
    json.endObject();
    return;
  }
  char text[128] = {};
  const Result named = nvml.name(device, text, sizeof text - 1);
  if (named == 0) json.member("name", text);
  else nvml.fail(json, "nvmlDeviceGetName", named);
  Pci pci = {};
  if (nvml.pci(device, &pci) == 0) json.member("busId", pci.busId).member("pciDeviceId", pci.deviceId);
  Memory memory = {};
  if (nvml.memory(device, &memory) == 0) {
    json.member("memoryBytes", static_cast<uint64_t>(memory.total)).member("freeBytes", static_cast<uint64_t>(memory.free));
  }
  int major = 0, minor = 0, mode = 0;
  if (nvml.capability != nullptr && nvml.capability(device, &major, &minor) == 0) {
    json.member("computeCapability", std::to_string(major) + "." + std::to_string(minor));
  }
  if (nvml.computeMode != nullptr && nvml.computeMode(device, &mode) == 0) json.member("computeMode", mode);
  describeInstances(json, nvml, device);
  json.endObject();
}

}  // namespace

std::string probeNvml() {
#if defined(_WIN32)
  const auto library = DynamicLibrary::open("nvml.dll");
#else
  const auto library = DynamicLibrary::open("libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1");
#endif
  JsonText json;
  json.beginObject();
  if (!library) return json.member("loadError", library.error()).endObject().text();
  json.member("library", library.name());
  const Nvml nvml(library);
  if (!nvml.complete()) return json.member("loadError", "it lacks functions of NVML").endObject().text();
  const Result started = nvml.init();
  if (started != 0) {
    nvml.fail(json, "nvmlInit", started);
    return json.endObject().text();
  }
  char version[96] = {};
  if (nvml.driverVersion != nullptr && nvml.driverVersion(version, sizeof version - 1) == 0) json.member("driverVersion", version);
  int cuda = 0;
  if (nvml.cudaVersion != nullptr && nvml.cudaVersion(&cuda) == 0) json.member("cudaVersion", cuda);
  unsigned count = 0;
  const Result counted = nvml.count(&count);
  if (counted != 0) nvml.fail(json, "nvmlDeviceGetCount", counted);
  json.key("devices").beginArray();
  for (unsigned i = 0; i < count && i < kMaxDevices; i++) describe(json, nvml, i);
  json.endArray();
  nvml.shutdown();
  return json.endObject().text();
}

}  // namespace edgewright
