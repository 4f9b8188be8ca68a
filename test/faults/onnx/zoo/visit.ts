/** Has a keeper check models of the zoo, and watches what it takes together with all that it starts. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import type { CheckResult, ErrorBody } from '#contract';
import { watchTree } from '../../../lib/tree-memory.ts';
import type { Specimen } from './specimen.ts';

export type Verdict = (CheckResult & { error?: undefined }) | { ok: false; error: ErrorBody };

export interface Visit {
  verdict: Verdict;
  seconds: number;
  /** Most resident memory of the whole tree, in bytes; 0 where it cannot be told. */
  peak: number;
}

export class Keeper {
  readonly #process = spawn(process.execPath, [join(import.meta.dirname, 'keeper.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  readonly #lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();

  async visit(path: string): Promise<Visit> {
    const memory = process.platform === 'linux' ? watchTree(this.#process.pid ?? 0) : undefined;
    const start = performance.now();
    this.#process.stdin.write(`${path}\n`);
    const line = await this.#lines.next();
    const seen = { seconds: (performance.now() - start) / 1000, peak: memory?.stop() ?? 0 };
    // The process that checks never dies.
    if (line.done) throw new Error(`the process that checks ended over ${path}`);
    return { verdict: JSON.parse(line.value) as Verdict, ...seen };
  }

  end(): void {
    this.#process.kill('SIGKILL');
  }
}

/** Why one is not visited: a character device, say, which only root can make. */
export const ABSENT = 'this system, or this user, cannot make such a thing';

const LIMIT_BYTES = 1e9;

/** What was said of it is what must be said of it. */
export function judge(one: Specimen, { verdict, peak }: Visit): void {
  const told = JSON.stringify(verdict);
  expect(peak, `${one.name}: memory of the whole tree`).toBeLessThan(LIMIT_BYTES);
  // Whatever it says, it says why, in words of its own and without anything raw from the model.
  expect(told, one.name).not.toMatch(/[\u0000-\u001f\u202a-\u202e]|onnxruntime_src|\\u00(0|1)|\\n|\/tmp\//);
  if (!verdict.error) {
    if (one.expect === 'reject') throw new Error(`${one.name} was not refused: ${told}`);
    if (one.expect === 'sound') expect(verdict.warnings, one.name).toEqual([]);
    return;
  }
  if (one.expect === 'sound' || one.expect === 'taken') throw new Error(`${one.name} was refused: ${told}`);
  expect(verdict.error.owner, told).toBe('input');
  expect(verdict.error.code, told).toMatch(/^model\./);
  if (one.names && one.expect === 'reject') expect(`${verdict.error.message} ${verdict.error.found ?? ''}`, told).toMatch(one.names);
}
