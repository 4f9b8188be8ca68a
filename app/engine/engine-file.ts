/**
 * How a client finds the running engine: a file only its owner can read, with the port and this launch's token.
 * It is believed only while the process it names lives and started when it says.
 */
import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { isAlive, readFileIfThere, startMark, writeFileAtomic } from '#core/platform';

const EngineFileSchema = z.object({
  pid: z.number().int(),
  mark: z.string(),
  port: z.number().int().min(1).max(65_535),
  token: z.string(),
  version: z.string(),
});
export type EngineFile = z.infer<typeof EngineFileSchema>;

export async function writeEngineFile(path: string, file: EngineFile): Promise<void> {
  await writeFileAtomic(path, JSON.stringify(file), { mode: 0o600 });
}

/** The engine that runs on this workspace now, if there is one. */
export async function findEngine(path: string): Promise<EngineFile | undefined> {
  const text = await readFileIfThere(path);
  if (!text) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.toString('utf8'));
  } catch {
    return undefined;
  }
  const file = EngineFileSchema.safeParse(parsed);
  if (!file.success || !isAlive(file.data.pid)) return undefined;
  const mark = startMark(file.data.pid);
  return mark !== '' && mark !== file.data.mark ? undefined : file.data;
}

/** The link a person opens: the token stands in the fragment, which browsers never send. */
export function engineLink(file: { port: number; token: string }): string {
  return `http://127.0.0.1:${file.port}/#${file.token}`;
}

export async function removeEngineFile(path: string, pid: number): Promise<void> {
  const file = await findEngine(path);
  if (!file || file.pid === pid) await rm(path, { force: true });
}
