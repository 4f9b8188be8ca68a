// One value at a time: the whole work on a plain CPU, and the tail of every vector loop.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace edgewright {

/// Quantizes in[from..count). Division, never a reciprocal: the rounding of the quotient decides halves.
template <typename T, bool kEach>
inline size_t quantizeScalar(const float* in, size_t from, size_t count, const float* scale, const float* zero, T* out) {
  constexpr float low = static_cast<float>(std::numeric_limits<T>::lowest());
  constexpr float high = static_cast<float>(std::numeric_limits<T>::max());
  size_t nans = 0;
  for (size_t i = from; i < count; i++) {
    const size_t at = kEach ? i : 0;
    // nearbyint follows the rounding mode, which in a Node process is the default: half to even.
    float v = std::nearbyint(in[i] / scale[at]) + zero[at];
    if (std::isnan(v)) {
      nans++;
      v = 0.0f;
    }
    v = v < low ? low : (v > high ? high : v);
    out[i] = static_cast<T>(static_cast<int32_t>(v));
  }
  return nans;
}

/// Narrows [low, high] by in[from..count); comparisons with NaN are false, so NaN is passed over.
inline void minMaxScalar(const float* in, size_t from, size_t count, float* low, float* high) {
  float lo = *low;
  float hi = *high;
  for (size_t i = from; i < count; i++) {
    if (in[i] < lo) lo = in[i];
    if (in[i] > hi) hi = in[i];
  }
  *low = lo;
  *high = hi;
}

/// Turns the running bounds (which begin at +inf and -inf) into the result.
inline void finishMinMax(float low, float high, float* lowest, float* highest) {
  const bool none = low > high;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  // Adding +0 turns -0 into +0: which zero a vector loop meets first must not show.
  *lowest = none ? nan : low + 0.0f;
  *highest = none ? nan : high + 0.0f;
}

}  // namespace edgewright
