#include <cstring>

#include "driver_probes.h"
#include "dynamic_library.h"
#include "json_text.h"

namespace edgewright {
namespace {

std::string baseName(const std::string& path) { return path.substr(path.find_last_of("/\\") + 1); }

/// Version functions that touch no device. cuDNN is not asked: its front library ends the process when a part of it is missing.
std::string versionOf(const DynamicLibrary& library, const std::string& file) {
  const auto starts = [&file](const char* prefix) { return file.compare(0, std::strlen(prefix), prefix) == 0; };
  // int f(enum {major, minor, patch}, int*): libraryPropertyType in library_types.h.
  const auto byProperty = [&library](const char* symbol) -> std::string {
    const auto get = library.get<int (*)(int, int*)>(symbol);
    int part[3] = {};
    if (get == nullptr) return "";
    for (int i = 0; i < 3; i++) {
      if (get(i, &part[i]) != 0) return "";
    }
    return std::to_string(part[0]) + "." + std::to_string(part[1]) + "." + std::to_string(part[2]);
  };
  if (starts("libcublasLt.")) return byProperty("cublasLtGetProperty");
  if (starts("libcublas.")) return byProperty("cublasGetProperty");
  if (starts("libcufft.")) return byProperty("cufftGetProperty");
  if (starts("libcurand.")) return byProperty("curandGetProperty");
  if (starts("libcudart.")) {
    const auto get = library.get<int (*)(int*)>("cudaRuntimeGetVersion");
    int version = 0;
    if (get == nullptr || get(&version) != 0) return "";
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
  }
  if (starts("libnvinfer.")) {
    const auto get = library.get<int (*)()>("getInferLibVersion");
    if (get == nullptr) return "";
    const int version = get();
    // 8.6.1 is 8601; from 10 on 10.3.0 is 100300 (NvInferVersion.h).
    const int unit = version >= 100000 ? 10000 : 1000;
    return std::to_string(version / unit) + "." + std::to_string(version % unit / 100) + "." + std::to_string(version % 100);
  }
  return "";
}

}  // namespace

std::string probeLibraries(const std::vector<std::string>& names) {
  JsonText json;
  json.beginObject().key("libraries").beginArray();
  for (const auto& name : names) {
    const auto library = DynamicLibrary::open(name);
    json.beginObject().member("name", name).member("loads", static_cast<bool>(library));
    if (!library) json.member("error", library.error());
    else if (const auto version = versionOf(library, baseName(name)); !version.empty()) json.member("version", version);
    json.endObject();
  }
  return json.endArray().endObject().text();
}

}  // namespace edgewright
