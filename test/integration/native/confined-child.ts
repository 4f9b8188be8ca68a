/** A process that gives up its rights and then tries everything they were for; what came of it goes to fd 4. argv[2] is JSON: what to try. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, openSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { loadNative } from '#native';

const { dir, port, other, write } = JSON.parse(process.argv[2] ?? '{}') as { dir: string; port: number; other: number; write: boolean };
/** There before: a filter must reach it too. */
const early = new Worker(
  'require("node:worker_threads").parentPort.on("message", (file) => { try { require("node:fs").writeFileSync(file, ""); require("node:worker_threads").parentPort.postMessage("did it"); } catch (e) { require("node:worker_threads").parentPort.postMessage(e.code); } })',
  { eval: true },
);
await new Promise((resolve) => early.once('online', resolve));
/** Node made a ring of io_uring for itself. */
const ring = readdirSync('/proc/self/fd').some((fd) => attemptLink(`/proc/self/fd/${fd}`).includes('io_uring'));
const confined = loadNative()?.confine({ write }) ?? false;

function attemptLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // The folder that was listed is closed again.
    return '';
  }
}

async function attempt(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'did it';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}
const reach = (where: number | string) =>
  new Promise<void>((resolve, reject) => {
    const socket = typeof where === 'number' ? connect(where, '127.0.0.1') : connect(where);
    socket.once('connect', () => resolve(socket.destroy() as unknown as void));
    socket.once('error', reject);
  });
const file = (name: string) => join(dir, name);
const said = {
  confined,
  ring,
  connect: await attempt(() => reach(port)),
  socketFile: await attempt(() => reach(file('socket'))),
  program: await attempt(() => execFileSync('/bin/true')),
  signalOther: await attempt(() => process.kill(other, 'SIGTERM')),
  askOther: await attempt(() => process.kill(other, 0)),
  create: await attempt(() => writeFileSync(file('new'), '')),
  change: await attempt(() => openSync(file('there'), 'r+')),
  rename: await attempt(() => renameSync(file('there'), file('elsewhere'))),
  remove: await attempt(() => rmSync(file('elsewhere'))),
  folder: await attempt(() => mkdirSync(file('folder'))),
  otherThread: await new Promise((resolve) => {
    early.once('message', resolve);
    early.postMessage(file('thread'));
  }),
  read: await attempt(() => readFileSync(file('read-me'))),
  newThread: await attempt(() => new Promise((resolve) => new Worker('', { eval: true }).once('exit', resolve))),
  timers: await attempt(() => wait(5)),
  threadPool: await attempt(() => import('node:fs/promises').then(({ readFile }) => readFile(file('read-me')))),
};
writeSync(4, JSON.stringify(said));
process.exit(0);
