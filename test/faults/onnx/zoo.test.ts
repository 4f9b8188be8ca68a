/** A few models of the zoo from each of its parts; the whole of it is in the long test. */
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { throwAwayDir } from '../../lib/cli.ts';
import { ZOO } from './zoo/index.ts';
import { ABSENT, judge, Keeper } from './zoo/visit.ts';

const SAMPLE = [
  'external data in a pipe that nobody writes to',
  'external data behind a link to a device',
  'external data with an offset and a length whose sum overflows',
  'two gigabytes claimed by a kilobyte',
  'raw data and floats',
  'branches ten deep',
  'functions that double forty times',
  'a sparse tensor with an index of 2^62',
  'expanded to a terabyte',
  'convolution in strides of nothing',
  'a tree that goes round',
  'outputs that nobody wants left out by an empty name',
  'names in other scripts',
];
const home = await throwAwayDir('zoo');
const keeper = new Keeper();
afterAll(async () => {
  keeper.end();
  await home.remove();
});

it('has them all', () => {
  expect(SAMPLE.filter((name) => !ZOO.some((one) => one.name === name))).toEqual([]);
  expect(new Set(ZOO.map((one) => one.name)).size).toBe(ZOO.length);
});

it.for(ZOO.filter(({ name }) => SAMPLE.includes(name)).map((one, i) => [one.name, one, i] as const))('%s', async ([, one, i], { skip }) => {
  const path = await one.make(join(home.dir, String(i)));
  if (path === undefined) return skip(ABSENT);
  judge(one, await keeper.visit(path));
});
