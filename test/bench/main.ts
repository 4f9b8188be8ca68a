/**
 * Speed and memory side by side with a rival, in the same run: `npm run bench`, or `npm run bench -- import` for one part.
 * Both sides take turns; what is shown is the median of five and the ratio. Ratios travel, milliseconds do not.
 */
import { catalogueFigures } from './catalogue.ts';
import { type Contest, runContest } from './contest.ts';
import { inspectContest } from './inspect.ts';
import { importContest } from './import.ts';
import { quantizeContest } from './quantize.ts';
import { runnerContest } from './runner.ts';

const ROUNDS = 5;

interface Part {
  contests: Contest[];
  /** Figures that have no rival. @returns lines to print */
  figures?: () => Promise<string[]>;
}

const PARTS: Record<string, Part> = {
  runner: { contests: [runnerContest] },
  quantize: { contests: [quantizeContest] },
  inspect: { contests: [inspectContest] },
  import: { contests: [importContest] },
  catalogue: { contests: [], figures: catalogueFigures },
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(PARTS, name));
if (unknown !== undefined) {
  console.error(`There is no part ${unknown}; there are ${Object.keys(PARTS).join(', ')}.`);
  process.exit(64);
}

async function compare(contest: Contest): Promise<void> {
  const why = await contest.missing();
  if (why !== undefined) {
    console.log(`${contest.name}: skipped, ${why}`);
    return;
  }
  const { ours, rival, ratio } = await runContest(contest, ROUNDS);
  console.log(
    `${contest.name}: ${ratio.toFixed(2)} × the time of ${contest.rivalName} (${ours.toPrecision(3)} against ${rival.toPrecision(3)} ${contest.unit}, medians of ${ROUNDS})`,
  );
  for (const line of contest.notes?.() ?? []) console.log(`  ${line}`);
}

for (const [name, part] of Object.entries(PARTS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  for (const contest of part.contests) await compare(contest);
  for (const line of (await part.figures?.()) ?? []) console.log(line);
}
// A library's stray handle must not keep a finished bench alive.
process.exit();
