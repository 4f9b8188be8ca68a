// Structures and numbers: the Vulkan specification (vulkan_core.h), whose binary interface never changes. Declared here so that
// building needs no Vulkan headers; only what is asked for.
#include <algorithm>
#include <cstring>

#include "driver_probes.h"
#include "dynamic_library.h"
#include "json_text.h"

#if defined(_WIN32)
#define VULKAN_CALL __stdcall
#else
#define VULKAN_CALL
#endif

namespace edgewright {
namespace {

using Instance = void*;
using PhysicalDevice = void*;
using Function = void(VULKAN_CALL*)();

constexpr uint32_t kMaxDevices = 32;
constexpr int kIncomplete = 5;               // VK_INCOMPLETE: more devices than asked for
constexpr uint32_t kVersion11 = 1u << 22 | 1u << 12;
constexpr uint32_t kVersion12 = 1u << 22 | 2u << 12;

struct ApplicationInfo {
  int32_t type = 0;  // VK_STRUCTURE_TYPE_APPLICATION_INFO
  const void* next = nullptr;
  const char* application = "edgewright";
  uint32_t applicationVersion = 1;
  const char* engine = nullptr;
  uint32_t engineVersion = 0;
  uint32_t apiVersion = kVersion11;
};

struct InstanceInfo {
  int32_t type = 1;  // VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO
  const void* next = nullptr;
  uint32_t flags = 0;
  const ApplicationInfo* application = nullptr;
  uint32_t layerCount = 0;
  const char* const* layers = nullptr;
  uint32_t extensionCount = 0;
  const char* const* extensions = nullptr;
};

struct Extension {
  char name[256];
  uint32_t version;
};

/// VkPhysicalDeviceProperties: the fields before its limits, and more room than the limits need (824 bytes in all).
struct alignas(8) Properties {
  uint32_t apiVersion, driverVersion, vendorId, deviceId;
  int32_t deviceType;
  char name[256];
  uint8_t rest[1024];
};

struct Properties2 {
  int32_t type = 1000059001;  // VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2
  void* next = nullptr;
  Properties properties = {};
};

struct DriverProperties {
  int32_t type = 1000196000;  // VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES
  void* next = nullptr;
  int32_t driverId = 0;
  char name[256] = {};
  char info[256] = {};
  uint8_t conformance[4] = {};
};

struct BusProperties {
  int32_t type = 1000212000;  // VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT
  void* next = nullptr;
  uint32_t domain = 0, bus = 0, device = 0, function = 0;
};

struct MemoryProperties {
  uint32_t typeCount;
  struct {
    uint32_t flags, heap;
  } types[32];
  uint32_t heapCount;
  struct {
    uint64_t bytes;
    uint32_t flags;
  } heaps[16];
};

struct Vulkan {
  Function(VULKAN_CALL* proc)(Instance, const char*) = nullptr;
  Instance instance = nullptr;

  template <typename F>
  F get(const char* name) const {
    return reinterpret_cast<F>(proc(instance, name));
  }
};

bool hasBusInfo(const Vulkan& vulkan, PhysicalDevice device) {
  const auto list = vulkan.get<int(VULKAN_CALL*)(PhysicalDevice, const char*, uint32_t*, Extension*)>("vkEnumerateDeviceExtensionProperties");
  uint32_t count = 0;
  if (list == nullptr || list(device, nullptr, &count, nullptr) != 0) return false;
  std::vector<Extension> all(count);
  if (list(device, nullptr, &count, all.data()) < 0) return false;
  return std::any_of(all.begin(), all.begin() + std::min<size_t>(count, all.size()), [](const Extension& e) { return std::strcmp(e.name, "VK_EXT_pci_bus_info") == 0; });
}

void describe(JsonText& json, const Vulkan& vulkan, PhysicalDevice device) {
  const auto plain = vulkan.get<void(VULKAN_CALL*)(PhysicalDevice, Properties*)>("vkGetPhysicalDeviceProperties");
  const auto chained = vulkan.get<void(VULKAN_CALL*)(PhysicalDevice, Properties2*)>("vkGetPhysicalDeviceProperties2");
  const auto memory = vulkan.get<void(VULKAN_CALL*)(PhysicalDevice, MemoryProperties*)>("vkGetPhysicalDeviceMemoryProperties");
  Properties properties = {};
  plain(device, &properties);
  properties.name[sizeof properties.name - 1] = 0;
  json.beginObject()
      .member("name", properties.name)
      .member("vendorId", properties.vendorId)
      .member("deviceId", properties.deviceId)
      .member("type", properties.deviceType)
      .member("apiVersion", std::to_string(properties.apiVersion >> 22 & 0x7f) + "." + std::to_string(properties.apiVersion >> 12 & 0x3ff));
  if (chained != nullptr && properties.apiVersion >= kVersion11) {
    Properties2 all;
    DriverProperties driver;
    BusProperties bus;
    const bool bussed = hasBusInfo(vulkan, device);
    if (properties.apiVersion >= kVersion12) all.next = &driver;
    if (bussed) {
      bus.next = all.next;
      all.next = &bus;
    }
    chained(device, &all);
    driver.name[sizeof driver.name - 1] = driver.info[sizeof driver.info - 1] = 0;
    if (driver.name[0] != 0) json.member("driver", driver.name).member("driverInfo", driver.info);
    if (bussed) {
      char address[40];
      std::snprintf(address, sizeof address, "%04x:%02x:%02x.%x", bus.domain, bus.bus, bus.device, bus.function);
      json.member("busId", address);
    }
  }
  if (memory != nullptr) {
    MemoryProperties heaps = {};
    memory(device, &heaps);
    uint64_t local = 0;
    for (uint32_t i = 0; i < heaps.heapCount && i < 16; i++) {
      if ((heaps.heaps[i].flags & 1u) != 0) local = std::max(local, heaps.heaps[i].bytes);
    }
    json.member("memoryBytes", local);
  }
  json.endObject();
}

}  // namespace

std::string probeVulkan() {
#if defined(_WIN32)
  const auto library = DynamicLibrary::open("vulkan-1.dll");
#else
  const auto library = DynamicLibrary::open("libvulkan.so.1");
#endif
  JsonText json;
  json.beginObject();
  if (!library) return json.member("loadError", library.error()).endObject().text();
  Vulkan vulkan;
  vulkan.proc = library.get<decltype(vulkan.proc)>("vkGetInstanceProcAddr");
  if (vulkan.proc == nullptr) return json.member("loadError", "it lacks vkGetInstanceProcAddr").endObject().text();

  const auto create = vulkan.get<int(VULKAN_CALL*)(const InstanceInfo*, const void*, Instance*)>("vkCreateInstance");
  // A loader of Vulkan 1.0 has no such function, and refuses an application that asks for more.
  const auto version = vulkan.get<int(VULKAN_CALL*)(uint32_t*)>("vkEnumerateInstanceVersion");
  ApplicationInfo application;
  if (version == nullptr) application.apiVersion = 1u << 22;
  InstanceInfo info;
  info.application = &application;
  const int created = create == nullptr ? -1 : create(&info, nullptr, &vulkan.instance);
  const auto fail = [&json](const char* step, int code) {
    json.key("error").beginObject().member("step", step).member("code", code).endObject();
  };
  if (created != 0) {
    fail("vkCreateInstance", created);
    return json.endObject().text();
  }
  const auto enumerate = vulkan.get<int(VULKAN_CALL*)(Instance, uint32_t*, PhysicalDevice*)>("vkEnumeratePhysicalDevices");
  PhysicalDevice devices[kMaxDevices] = {};
  uint32_t count = kMaxDevices;
  const int listed = enumerate(vulkan.instance, &count, devices);
  const bool ok = listed == 0 || listed == kIncomplete;
  if (!ok) fail("vkEnumeratePhysicalDevices", listed);
  json.key("devices").beginArray();
  for (uint32_t i = 0; ok && i < std::min(count, kMaxDevices); i++) describe(json, vulkan, devices[i]);
  json.endArray();
  const auto destroy = vulkan.get<void(VULKAN_CALL*)(Instance, const void*)>("vkDestroyInstance");
  if (destroy != nullptr) destroy(vulkan.instance, nullptr);
  return json.endObject().text();
}

}  // namespace edgewright
