/**
 * `edgewright.yaml`: what a bundle consists of, as its author writes it. A field we do not know is an error, because a
 * mistyped one would otherwise be silently left out of what is tested and signed.
 */
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { EdgewrightError, NameSchema, VersionSchema } from '#contract';
import { type Refusal, unsound } from './errors.ts';
import { nearest } from '#core/platform';
import { pathProblem, SOURCE_FILE } from './paths.ts';
import { parseByteSize, parseDurationMs } from './quantities.ts';

const PathSchema = z.string().superRefine((path, context) => {
  const problem = pathProblem(path);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: `the path ${problem}` });
});

/** Turns a quantity's own error into an issue at its field. */
function quantity(parse: (text: string) => number) {
  return z
    .string()
    .max(60)
    .transform((text, context) => {
      try {
        return parse(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: error instanceof EdgewrightError ? `expected ${error.expected ?? 'a quantity'}` : 'cannot be read' });
        return z.NEVER;
      }
    });
}

const Share = z.number().min(0).max(1);
const Tolerance = z.number().min(0).max(1e6);
const CloseSchema = z.strictObject({ atol: Tolerance.optional(), rtol: Tolerance.optional() });
const AgreementSchema = z.strictObject({ agreement: Share.optional(), maxDrop: Tolerance.optional() });

/** The file alone, or with raw inputs beside it. */
const GoldenSchema = z.preprocess(
  (value) => (typeof value === 'string' ? { tensors: value } : value),
  z
    .strictObject({
      tensors: PathSchema,
      /** A folder with the raw inputs of some samples, or a list of files; each named by its sample, as in 3.png or 3-seven.png. */
      raw: z.union([PathSchema, z.array(PathSchema)]).optional(),
      /** How near what the recipe makes of them must be to the golden inputs. */
      rawTolerance: CloseSchema.optional(),
    })
    .optional(),
);

const SourceSchema = z.strictObject({
  name: NameSchema,
  version: VersionSchema,
  description: z.string().max(2000).optional(),
  /** SPDX license expression. */
  license: z.string().max(200).optional(),
  model: PathSchema,
  golden: GoldenSchema,
  calibration: PathSchema.optional(),
  test: PathSchema.optional(),
  metric: z
    .strictObject({
      name: z.string().regex(/^[a-z0-9_]{1,64}$/, 'a metric name is 1 to 64 of a-z 0-9 _'),
      /** The model output it reads. */
      output: z.string().min(1).max(1000),
      /** Regression: outputs are multiplied by this before they are compared with labels. */
      outputScale: z.number().optional(),
      higherIsBetter: z.boolean().optional(),
      /** Two classes: from which score on it is yes, and which label is meant by yes. */
      threshold: z.number().optional(),
      positive: z.union([z.number().int(), z.string().max(1000)]).optional(),
      /** Text read as CTC: the symbol that stands for nothing, and the one between words. */
      blank: z.number().int().min(0).optional(),
      delimiter: z.number().int().min(0).optional(),
    })
    .optional(),
  /** What each precision is held to; published defaults apply where nothing is said. */
  tolerances: z
    .strictObject({
      fp32: CloseSchema.optional(),
      fp16: CloseSchema.optional(),
      bf16: CloseSchema.optional(),
      int8: AgreementSchema.optional(),
      int4: AgreementSchema.optional(),
    })
    .optional(),
  recipe: PathSchema.optional(),
  labels: PathSchema.optional(),
  /** A folder with example inputs, or a list of files. */
  examples: z.union([PathSchema, z.array(PathSchema)]).optional(),
  limits: z.strictObject({ p95: quantity(parseDurationMs).optional(), memory: quantity(parseByteSize).optional() }).optional(),
});

type Parsed = z.infer<typeof SourceSchema>;

/** The same facts in units the program counts in. */
export interface BundleSource extends Omit<Parsed, 'golden' | 'limits' | 'tolerances'> {
  /** The file with the tensors. */
  golden?: string;
  goldenRaw?: string | string[];
  rawTolerance?: { atol?: number | undefined; rtol?: number | undefined };
  tolerances: NonNullable<Parsed['tolerances']>;
  limits: { p95Ms?: number; memoryBytes?: number };
}

/** @throws bundle.source-malformed or bundle.field-* (owner input), naming the field and its line */
export function parseSource(text: string): BundleSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2', schema: 'core' });
  const problem = document.errors[0];
  if (problem) {
    throw unsound('bundle.source-malformed', `${SOURCE_FILE} is not sound YAML: ${problem.message.split('\n')[0] ?? problem.code}.`, {
      hint: `See line ${problem.linePos?.[0].line ?? 1}.`,
    });
  }
  // Aliases could make a small file unfold into a huge one, and nothing here needs them.
  const value: unknown = toPlain(() => document.toJS({ maxAliasCount: 0 }));
  const result = SourceSchema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    if (!issue) throw unsound('bundle.source-malformed', `${SOURCE_FILE} is wrong.`);
    const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : asWritten(issue.path, value);
    throw fieldError(
      issue,
      path.filter((part) => typeof part !== 'symbol'),
      value,
      lineOf(document, lines, path),
    );
  }
  const { golden, limits, tolerances, ...rest } = result.data;
  return {
    ...rest,
    ...(golden && { golden: golden.tensors }),
    ...(golden?.raw !== undefined && { goldenRaw: golden.raw }),
    ...(golden?.rawTolerance && { rawTolerance: golden.rawTolerance }),
    tolerances: tolerances ?? {},
    limits: { ...(limits?.p95 !== undefined && { p95Ms: limits.p95 }), ...(limits?.memory !== undefined && { memoryBytes: limits.memory }) },
  };
}

/** The plain form of a golden set has no fields of its own. */
function asWritten(path: readonly PropertyKey[], value: unknown): readonly PropertyKey[] {
  const plain = typeof value === 'object' && value !== null && 'golden' in value && typeof value.golden === 'string';
  return plain && path[0] === 'golden' ? ['golden'] : path;
}

function toPlain(read: () => unknown): unknown {
  try {
    return read();
  } catch (cause) {
    throw unsound('bundle.source-malformed', `${SOURCE_FILE} uses YAML aliases, which are not taken here.`, { hint: 'Write the values out.', cause });
  }
}

function lineOf(document: ReturnType<typeof parseDocument>, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  for (let depth = path.length; depth > 0; depth--) {
    const node: unknown = document.getIn(path.slice(0, depth), true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) return lines.linePos(Number(node.range[0])).line;
  }
  return undefined;
}

function fieldError(issue: z.core.$ZodIssue, path: readonly (string | number)[], value: unknown, line: number | undefined) {
  const field = path.join('.') || 'the file';
  const at = line === undefined ? '' : ` (line ${line})`;
  const found = shown(
    path.reduce<unknown>(
      (inner, part) => (typeof inner === 'object' && inner !== null ? Object.entries(inner).find(([key]) => key === String(part))?.[1] : undefined),
      value,
    ),
  );
  const refuse = (code: string, message: string, more: Refusal) => unsound(code, `${SOURCE_FILE}: ${message}${at}.`, more);
  if (issue.code === 'unrecognized_keys') {
    const known = knownFields(path.slice(0, -1));
    const meant = nearest(String(path.at(-1)), known);
    return refuse('bundle.field-unknown', `unknown field "${field}"`, {
      expected: known.join(', '),
      found: String(path.at(-1)),
      ...(meant !== undefined && { hint: `Did you mean "${meant}"?` }),
    });
  }
  if (found === undefined) return refuse('bundle.field-missing', `"${field}" is missing`, { hint: `Add ${field} to ${SOURCE_FILE}.` });
  // 1.0 without quotes is a number in YAML, and 1.10 would lose its zero.
  const quoted = field === 'version' && typeof value === 'object' ? { hint: 'Write a version with three numbers, such as 1.0.0.' } : {};
  return refuse('bundle.field-wrong', `"${field}" is wrong: ${issue.message}`, { found, ...quoted });
}

function shown(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value).slice(0, 120);
}

/** The fields of the mapping at `path`, from the schema itself. */
function knownFields(path: readonly (string | number)[]): string[] {
  let schema = bare(SourceSchema);
  for (const part of path) {
    if (!(schema instanceof z.ZodObject)) return [];
    const inner: unknown = schema.shape[String(part)];
    if (!(inner instanceof z.ZodType)) return [];
    schema = bare(inner);
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** Without what says that it may be left out, or is prepared first. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional) return bare(schema.unwrap());
  return schema instanceof z.ZodPipe ? bare(schema.out) : schema;
}
