import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** `npm run test:long` sets this. */
const long = process.env.EDGEWRIGHT_LONG === '1';
/** Tests make many workspaces: none may leave an entry in the keychain of whoever runs them. */
const env = { EDGEWRIGHT_KEY_STORE: 'file' };
const exclude = long ? [] : ['test/**/*.long.test.ts'];

/** Two projects: what needs a browser runs in files one after another, everything else in parallel processes. */
export default defineConfig({
  test: {
    // One a core; by itself Vitest leaves a core free, and these tests wait for processes of their own half of the time.
    maxWorkers: availableParallelism(),
    projects: [
      {
        test: {
          name: 'core',
          include: ['test/{unit,integration,faults,parity}/**/*.test.ts'],
          exclude,
          env,
          pool: 'forks',
          testTimeout: long ? 600_000 : 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude,
          env,
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
