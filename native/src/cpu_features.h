// Which vector extensions this CPU has and this operating system lets us use.
#pragma once

#include <string>
#include <vector>

namespace edgewright {

/// Names as /proc/cpuinfo writes them: avx2, fma, f16c, avx512f, avx512bw, avx512vl, avx512_vnni, avx512_bf16, avx512_fp16,
/// avx_vnni, avx_vnni_int8, amx_int8, amx_bf16, amx_fp16; on arm64 asimd, asimdhp, asimddp, i8mm, bf16, sve, sve2, sme, sme2.
/// Only those present are listed.
const std::vector<std::string>& cpuFlags();

bool hasCpuFlag(const char* name);

/// The CPU's own name for itself; empty where the instruction set has no such thing.
std::string cpuBrand();

/// What the hypervisor calls itself (`KVMKVMKVM`, `Microsoft Hv`); empty on plain metal, and where the CPU has no way to say.
std::string hypervisorName();

}  // namespace edgewright
