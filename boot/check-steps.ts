/** `npm run check`: everything about the code that can be said without running it. */
import { runAll, type Step, type StepResult } from './pool.ts';

const tool = (path: string) => `node_modules/${path}`;
const types = (project: string): Step => ({ name: `types ${project}`, args: [tool('typescript/bin/tsc'), '-p', project, '--pretty', 'false'] });

/** The slow ones first, so that the short ones fill the gaps. */
export const CHECK_STEPS: readonly Step[] = [
  { name: 'lint', args: [tool('eslint/bin/eslint.js'), '.'] },
  types('app'),
  types('renderer'),
  types('test'),
  types('app/electron'),
  types('app/contract'),
  types('boot'),
  types('.'),
  { name: 'format', args: [tool('@biomejs/biome/bin/biome'), 'format', '.'] },
  {
    name: 'layers',
    args: [tool('dependency-cruiser/bin/dependency-cruiser.mjs'), '--config', '.dependency-cruiser.cjs', 'app', 'renderer', 'native', 'boot', 'test'],
  },
  { name: 'unused', args: [tool('knip/bin/knip.js')] },
];

/** What puts right what it can; the check afterwards says what is left. */
export const FIX_STEPS: readonly Step[] = [
  { name: 'lint', args: [tool('eslint/bin/eslint.js'), '--fix', '.'] },
  { name: 'format', args: [tool('@biomejs/biome/bin/biome'), 'format', '--write', '.'] },
];

/** Runs every step and prints a line for each; what a failed one (or a warning) said follows its line. */
export async function runCheck(root: string): Promise<StepResult[]> {
  const started = performance.now();
  const results = await runAll(CHECK_STEPS, root, (result) => {
    console.log(`${result.ok ? 'ok    ' : 'FAILED'} ${result.name.padEnd(18)} ${result.seconds.toFixed(1)} s`);
    if (!result.ok || result.output.includes('warning')) console.log(result.output.trimEnd());
  });
  const failed = results.filter((result) => !result.ok).length;
  console.log(`check: ${results.length - failed} of ${results.length} steps passed in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  return results;
}
