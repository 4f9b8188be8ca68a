/**
 * Speed and memory side by side with a rival, in the same run: `npm run bench`.
 * Both sides take turns; what is shown is the median of five and the ratio. Ratios travel, milliseconds do not.
 */
import { type Contest, runContest } from './contest.ts';
import { quantizeContest } from './quantize.ts';
import { runnerContest } from './runner.ts';

const ROUNDS = 5;

const contests: Contest[] = [runnerContest, quantizeContest];

for (const contest of contests) {
  const why = await contest.missing();
  if (why !== undefined) {
    console.log(`${contest.name}: skipped, ${why}`);
    continue;
  }
  const { ours, rival, ratio } = await runContest(contest, ROUNDS);
  console.log(
    `${contest.name}: ${ratio.toFixed(2)} × the time of ${contest.rivalName} (${ours.toPrecision(3)} against ${rival.toPrecision(3)} ${contest.unit}, medians of ${ROUNDS})`,
  );
}
