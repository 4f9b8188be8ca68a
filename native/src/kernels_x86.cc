// AVX2 and AVX-512 kernels. Compiled for the plain CPU but for the functions marked; chosen at run time.
#include "kernels.h"

#include "cpu_features.h"
#include "scalar.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>

#if defined(_MSC_VER) && !defined(__clang__)
#define TARGET(name)
#else
#define TARGET(name) __attribute__((target(name)))
#endif

namespace edgewright {
namespace {

constexpr int kRoundEven = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

template <typename T>
constexpr float lowestOf() {
  return static_cast<float>(std::numeric_limits<T>::lowest());
}
template <typename T>
constexpr float highestOf() {
  return static_cast<float>(std::numeric_limits<T>::max());
}

// ---- AVX2: 8 values at a time ----

/// Stores 8 int32 that already lie in T's range. The packs saturate, so the signed ones serve int8/int16 and the unsigned ones uint8/uint16.
template <typename T>
TARGET("avx2,popcnt") inline void store8(__m256i v, T* out) {
  const __m128i a = _mm256_castsi256_si128(v);
  const __m128i b = _mm256_extracti128_si256(v, 1);
  if constexpr (sizeof(T) == 2) {
    const __m128i w = std::numeric_limits<T>::is_signed ? _mm_packs_epi32(a, b) : _mm_packus_epi32(a, b);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), w);
  } else {
    const __m128i w = _mm_packs_epi32(a, b);
    const __m128i bytes = std::numeric_limits<T>::is_signed ? _mm_packs_epi16(w, w) : _mm_packus_epi16(w, w);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out), bytes);
  }
}

template <typename T, bool kEach>
TARGET("avx2,popcnt") size_t quantizeAvx2(const float* in, size_t count, const float* scale, const float* zero, void* outRaw) {
  T* out = static_cast<T*>(outRaw);
  const __m256 low = _mm256_set1_ps(lowestOf<T>());
  const __m256 high = _mm256_set1_ps(highestOf<T>());
  __m256 s = _mm256_set1_ps(scale[0]);
  __m256 z = _mm256_set1_ps(zero[0]);
  size_t nans = 0;
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    if constexpr (kEach) {
      s = _mm256_loadu_ps(scale + i);
      z = _mm256_loadu_ps(zero + i);
    }
    __m256 v = _mm256_add_ps(_mm256_round_ps(_mm256_div_ps(_mm256_loadu_ps(in + i), s), kRoundEven), z);
    const __m256 isNan = _mm256_cmp_ps(v, v, _CMP_UNORD_Q);
    nans += static_cast<size_t>(_mm_popcnt_u32(static_cast<unsigned>(_mm256_movemask_ps(isNan))));
    v = _mm256_andnot_ps(isNan, v);
    v = _mm256_min_ps(_mm256_max_ps(v, low), high);
    store8<T>(_mm256_cvtps_epi32(v), out + i);
  }
  return nans + quantizeScalar<T, kEach>(in, i, count, scale, zero, out);
}

TARGET("avx2,popcnt") void minMaxAvx2(const float* in, size_t count, float* lowest, float* highest) {
  const float inf = std::numeric_limits<float>::infinity();
  // Two accumulators each hide the latency of min and max. With NaN as first operand these give the second: NaN is passed over.
  __m256 lo0 = _mm256_set1_ps(inf), lo1 = lo0;
  __m256 hi0 = _mm256_set1_ps(-inf), hi1 = hi0;
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m256 a = _mm256_loadu_ps(in + i);
    const __m256 b = _mm256_loadu_ps(in + i + 8);
    lo0 = _mm256_min_ps(a, lo0);
    lo1 = _mm256_min_ps(b, lo1);
    hi0 = _mm256_max_ps(a, hi0);
    hi1 = _mm256_max_ps(b, hi1);
  }
  float los[8], his[8];
  _mm256_storeu_ps(los, _mm256_min_ps(lo0, lo1));
  _mm256_storeu_ps(his, _mm256_max_ps(hi0, hi1));
  float low = inf, high = -inf;
  for (int k = 0; k < 8; k++) {
    if (los[k] < low) low = los[k];
    if (his[k] > high) high = his[k];
  }
  minMaxScalar(in, i, count, &low, &high);
  finishMinMax(low, high, lowest, highest);
}

// ---- AVX-512: 16 values at a time, needing nothing beyond AVX512F ----

template <typename T, bool kEach>
TARGET("avx512f") size_t quantizeAvx512(const float* in, size_t count, const float* scale, const float* zero, void* outRaw) {
  T* out = static_cast<T*>(outRaw);
  const __m512 low = _mm512_set1_ps(lowestOf<T>());
  const __m512 high = _mm512_set1_ps(highestOf<T>());
  __m512 s = _mm512_set1_ps(scale[0]);
  __m512 z = _mm512_set1_ps(zero[0]);
  size_t nans = 0;
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    if constexpr (kEach) {
      s = _mm512_loadu_ps(scale + i);
      z = _mm512_loadu_ps(zero + i);
    }
    __m512 v = _mm512_add_ps(_mm512_roundscale_ps(_mm512_div_ps(_mm512_loadu_ps(in + i), s), kRoundEven), z);
    const __mmask16 sound = _mm512_cmp_ps_mask(v, v, _CMP_ORD_Q);
    for (unsigned bad = static_cast<unsigned>(~sound) & 0xffffu; bad != 0; bad &= bad - 1) nans++;
    v = _mm512_min_ps(_mm512_max_ps(v, low), high);
    const __m512i q = _mm512_maskz_cvtps_epi32(sound, v);
    if constexpr (sizeof(T) == 2) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm512_cvtepi32_epi16(q));
    } else {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm512_cvtepi32_epi8(q));
    }
  }
  return nans + quantizeScalar<T, kEach>(in, i, count, scale, zero, out);
}

TARGET("avx512f") void minMaxAvx512(const float* in, size_t count, float* lowest, float* highest) {
  const float inf = std::numeric_limits<float>::infinity();
  __m512 lo = _mm512_set1_ps(inf);
  __m512 hi = _mm512_set1_ps(-inf);
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m512 a = _mm512_loadu_ps(in + i);
    lo = _mm512_min_ps(a, lo);
    hi = _mm512_max_ps(a, hi);
  }
  float low = _mm512_reduce_min_ps(lo);
  float high = _mm512_reduce_max_ps(hi);
  minMaxScalar(in, i, count, &low, &high);
  finishMinMax(low, high, lowest, highest);
}

#define TABLE(f, each) {f<int8_t, each>, f<uint8_t, each>, f<int16_t, each>, f<uint16_t, each>}
const Kernels kAvx2 = {"avx2", TABLE(quantizeAvx2, false), TABLE(quantizeAvx2, true), minMaxAvx2};
const Kernels kAvx512 = {"avx512f", TABLE(quantizeAvx512, false), TABLE(quantizeAvx512, true), minMaxAvx512};

}  // namespace

const Kernels* avx2Kernels() { return hasCpuFlag("avx2") ? &kAvx2 : nullptr; }
const Kernels* avx512Kernels() { return hasCpuFlag("avx512f") ? &kAvx512 : nullptr; }

}  // namespace edgewright

#else

namespace edgewright {
const Kernels* avx2Kernels() { return nullptr; }
const Kernels* avx512Kernels() { return nullptr; }
}  // namespace edgewright

#endif
