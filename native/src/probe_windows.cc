// Graphics adapters by DXGI, compute and neural adapters by DXCore. Compiled on Windows only, against the Windows SDK's headers;
// both libraries are loaded at run time, for older Windows has no DXCore.
#include "driver_probes.h"
#include "json_text.h"

#if !defined(_WIN32)

namespace edgewright {
namespace {
const char kElsewhere[] = "{\"loadError\":\"it exists on Windows only\"}";
}
std::string probeDxgi() { return kElsewhere; }
std::string probeDxcore() { return kElsewhere; }
}  // namespace edgewright

#else

#include <windows.h>

#include <dxgi1_6.h>
#if __has_include(<dxcore.h>)
#include <initguid.h>

#include <dxcore.h>
#define EDGEWRIGHT_DXCORE 1
#endif

#include "dynamic_library.h"

namespace edgewright {
namespace {

constexpr UINT kMaxAdapters = 32;

std::string utf8(const wchar_t* text) {
  const int bytes = WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
  if (bytes <= 1) return "";
  std::string out(static_cast<size_t>(bytes), '\0');
  WideCharToMultiByte(CP_UTF8, 0, text, -1, &out[0], bytes, nullptr, nullptr);
  out.resize(static_cast<size_t>(bytes) - 1);
  return out;
}

std::string luidText(const LUID& luid) {
  char text[32];
  std::snprintf(text, sizeof text, "%08lx:%08lx", static_cast<unsigned long>(luid.HighPart), static_cast<unsigned long>(luid.LowPart));
  return text;
}

/// Four 16-bit parts, highest first: 31.0.15.5161.
std::string versionText(uint64_t packed) {
  std::string text;
  for (int shift = 48; shift >= 0; shift -= 16) text += (text.empty() ? "" : ".") + std::to_string(packed >> shift & 0xffff);
  return text;
}

void fail(JsonText& json, const char* step, HRESULT code) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08lx", static_cast<unsigned long>(code));
  json.key("error").beginObject().member("step", step).member("code", static_cast<int>(code)).member("name", text).endObject();
}

/// Releases a COM object at the end of its scope.
template <typename T>
struct Held {
  T* it = nullptr;
  ~Held() {
    if (it != nullptr) it->Release();
  }
  T* operator->() const { return it; }
  void** out() { return reinterpret_cast<void**>(&it); }
};

}  // namespace

std::string probeDxgi() {
  JsonText json;
  json.beginObject();
  const auto library = DynamicLibrary::open("dxgi.dll");
  const auto create = library ? library.get<HRESULT(WINAPI*)(REFIID, void**)>("CreateDXGIFactory1") : nullptr;
  if (create == nullptr) return json.member("loadError", library.error()).endObject().text();
  Held<IDXGIFactory1> factory;
  const HRESULT made = create(__uuidof(IDXGIFactory1), factory.out());
  if (FAILED(made)) {
    fail(json, "CreateDXGIFactory1", made);
    return json.endObject().text();
  }
  json.key("adapters").beginArray();
  for (UINT i = 0; i < kMaxAdapters; i++) {
    Held<IDXGIAdapter1> adapter;
    if (FAILED(factory->EnumAdapters1(i, &adapter.it))) break;
    DXGI_ADAPTER_DESC1 about = {};
    if (FAILED(adapter->GetDesc1(&about))) continue;
    about.Description[127] = 0;
    json.beginObject()
        .member("index", static_cast<uint32_t>(i))
        .member("name", utf8(about.Description))
        .member("vendorId", static_cast<uint32_t>(about.VendorId))
        .member("deviceId", static_cast<uint32_t>(about.DeviceId))
        .member("luid", luidText(about.AdapterLuid))
        .member("dedicatedBytes", static_cast<uint64_t>(about.DedicatedVideoMemory))
        .member("sharedBytes", static_cast<uint64_t>(about.SharedSystemMemory))
        .member("software", (about.Flags & DXGI_ADAPTER_FLAG_SOFTWARE) != 0)
        .member("remote", (about.Flags & DXGI_ADAPTER_FLAG_REMOTE) != 0);
    LARGE_INTEGER driver = {};
    if (SUCCEEDED(adapter->CheckInterfaceSupport(__uuidof(IDXGIDevice), &driver))) json.member("driver", versionText(static_cast<uint64_t>(driver.QuadPart)));
    json.endObject();
  }
  return json.endArray().endObject().text();
}

#if defined(EDGEWRIGHT_DXCORE)

namespace {

// Newer than many SDKs, so they are written out: DXCORE_HARDWARE_TYPE_ATTRIBUTE_NPU and DXCORE_ADAPTER_ATTRIBUTE_D3D12_GENERIC_ML.
constexpr GUID kNpu = {0xd46140c4, 0xadd7, 0x451b, {0x9e, 0x56, 0x06, 0xfe, 0x8c, 0x3b, 0x58, 0xed}};
constexpr GUID kGenericMl = {0xb71b0d41, 0x1088, 0x422f, {0xa2, 0x7c, 0x02, 0x50, 0xb7, 0xd3, 0xa9, 0x88}};

template <typename T>
bool property(IDXCoreAdapter* adapter, DXCoreAdapterProperty which, T* value) {
  return adapter->IsPropertySupported(which) && SUCCEEDED(adapter->GetProperty(which, sizeof *value, value));
}

void describe(JsonText& json, IDXCoreAdapter* adapter) {
  json.beginObject();
  size_t bytes = 0;
  if (SUCCEEDED(adapter->GetPropertySize(DXCoreAdapterProperty::DriverDescription, &bytes)) && bytes > 0 && bytes < 4096) {
    std::string name(bytes, '\0');
    if (SUCCEEDED(adapter->GetProperty(DXCoreAdapterProperty::DriverDescription, bytes, &name[0]))) json.member("name", std::string(name.c_str()));
  }
  DXCoreHardwareID id = {};
  if (property(adapter, DXCoreAdapterProperty::HardwareID, &id)) json.member("vendorId", id.vendorID).member("deviceId", id.deviceID);
  LUID luid = {};
  if (property(adapter, DXCoreAdapterProperty::InstanceLuid, &luid)) json.member("luid", luidText(luid));
  uint64_t number = 0;
  if (property(adapter, DXCoreAdapterProperty::DriverVersion, &number)) json.member("driver", versionText(number));
  if (property(adapter, DXCoreAdapterProperty::DedicatedAdapterMemory, &number)) json.member("dedicatedBytes", number);
  if (property(adapter, DXCoreAdapterProperty::SharedSystemMemory, &number)) json.member("sharedBytes", number);
  bool flag = false;
  if (property(adapter, DXCoreAdapterProperty::IsHardware, &flag)) json.member("hardware", flag);
  if (property(adapter, DXCoreAdapterProperty::IsIntegrated, &flag)) json.member("integrated", flag);
  json.member("npu", adapter->IsAttributeSupported(kNpu))
      .member("graphics", adapter->IsAttributeSupported(DXCORE_ADAPTER_ATTRIBUTE_D3D12_GRAPHICS))
      .member("compute", adapter->IsAttributeSupported(DXCORE_ADAPTER_ATTRIBUTE_D3D12_CORE_COMPUTE))
      .member("genericMl", adapter->IsAttributeSupported(kGenericMl))
      .endObject();
}

}  // namespace

std::string probeDxcore() {
  JsonText json;
  json.beginObject();
  const auto library = DynamicLibrary::open("dxcore.dll");
  const auto create = library ? library.get<HRESULT(WINAPI*)(REFIID, void**)>("DXCoreCreateAdapterFactory") : nullptr;
  if (create == nullptr) return json.member("loadError", library.error()).endObject().text();
  Held<IDXCoreAdapterFactory> factory;
  const HRESULT made = create(IID_IDXCoreAdapterFactory, factory.out());
  if (FAILED(made)) {
    fail(json, "DXCoreCreateAdapterFactory", made);
    return json.endObject().text();
  }
  json.key("adapters").beginArray();
  // An adapter may have several of the attributes: the reader tells them apart by LUID.
  for (const GUID& attribute : {DXCORE_ADAPTER_ATTRIBUTE_D3D12_CORE_COMPUTE, kGenericMl, kNpu}) {
    Held<IDXCoreAdapterList> list;
    if (FAILED(factory->CreateAdapterList(1, &attribute, IID_IDXCoreAdapterList, list.out()))) continue;
    for (uint32_t i = 0; i < list->GetAdapterCount() && i < kMaxAdapters; i++) {
      Held<IDXCoreAdapter> adapter;
      if (SUCCEEDED(list->GetAdapter(i, IID_IDXCoreAdapter, adapter.out()))) describe(json, adapter.it);
    }
  }
  return json.endArray().endObject().text();
}

#else

std::string probeDxcore() { return "{\"loadError\":\"built without the headers of DXCore\"}"; }

#endif

}  // namespace edgewright

#endif
