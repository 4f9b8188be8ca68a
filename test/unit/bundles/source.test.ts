import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EdgewrightError } from '#contract';
import { parseByteSize, parseDurationMs, parseRef, parseSource } from '#core/bundles';
import { nearest } from '#core/platform';

const BASE = 'name: digits\nversion: 1.0.0\nmodel: model.onnx\n';

function refusal(text: string): EdgewrightError {
  try {
    parseSource(text);
  } catch (error) {
    if (error instanceof EdgewrightError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

test('a whole file is read into the units the program counts in', () => {
  const source = parseSource(
    `${BASE}golden: golden.npz\ncalibration: c.npz\ntest: t.npz\nmetric: { name: mae, output: y, outputScale: 2.5 }\ntolerances:\n  fp32: { atol: 1.0e-4 }\n  int8: { agreement: 0.9 }\nlabels: l.txt\nexamples: [a.png, b.png]\nlimits: { p95: 50 ms, memory: 400 MB }\n`,
  );
  expect(source).toMatchObject({
    name: 'digits',
    version: '1.0.0',
    metric: { name: 'mae', output: 'y', outputScale: 2.5 },
    tolerances: { fp32: { atol: 1e-4 }, int8: { agreement: 0.9 } },
    examples: ['a.png', 'b.png'],
    limits: { p95Ms: 50, memoryBytes: 400_000_000 },
  });
});

test('what may be left out may be left out', () => {
  expect(parseSource(BASE)).toEqual({ name: 'digits', version: '1.0.0', model: 'model.onnx', tolerances: {}, limits: {} });
});

test.each([
  [`${BASE}goldn: golden.npz\n`, 'bundle.field-unknown', /"goldn" \(line 4\)/, /"golden"/],
  [`${BASE}metric: { nme: x, output: y, name: a }\n`, 'bundle.field-unknown', /"metric.nme"/, /"name"/],
  [`${BASE}tolerances:\n  fp32:\n    atoll: 1\n`, 'bundle.field-unknown', /"tolerances.fp32.atoll" \(line 6\)/, /"atol"/],
  [`${BASE}limits: { p59: 50 ms }\n`, 'bundle.field-unknown', /"limits.p59"/, /"p95"/],
  ['name: digits\nversion: 1.0.0\n', 'bundle.field-missing', /"model" is missing/, /Add model/],
  ['name: digits\nversion: 1.0\nmodel: m.onnx\n', 'bundle.field-wrong', /"version" is wrong/, /three numbers/],
  ['name: Digits!\nversion: 1.0.0\nmodel: m.onnx\n', 'bundle.field-wrong', /"name" is wrong.*\(line 1\)/, undefined],
  [`${BASE}limits: { p95: fast }\n`, 'bundle.field-wrong', /"limits.p95" is wrong: expected a number and/, undefined],
  [`${BASE}tolerances: { int8: { agreement: 95 } }\n`, 'bundle.field-wrong', /"tolerances.int8.agreement"/, undefined],
  ['name: digits\nversion: 1.0.0\nmodel: ../m.onnx\n', 'bundle.field-wrong', /leaves the folder/, undefined],
  ['name: digits\nversion: 1.0.0\nmodel: /etc/passwd\n', 'bundle.field-wrong', /absolute path/, undefined],
  ['name: digits\nversion: 1.0.0\nmodel: C:\\m.onnx\n', 'bundle.field-wrong', /not every file system/, undefined],
  ['name: digits\nversion: 1.0.0\nmodel: nul.onnx\n', 'bundle.field-wrong', /device on Windows/, undefined],
  [`${BASE}golden: .git/x\n`, 'bundle.field-wrong', /reserved/, undefined],
  [`${BASE}labels: model.sig\n`, 'bundle.field-wrong', /reserved/, undefined],
  [`${BASE}name: twice\n`, 'bundle.source-malformed', /unique/, /line 4/],
  ['name: [\n', 'bundle.source-malformed', /not sound YAML/, /line/],
  ['a: &a [x]\nb: *a\n', 'bundle.source-malformed', /aliases/, undefined],
  ['', 'bundle.field-wrong', /the file/, undefined],
  ['- a\n', 'bundle.field-wrong', /the file/, undefined],
])('%j is refused with %s', (text, code, message, hint) => {
  const error = refusal(text);
  expect(error).toMatchObject({ code, owner: 'input' });
  expect(error.message).toMatch(message);
  if (hint) expect(error.hint).toMatch(hint);
});

test('whatever the text, the answer is a bundle or a refusal of the input', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.constantFrom(BASE).chain((base) => fc.string().map((s) => base + s)),
      ),
      (text) => {
        try {
          parseSource(text);
        } catch (error) {
          expect(error).toMatchObject({ owner: 'input' });
        }
      },
    ),
  );
});

test.each([
  ['50 ms', 50],
  ['1.5 s', 1500],
  ['250us', 0.25],
  ['250 µs', 0.25],
  [' 2 min ', 120_000],
])('the duration %j is %d ms', (text, ms) => expect(parseDurationMs(text)).toBeCloseTo(ms, 9));

test.each([
  ['400 MB', 400_000_000],
  ['1 KiB', 1024],
  ['1.5GiB', 1_610_612_736],
  ['20 mb', 20_000_000],
  ['7 B', 7],
])('the size %j is %d bytes', (text, bytes) => expect(parseByteSize(text)).toBe(bytes));

test.each(['', '50', 'ms', '-1 ms', '0 ms', '1e3 ms', '50 parsecs', '1 constructor', '5 MB', 'NaN s'])('%j is no duration', (text) => {
  expect(() => parseDurationMs(text)).toThrow(expect.objectContaining({ code: 'input.duration' }));
});

test.each(['', '12', '12 ms', '0 B', '999999999999999 TB', '-1 MB'])('%j is no size', (text) => {
  expect(() => parseByteSize(text)).toThrow(expect.objectContaining({ code: 'input.size' }));
});

test('the nearest word is offered only when it is near', () => {
  expect(nearest('modle', ['model', 'metric'])).toBe('model');
  expect(nearest('p59', ['p95', 'memory'])).toBe('p95');
  expect(nearest('zebra', ['model', 'metric'])).toBeUndefined();
});

test('references are read, and anything else is refused as usage', () => {
  expect(parseRef('digits@1.0.0')).toEqual({ kind: 'name', name: 'digits', version: '1.0.0' });
  expect(parseRef('digits@1.0.0-rc.1#int8-static')).toEqual({ kind: 'name', name: 'digits', version: '1.0.0-rc.1', variant: 'int8-static' });
  expect(parseRef(`sha256:${'a'.repeat(64)}`)).toEqual({ kind: 'digest', digest: `sha256:${'a'.repeat(64)}` });
  for (const text of [
    '',
    'digits',
    'digits@',
    '@1.0.0',
    'Digits@1.0.0',
    'digits@1',
    'digits@1.0.0#',
    'digits@1.0.0#a#b',
    `sha256:${'A'.repeat(64)}`,
    '../x@1.0.0',
  ]) {
    expect(() => parseRef(text)).toThrow(expect.objectContaining({ code: 'usage.ref', owner: 'usage' }));
  }
});
