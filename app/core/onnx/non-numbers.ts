/** Weights that are infinite or not a number. */
import { streamBytes } from './bulk.ts';
import { shown } from './errors.ts';
import type { Findings } from './findings.ts';
import type { Bytes } from './wire-reader.ts';

/** The bits that are all set in an infinity or NaN, in the highest of the given words. */
const EXPONENTS: Partial<Record<string, { bytes: 2 | 4 | 8; mask: number }>> = {
  float32: { bytes: 4, mask: 0x7f80_0000 },
  float64: { bytes: 8, mask: 0x7ff0_0000 },
  float16: { bytes: 2, mask: 0x7c00 },
  bfloat16: { bytes: 2, mask: 0x7f80 },
};

/** Reads the elements once, in pieces of 1 MiB. @param type name of the element type */
export async function warnOfNonNumbers(bytes: Bytes, type: string, where: string, findings: Findings, signal?: AbortSignal): Promise<void> {
  const exponent = EXPONENTS[type];
  if (!exponent) return;
  let bad = 0;
  for await (const chunk of streamBytes(bytes)) {
    signal?.throwIfAborted();
    bad += countNonNumbers(chunk, exponent.bytes, exponent.mask);
  }
  if (bad > 0) {
    findings.warn(
      'weights.not-finite',
      `Tensor ${shown(where)} holds ${bad} values that are infinite or not numbers. It cannot be quantized, and answers may be NaN.`,
      where,
      'The training that made it diverged, or the export went wrong. Train or export it again.',
    );
  }
}

function countNonNumbers(chunk: Uint8Array, size: 2 | 4 | 8, mask: number): number {
  const aligned = chunk.byteOffset % 4 === 0 ? chunk : Uint8Array.from(chunk);
  let bad = 0;
  if (size === 2) {
    for (const bits of new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length >> 1)) if ((bits & mask) === mask) bad++;
    return bad;
  }
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
  const step = size / 4;
  // Little-endian: the exponent is in the last word of an element.
  for (let i = step - 1; i < words.length; i += step) if (((words[i] ?? 0) & mask) === mask) bad++;
  return bad;
}
