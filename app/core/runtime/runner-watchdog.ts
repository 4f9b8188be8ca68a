/**
 * A thread beside the one that ONNX Runtime blocks. It ends the process when the parent is gone (also after kill -9, which closes
 * the pipe but is not noticed during a run) and when resident memory passes the limit.
 */
import { Worker } from 'node:worker_threads';
import { MEMORY_MARK, type RunnerArguments } from './wire.ts';

const CODE = `
const { workerData: w } = require('node:worker_threads');
const { rmSync, writeSync } = require('node:fs');
const end = (why) => {
  try { writeSync(2, why + '\\n'); } catch {}
  process.kill(process.pid, 'SIGKILL');
};
const gone = () => {
  if (process.ppid !== w.parent) return true;
  try { process.kill(w.parent, 0); return false; } catch (error) { return error.code === 'ESRCH'; }
};
setInterval(() => {
  if (!gone()) return;
  try { rmSync(w.scratch, { recursive: true, force: true }); } catch {}
  end('edgewright-runner: parent gone');
}, w.parentPollMs);
if (w.memoryLimitBytes > 0) setInterval(() => {
  const rss = process.memoryUsage.rss();
  if (rss > w.memoryLimitBytes) end(w.mark + ': ' + rss + ' of ' + w.memoryLimitBytes + ' bytes');
}, w.memoryPollMs);
`;

/** Resolves once the thread watches. */
export function startWatchdog(watch: RunnerArguments): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(CODE, { eval: true, workerData: { ...watch, mark: MEMORY_MARK } });
    worker.once('error', reject);
    worker.once('online', () => {
      worker.unref();
      resolve();
    });
  });
}
