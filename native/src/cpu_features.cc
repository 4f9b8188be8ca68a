#include "cpu_features.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) || defined(_M_X64)
#define EDGEWRIGHT_X86 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#elif defined(__aarch64__) || defined(_M_ARM64)
#define EDGEWRIGHT_ARM64 1
#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#include <windows.h>
#endif
#endif

namespace edgewright {
namespace {

#if defined(EDGEWRIGHT_X86)

struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

/// CPUID of one leaf; zeros where the CPU does not have it.
Registers cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers r;
#if defined(_MSC_VER)
  int top[4];
  __cpuid(top, static_cast<int>(leaf & 0x80000000u));
  if (static_cast<uint32_t>(top[0]) < leaf) return r;
  int v[4];
  __cpuidex(v, static_cast<int>(leaf), static_cast<int>(subleaf));
  r = {static_cast<uint32_t>(v[0]), static_cast<uint32_t>(v[1]), static_cast<uint32_t>(v[2]), static_cast<uint32_t>(v[3])};
#else
  if (!__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx)) return Registers{};
#endif
  return r;
}

/// XCR0: which register sets the operating system saves on a task switch. Without that an extension must not be used.
uint64_t xcr0() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
#endif
}

bool bit(uint32_t value, int n) { return ((value >> n) & 1u) != 0; }

// Bit numbers: Intel SDM volume 2A, CPUID; volume 1 chapter 13 for XCR0.
std::vector<std::string> readFlags() {
  const Registers one = cpuid(1, 0);
  const uint64_t saved = bit(one.ecx, 27) ? xcr0() : 0;
  const bool ymm = (saved & 0x6) == 0x6;
  const bool zmm = (saved & 0xe6) == 0xe6;
  const bool tiles = (saved & 0x60000) == 0x60000;
  const Registers seven = cpuid(7, 0);
  const Registers sevenOne = cpuid(7, 1);
  const bool avx512f = zmm && bit(seven.ebx, 16);
  const struct {
    const char* name;
    bool present;
  } all[] = {
      {"avx", ymm && bit(one.ecx, 28)},
      {"avx2", ymm && bit(seven.ebx, 5)},
      {"fma", ymm && bit(one.ecx, 12)},
      {"f16c", ymm && bit(one.ecx, 29)},
      {"avx512f", avx512f},
      {"avx512dq", avx512f && bit(seven.ebx, 17)},
      {"avx512bw", avx512f && bit(seven.ebx, 30)},
      {"avx512vl", avx512f && bit(seven.ebx, 31)},
      {"avx512_vnni", avx512f && bit(seven.ecx, 11)},
      {"avx512_bf16", avx512f && bit(sevenOne.eax, 5)},
      {"avx512_fp16", avx512f && bit(seven.edx, 23)},
      {"avx_vnni", ymm && bit(sevenOne.eax, 4)},
      {"avx_vnni_int8", ymm && bit(sevenOne.edx, 4)},
      {"amx_tile", tiles && bit(seven.edx, 24)},
      {"amx_int8", tiles && bit(seven.edx, 25)},
      {"amx_bf16", tiles && bit(seven.edx, 22)},
      {"amx_fp16", tiles && bit(sevenOne.eax, 21)},
  };
  std::vector<std::string> flags;
  for (const auto& f : all) {
    if (f.present) flags.emplace_back(f.name);
  }
  return flags;
}

#elif defined(EDGEWRIGHT_ARM64)

#if defined(__APPLE__)
bool sysctlFlag(const char* name) {
  int value = 0;
  size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
}
#endif

std::vector<std::string> readFlags() {
  std::vector<std::string> flags;
  auto add = [&flags](const char* name, bool present) {
    if (present) flags.emplace_back(name);
  };
#if defined(__linux__)
  // Bit numbers: Linux arch/arm64/include/uapi/asm/hwcap.h (part of the kernel's stable interface).
  const unsigned long cap = getauxval(AT_HWCAP);
  const unsigned long cap2 = getauxval(AT_HWCAP2);
  add("asimd", (cap >> 1) & 1);
  add("asimdhp", (cap >> 10) & 1);
  add("asimddp", (cap >> 20) & 1);
  add("sve", (cap >> 22) & 1);
  add("sve2", (cap2 >> 1) & 1);
  add("i8mm", (cap2 >> 13) & 1);
  add("bf16", (cap2 >> 14) & 1);
  add("sme", (cap2 >> 23) & 1);
  add("sme2", (static_cast<uint64_t>(cap2) >> 37) & 1);
#elif defined(__APPLE__)
  add("asimd", true);
  add("asimdhp", sysctlFlag("hw.optional.arm.FEAT_FP16"));
  add("asimddp", sysctlFlag("hw.optional.arm.FEAT_DotProd"));
  add("i8mm", sysctlFlag("hw.optional.arm.FEAT_I8MM"));
  add("bf16", sysctlFlag("hw.optional.arm.FEAT_BF16"));
  add("sme", sysctlFlag("hw.optional.arm.FEAT_SME"));
  add("sme2", sysctlFlag("hw.optional.arm.FEAT_SME2"));
#elif defined(_WIN32)
  // Numbers from winnt.h; older SDKs lack the names: PF_ARM_V82_DP, _SVE, _SVE2, _V82_I8MM, _V82_FP16, _V86_BF16, _SME, _SME2.
  add("asimd", true);
  add("asimddp", IsProcessorFeaturePresent(43));
  add("sve", IsProcessorFeaturePresent(46));
  add("sve2", IsProcessorFeaturePresent(47));
  add("i8mm", IsProcessorFeaturePresent(66));
  add("asimdhp", IsProcessorFeaturePresent(67));
  add("bf16", IsProcessorFeaturePresent(68));
  add("sme", IsProcessorFeaturePresent(70));
  add("sme2", IsProcessorFeaturePresent(71));
#endif
  return flags;
}

#else

std::vector<std::string> readFlags() { return {}; }

#endif

}  // namespace

const std::vector<std::string>& cpuFlags() {
  // Constant for the life of the process, so one copy serves every environment. Initialised once, thread-safe by the language.
  static const std::vector<std::string> flags = readFlags();
  return flags;
}

bool hasCpuFlag(const char* name) {
  const auto& flags = cpuFlags();
  return std::find(flags.begin(), flags.end(), name) != flags.end();
}

std::string cpuBrand() {
#if defined(EDGEWRIGHT_X86)
  char text[49] = {};
  for (uint32_t i = 0; i < 3; i++) {
    const Registers r = cpuid(0x80000002u + i, 0);
    std::memcpy(text + 16 * i, &r, sizeof r);
  }
  std::string brand(text);
  const auto first = brand.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return brand.substr(first, brand.find_last_not_of(' ') - first + 1);
#elif defined(EDGEWRIGHT_ARM64) && defined(__APPLE__)
  char text[128] = {};
  size_t size = sizeof text - 1;
  return sysctlbyname("machdep.cpu.brand_string", text, &size, nullptr, 0) == 0 ? text : "";
#else
  return "";
#endif
}

std::string hypervisorName() {
#if defined(EDGEWRIGHT_X86)
  if (!bit(cpuid(1, 0).ecx, 31)) return "";
  Registers r;
#if defined(_MSC_VER)
  int v[4];
  __cpuid(v, 0x40000000);
  r = {static_cast<uint32_t>(v[0]), static_cast<uint32_t>(v[1]), static_cast<uint32_t>(v[2]), static_cast<uint32_t>(v[3])};
#else
  __cpuid(0x40000000, r.eax, r.ebx, r.ecx, r.edx);
#endif
  char text[13] = {};
  std::memcpy(text, &r.ebx, 4);
  std::memcpy(text + 4, &r.ecx, 4);
  std::memcpy(text + 8, &r.edx, 4);
  return text[0] == 0 ? "unknown" : text;
#else
  return "";
#endif
}

}  // namespace edgewright
