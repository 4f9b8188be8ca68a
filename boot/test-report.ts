/** The counts in Vitest's JSON report. */
export interface Counts {
  passed: number;
  /** Tests that failed, and files that could not be loaded, as one each. */
  failed: number;
  skipped: number;
}

/** @param report the parsed report; anything that is none counts as nothing passed */
export function countTests(report: unknown): Counts {
  const number = (name: string) => {
    const value: unknown = typeof report === 'object' && report !== null ? Reflect.get(report, name) : 0;
    return typeof value === 'number' ? value : 0;
  };
  return {
    passed: number('numPassedTests'),
    failed: number('numFailedTests') + brokenFiles(report),
    skipped: number('numPendingTests') + number('numTodoTests'),
  };
}

/** A file that cannot be loaded has failed and holds no tests. */
function brokenFiles(report: unknown): number {
  const files = typeof report === 'object' && report !== null && 'testResults' in report ? report.testResults : undefined;
  if (!Array.isArray(files)) return 0;
  return files.filter((file: unknown) => {
    if (typeof file !== 'object' || file === null || !('status' in file) || !('assertionResults' in file)) return false;
    return file.status === 'failed' && Array.isArray(file.assertionResults) && file.assertionResults.length === 0;
  }).length;
}
