/** A registry killed, or out of space, in the middle of a push: the client goes on from where it was, and nothing is half. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pushWithFault, undisturbed } from './harness.ts';

let dir: string;
let from: number;
let steps: number;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-killed-'));
  ({ from, steps } = await undisturbed(dir));
  expect(steps - from).toBeGreaterThan(20);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Spread over the push: while it begins, within a piece, between two, as it becomes a blob, and in its manifest. */
const PLACES = [0.05, 0.3, 0.5, 0.75, 0.9];

test.each(PLACES)('killed after %f of its steps', (part) => pushWithFault(dir, 'kill', from + Math.ceil((steps - from) * part)));
test.each([0.2, 0.6, 0.85])('the disk is full after %f of its steps', (part) => pushWithFault(dir, 'full', from + Math.ceil((steps - from) * part)));
