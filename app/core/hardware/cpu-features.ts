/** Vector extensions that matter for inference, and what they mean for int8. */

/** Linux flag -> what people call it, per architecture. All are shown, present or not. */
const TITLES: Record<string, readonly (readonly [string, string])[]> = {
  x64: [
    ['avx2', 'AVX2'],
    ['fma', 'FMA'],
    ['f16c', 'F16C'],
    ['avx512f', 'AVX-512F'],
    ['avx512bw', 'AVX-512BW'],
    ['avx512vl', 'AVX-512VL'],
    ['avx512_vnni', 'AVX-512 VNNI'],
    ['avx512_bf16', 'AVX-512 BF16'],
    ['avx512_fp16', 'AVX-512 FP16'],
    ['avx_vnni', 'AVX-VNNI'],
    ['avx_vnni_int8', 'AVX-VNNI-INT8'],
    ['amx_int8', 'AMX-INT8'],
    ['amx_bf16', 'AMX-BF16'],
    ['amx_fp16', 'AMX-FP16'],
  ],
  arm64: [
    ['asimd', 'NEON'],
    ['asimddp', 'NEON dot product'],
    ['i8mm', 'I8MM'],
    ['asimdhp', 'FP16'],
    ['bf16', 'BF16'],
    ['sve', 'SVE'],
    ['sve2', 'SVE2'],
    ['sme', 'SME'],
    ['sme2', 'SME2'],
  ],
};

export function cpuFeatures(arch: string, flags: readonly string[]): Record<string, boolean> {
  return Object.fromEntries((TITLES[arch] ?? []).map(([flag, title]) => [title, flags.includes(flag)]));
}

/** The one extension worth naming in a sentence; undefined when none of ours is there. */
export function bestFeature(arch: string, flags: readonly string[]): string | undefined {
  const order = arch === 'arm64' ? ['i8mm', 'asimddp', 'asimd'] : ['amx_int8', 'avx512_vnni', 'avx_vnni', 'avx512f', 'avx2'];
  const flag = order.find((name) => flags.includes(name));
  return (TITLES[arch] ?? []).find(([name]) => name === flag)?.[1];
}

/**
 * Which int8 kernels ONNX Runtime's CPU provider picks, and what follows for quantization. Source: ONNX Runtime's quantization
 * guide (x64 without VNNI multiplies u8 by s8 into 16-bit sums that saturate; with VNNI and on Arm it does not; S8S8 in QDQ
 * form is the default everywhere, S8S8 as QOperator is slow on x64). The accuracy itself is decided by a trial, not by this.
 */
export function int8Advice(arch: string, flags: readonly string[]): { path: string; advice: string } {
  const has = (flag: string) => flags.includes(flag);
  const safe = 'int8 weights and activations as QDQ (the default) fit: sums are exact, so no reduced range is needed.';
  const saturates =
    'A product of uint8 activations and int8 weights can saturate here: if int8 loses accuracy, quantize with --reduce-range (7-bit weights) or with uint8 weights. A device with VNNI gives other, better numbers, so judge on the device.';
  if (arch === 'x64') {
    if (has('amx_int8')) return { path: 'AMX tiles, exact 32-bit sums', advice: safe };
    if (has('avx512_vnni')) return { path: 'AVX-512 VNNI, exact 32-bit sums', advice: safe };
    if (has('avx_vnni')) return { path: 'AVX-VNNI, exact 32-bit sums', advice: safe };
    if (has('avx512bw')) return { path: 'AVX-512 without VNNI, 16-bit sums that saturate', advice: saturates };
    if (has('avx2')) return { path: 'AVX2 without VNNI, 16-bit sums that saturate', advice: saturates };
    return { path: 'no AVX2: SSE kernels', advice: 'int8 will hardly be faster than fp32 here; its gain is size.' };
  }
  if (arch === 'arm64') {
    const both = 'int8 weights and int8 activations (S8S8) are the fastest choice; sums are exact.';
    if (has('i8mm')) return { path: 'NEON I8MM matrix products, exact 32-bit sums', advice: both };
    if (has('asimddp')) return { path: 'NEON dot product, exact 32-bit sums', advice: both };
    return { path: 'plain NEON multiply-add', advice: 'int8 (S8S8) is exact but only somewhat faster than fp32 here; its gain is mostly size.' };
  }
  return { path: 'portable kernels', advice: 'Measure int8 against fp32 here before choosing it.' };
}
