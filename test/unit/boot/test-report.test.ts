import { expect, test } from 'vitest';
import { countTests } from '../../../boot/test-report.ts';

test('tests are counted as Vitest reports them; a file that cannot be loaded is one failure', () => {
  const report = {
    numPassedTests: 7,
    numFailedTests: 1,
    numPendingTests: 2,
    numTodoTests: 1,
    testResults: [
      { status: 'failed', assertionResults: [{ status: 'failed' }] },
      { status: 'failed', assertionResults: [] },
      { status: 'passed', assertionResults: [{ status: 'passed' }] },
    ],
  };
  expect(countTests(report)).toEqual({ passed: 7, failed: 2, skipped: 3 });
});

test.each([undefined, null, 'x', 3, {}, { numPassedTests: '7', testResults: 4 }])('%j holds no counts', (report) => {
  expect(countTests(report)).toEqual({ passed: 0, failed: 0, skipped: 0 });
});
