/** Steps of a command: run side by side as far as the machine has cores, told one line each as they end. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

export interface Step {
  name: string;
  /** Arguments for our Node: the tool's script first. */
  args: readonly string[];
}

export interface StepResult {
  name: string;
  ok: boolean;
  seconds: number;
  /** Everything the tool wrote, in the order it came. */
  output: string;
}

/** A tool that runs this long hangs, in ms. */
const STEP_MS = 10 * 60_000;

/** Runs one tool to its end. */
export function runTool(step: Step, cwd: string): Promise<StepResult> {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(process.execPath, step.args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: STEP_MS, killSignal: 'SIGKILL', windowsHide: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        output += text;
      });
    }
    const end = (ok: boolean) => resolve({ name: step.name, ok, seconds: (performance.now() - started) / 1000, output });
    child.once('error', (error) => {
      output += error.message;
      end(false);
    });
    child.once('close', (code) => end(code === 0));
  });
}

/** Runs all steps, at most as many at a time as there are cores; `onDone` is called as each ends. Answers in the order of `steps`. */
export async function runAll(steps: readonly Step[], cwd: string, onDone: (result: StepResult) => void): Promise<StepResult[]> {
  const results: StepResult[] = [];
  let next = 0;
  async function worker(): Promise<void> {
    for (let at = next++; at < steps.length; at = next++) {
      const result = await runTool(steps[at]!, cwd);
      results[at] = result;
      onDone(result);
    }
  }
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), steps.length) }, worker));
  return results;
}
