#include "kernels.h"

#include <cmath>
#include <limits>

#include "scalar.h"

namespace edgewright {
namespace {

template <typename T, bool kEach>
size_t quantize(const float* in, size_t count, const float* scale, const float* zero, void* out) {
  return quantizeScalar<T, kEach>(in, 0, count, scale, zero, static_cast<T*>(out));
}

void minMax(const float* in, size_t count, float* lowest, float* highest) {
  float low = std::numeric_limits<float>::infinity();
  float high = -low;
  minMaxScalar(in, 0, count, &low, &high);
  finishMinMax(low, high, lowest, highest);
}

const Kernels kScalar = {
    "scalar",
    {quantize<int8_t, false>, quantize<uint8_t, false>, quantize<int16_t, false>, quantize<uint16_t, false>},
    {quantize<int8_t, true>, quantize<uint8_t, true>, quantize<int16_t, true>, quantize<uint16_t, true>},
    minMax,
};

}  // namespace

const Kernels& scalarKernels() { return kScalar; }

const Kernels& bestKernels() {
  if (const Kernels* k = avx512Kernels()) return *k;
  if (const Kernels* k = avx2Kernels()) return *k;
  return kScalar;
}

}  // namespace edgewright
