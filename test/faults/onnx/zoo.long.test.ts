/** The whole zoo, one after another in front of one process, with the limits of every day: half an hour. */
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { throwAwayDir } from '../../lib/cli.ts';
import { ZOO } from './zoo/index.ts';
import { ABSENT, judge, Keeper } from './zoo/visit.ts';

const home = await throwAwayDir('zoo');
const keeper = new Keeper();
afterAll(async () => {
  keeper.end();
  await home.remove();
});

it.for(ZOO.map((one, i) => [one.name, one, i] as const))('%s', async ([, one, i], { skip }) => {
  const path = await one.make(join(home.dir, String(i)));
  if (path === undefined) return skip(ABSENT);
  const visit = await keeper.visit(path);
  judge(one, visit);
  expect(visit.seconds).toBeLessThan(30);
});
