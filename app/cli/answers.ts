/** An answer in lines for people. */
import { type Answer, type RowAnswer, significant } from '#contract';
import { percent, table } from './output.ts';

/** Most rows of a table printed; --json has them all. */
const MAX_PRINTED_ROWS = 50;

/** Longest beginning of a text that names it. */
const MAX_NAME_CHARS = 40;

export function describeAnswer(answer: Answer): string[] {
  switch (answer.kind) {
    case 'labels':
      return answer.labels.map((l, i) => `${i === 0 ? '→' : ' '} ${l.label}  ${percent(l.confidence)}`);
    case 'values':
      return answer.values.map((v) => `${v.name}: ${withUnit(v)}`);
    case 'boxes':
      if (answer.boxes.length === 0) return ['Nothing was found.'];
      return table(
        ['Found', 'Score', 'Left', 'Top', 'Right', 'Bottom'],
        answer.boxes.map((b) => [b.label, percent(b.score), ...[b.left, b.top, b.right, b.bottom].map((x) => x.toFixed(1))]),
        [1, 2, 3, 4, 5],
      );
    case 'text':
      return [answer.text];
    case 'spans':
      if (answer.spans.length === 0) return ['Nothing was found.'];
      return table(
        ['Text', 'Label', 'Confidence', 'From', 'To'],
        answer.spans.map((s) => [s.text, s.label, percent(s.confidence), String(s.from), String(s.to)]),
        [2, 3, 4],
      );
    case 'embedding':
      return describeEmbedding(answer);
    case 'tensors':
      return answer.tensors.map(
        (t) => `${t.name}: ${t.preview.map((x) => (x === null ? 'not finite' : typeof x === 'string' ? x : significant(x))).join(', ')} …`,
      );
    case 'several':
      return answer.parts.flatMap((part) => [`${part.title}:`, ...describeAnswer(part.answer).map((line) => `  ${line}`)]);
    case 'rows':
      return describeRows(answer.rows, answer.total);
  }
}

/** How alike each pair is; one text alone is told by its first numbers. */
function describeEmbedding({ dimensions, texts, vectors, similarity }: Extract<Answer, { kind: 'embedding' }>): string[] {
  const [only] = vectors;
  if (similarity.length === 1) return [`${dimensions} numbers: ${(only ?? []).slice(0, 8).map(significant).join(', ')} …`];
  const pairs = similarity.flatMap((row, i) => row.slice(0, i).map((value, j) => ({ i, j, value })));
  const name = (i: number) => (texts?.[i] ?? `row ${i + 1}`).replaceAll('\n', ' ').slice(0, MAX_NAME_CHARS);
  return table(
    ['Cosine', 'Text', 'Other text'],
    pairs.sort((a, b) => b.value - a.value).map(({ i, j, value }) => [value.toFixed(3), name(j), name(i)]),
    [0],
  );
}

/** One line for each row: labels by their best, values side by side. */
function describeRows(rows: readonly RowAnswer[], total: number): string[] {
  const shown = rows.slice(0, MAX_PRINTED_ROWS);
  const more = total > shown.length ? [`… and ${total - shown.length} more rows; --json and --output FILE have them.`] : [];
  const labels = shown.flatMap((row) => (row.kind === 'labels' ? [row.labels[0]] : []));
  if (labels.length === shown.length) {
    const lines = labels.map((best, i) => [String(i + 1), best?.label ?? '', best ? percent(best.confidence) : '']);
    return [...table(['Row', 'Answer', 'Confidence'], lines, [0, 2]), ...more];
  }
  const values = shown.flatMap((row) => (row.kind === 'values' ? [row.values] : []));
  if (values.length === shown.length) {
    const head = (values[0] ?? []).map((v) => `${v.name}${v.unit === undefined ? '' : `, ${v.unit}`}`);
    const lines = values.map((row, i) => [String(i + 1), ...row.map((v) => significant(v.value))]);
    return [...table(['Row', ...head], lines, [0, ...head.map((_, i) => i + 1)]), ...more];
  }
  return [...shown.map((row, i) => `${i + 1}: ${describeAnswer(row).join('; ')}`), ...more];
}

function withUnit({ value, unit }: { value: number; unit?: string | undefined }): string {
  return unit === undefined ? significant(value) : `${significant(value)} ${unit}`;
}
