// The hot loops of quantization. Each has a TypeScript twin in native/twins.ts with identical results, bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace edgewright {

/// Integer types a tensor can be quantized to; the order is that of the tables below.
enum class QuantType { kInt8 = 0, kUint8 = 1, kInt16 = 2, kUint16 = 3 };
constexpr int kQuantTypes = 4;

/// Lowest and highest value of each type, as float32 (all are exact).
constexpr float kLowest[kQuantTypes] = {-128.0f, 0.0f, -32768.0f, 0.0f};
constexpr float kHighest[kQuantTypes] = {127.0f, 255.0f, 32767.0f, 65535.0f};

/// out[i] = clip(rint(in[i] / scale) + zero), rint half to even, all in float32; NaN gives 0. Returns how many were NaN.
using QuantizeFn = size_t (*)(const float* in, size_t count, const float* scale, const float* zero, void* out);

/// Lowest and highest of the values that are not NaN; NaN and NaN when there is none. A zero is always +0.
using MinMaxFn = void (*)(const float* in, size_t count, float* lowest, float* highest);

struct Kernels {
  const char* name;
  /// One scale and zero point for all values: `scale` and `zero` point at one float each.
  QuantizeFn quantize[kQuantTypes];
  /// One scale and zero point per value: `scale` and `zero` point at `count` floats each.
  QuantizeFn quantizeEach[kQuantTypes];
  MinMaxFn minMax;
};

/// The scalar kernels, which every machine runs.
const Kernels& scalarKernels();

/// The AVX2 and AVX-512 kernels, or nullptr where this build or this CPU has none.
const Kernels* avx2Kernels();
const Kernels* avx512Kernels();

/// The fastest this CPU can run.
const Kernels& bestKernels();

}  // namespace edgewright
