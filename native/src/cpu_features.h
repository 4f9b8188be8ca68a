// Which vector extensions this CPU has and this operating system lets us use.
#pragma once

#include <string>
#include <vector>

namespace edgewright {

/// Names as /proc/cpuinfo writes them: avx2, fma, f16c, avx512f, avx512bw, avx512vl, avx512_vnni, avx512_bf16, avx_vnni,
/// amx_int8, amx_bf16; on arm64 asimd, asimddp, i8mm, bf16, sve, sme. Only those present are listed.
const std::vector<std::string>& cpuFlags();

bool hasCpuFlag(const char* name);

/// The CPU's own name for itself; empty where the instruction set has no such thing.
std::string cpuBrand();

}  // namespace edgewright
