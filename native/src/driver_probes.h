// Questions put to driver libraries. Each loads the library, asks, and answers as JSON text; none throws. A library may hang or
// crash, so they are only called in a process that can be killed. Answers: app/core/hardware/native-answers.ts has their shapes.
#pragma once

#include <string>
#include <vector>

namespace edgewright {

/// CUDA's driver interface: version, devices, compute capability.
std::string probeCuda();
/// NVIDIA's management library: driver version, memory, modes, MIG.
std::string probeNvml();
/// Vulkan's physical devices, as the loader and its drivers really enumerate them.
std::string probeVulkan();
/// Loads each library (a name or a path) and asks it for its version where that is safe to ask.
std::string probeLibraries(const std::vector<std::string>& names);
/// Windows: graphics adapters by DXGI, compute and neural adapters by DXCore. Elsewhere an error says so.
std::string probeDxgi();
std::string probeDxcore();

}  // namespace edgewright
