/**
 * Speed and memory side by side with a rival, in the same run: `npm run bench [NAME…]`.
 * Both sides take turns; what is shown is the median of five and the ratio. Ratios travel, milliseconds do not.
 */
import { type Contest, runContest } from './contest.ts';
import { inspectContest } from './inspect.ts';
import { quantizeContest } from './quantize.ts';
import { runnerContest } from './runner.ts';

const ROUNDS = 5;

const contests: Record<string, Contest> = { runner: runnerContest, quantize: quantizeContest, inspect: inspectContest };

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(contests, name));
if (unknown.length > 0) {
  console.error(`There is no contest ${unknown.join(', ')}. There are: ${Object.keys(contests).join(', ')}.`);
  process.exit(64);
}

for (const [name, contest] of Object.entries(contests)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const why = await contest.missing();
  if (why !== undefined) {
    console.log(`${contest.name}: skipped, ${why}`);
    continue;
  }
  const { ours, rival, ratio } = await runContest(contest, ROUNDS);
  console.log(
    `${contest.name}: ${ratio.toFixed(2)} × the time of ${contest.rivalName} (${ours.toPrecision(3)} against ${rival.toPrecision(3)} ${contest.unit}, medians of ${ROUNDS})`,
  );
  for (const line of contest.notes?.() ?? []) console.log(`  ${line}`);
}
