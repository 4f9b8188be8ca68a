/**
 * Entry of the process that reads models nobody vouches for: whatever is in a file, only this process can run out of memory or time
 * over it. One model is kept read, so that the next question about it is quick.
 */
import { dirname } from 'node:path';
import { answerCalls, CONFINED, UNCONFINED } from '#core/platform';
import { loadNative } from '#native';
import { checkStructure } from './check.ts';
import { diskBytes } from './disk-bytes.ts';
import { isExternal, resolveExternal } from './external.ts';
import { ModelIndex } from './graph-index.ts';
import { nodePage, outlineOf, tensorPage } from './graph-view.ts';
import { externalFiles, inspectModel } from './inspect.ts';
import { readModel } from './model.ts';
import { neighbourhoodOf } from './neighbourhood.ts';
import { nodeDetail } from './node-detail.ts';
import { READER_ANSWERS, tooMuchToTell } from './reader-errors.ts';
import type { QuestionKind, ReaderArguments, ReaderQuestions, ReaderWord } from './reader-questions.ts';
import { reportOn } from './report.ts';
import { tensorNamed, tensorStats } from './tensor-stats.ts';

type Answers = {
  [K in QuestionKind]: (
    ask: ReaderQuestions[K]['ask'],
    say: (word: ReaderWord) => void,
  ) => ReaderQuestions[K]['answer'] | Promise<ReaderQuestions[K]['answer']>;
};

const ANSWERS: Answers = {
  check: async ({ path }, say) => {
    const check = await checkStructure(path, { onMeasured: (storedBytes) => say({ storedBytes }) });
    return { ...check, stages: check.stages.map((stage) => (stage.name === 'bounds' ? { ...stage, detail: HELD } : stage)) };
  },
  inspect: ({ path }) => inspectModel(path),
  externalFiles: async ({ path }) => externalFiles(await readModel(path)),
  report: async (ask) => reportOn(await opened(ask.path), ask),
  nodes: async (ask) => nodePage(await opened(ask.path), ask),
  node: async ({ path, id }) => nodeDetail(await opened(path), id),
  neighbourhood: async ({ path, of, limit }) => neighbourhoodOf(await opened(path), of, limit),
  outline: async ({ path, graph, part }) => outlineOf(await opened(path), graph, part),
  tensors: async (ask) => tensorPage(await opened(ask.path), ask),
  tensorStats: async ({ path, id }, say) => {
    const index = await opened(path);
    const { tensor, bytes } = tensorNamed(index, id);
    const file = isExternal(tensor) ? (await resolveExternal(dirname(path), tensor, undefined)).path : path;
    // Its elements are read twice.
    say({ storedBytes: 2 * Math.min(bytes, await diskBytes([file])) });
    return tensorStats(index, id);
  },
};

let kept: { path: string; index: ModelIndex } | undefined;

async function opened(path: string): Promise<ModelIndex> {
  if (kept?.path !== path) {
    kept = undefined;
    kept = { path, index: new ModelIndex(await readModel(path)) };
  }
  return kept.index;
}

const { memoryBytes, parent } = JSON.parse(process.argv[2] ?? '{}') as ReaderArguments;
const native = loadNative();
native?.dieWithParent(parent);
const limited = native?.setMemoryLimit(memoryBytes) === true;
const confined = native?.confine({ write: false }) === true;
/** How this process is held, in words. */
const HELD = [
  'read in a process of its own',
  limited ? 'its data limited by the system (RLIMIT_DATA)' : 'its heap limited',
  confined ? CONFINED : process.permission ? 'without the right to write or to start programs (Node)' : UNCONFINED,
].join(', ');

answerCalls(
  ({ kind, ask }, say) => (ANSWERS[kind as QuestionKind] as (ask: unknown, say: (word: ReaderWord) => void) => unknown)(ask, say),
  READER_ANSWERS,
  tooMuchToTell,
);
