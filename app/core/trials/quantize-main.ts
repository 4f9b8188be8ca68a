/** Entry of the process that quantizes; its runners are processes of their own. Its argument is the pid of its parent. */
import { EdgewrightError } from '#contract';
import { answerCalls } from '#core/platform';
import { quantizeModel } from '#core/quantize';
import { loadNative } from '#native';
import { MAX_QUANTIZE_ANSWER_BYTES } from './limits.ts';
import type { ApartRequest, ApartResult } from './quantize-apart.ts';
import { quantizeRuntime } from './quantize-runtime.ts';

loadNative()?.dieWithParent(Number(process.argv[2]));

answerCalls(
  async ({ ask }, say): Promise<ApartResult> => {
    const made = await quantizeModel(ask as ApartRequest, quantizeRuntime, { onProgress: say });
    return { ...made, peakMemoryBytes: process.resourceUsage().maxRSS * 1024 };
  },
  { headerBytes: MAX_QUANTIZE_ANSWER_BYTES, bodyBytes: MAX_QUANTIZE_ANSWER_BYTES },
  () => new EdgewrightError({ code: 'quantize.warnings', message: 'There is more to say of this variant than of any real one.', owner: 'input' }),
);
