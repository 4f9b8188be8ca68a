import { type Command, InvalidArgumentError } from 'commander';
import { formatBytes, type ModelReport } from '#contract';
import { userPath } from '#core/platform';
import { action, type Context, offlineAction } from '../command.ts';
import { percent, table } from '../output.ts';
import { printableName } from '../printable.ts';
import { isPath } from '../ref-or-path.ts';

interface InspectOptions {
  largest: number;
}

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .argument('<model>', 'an .onnx file, name@version[#variant], or a digest')
    .option('--largest <n>', 'how many of the largest tensors to list', count, 10)
    .description('Graph, opset, inputs, outputs, ops, sizes and origin of a model')
    .action((model: string, options: InspectOptions, command: Command) => (isPath(model) ? inspectFile : inspectBundle)(model, options, command));
}

/** A file says what it is without a workspace: none is opened, so that 2 GB of weights are described in a fraction of a second. */
const inspectFile = offlineAction(async ({ output, signal }, model: string, { largest }: InspectOptions) => {
  // Loaded here and not above: every command loads this file, and few look into a model themselves.
  const { withReader } = await import('#core/onnx');
  const report = await withReader((reader) => reader.ask('report', { path: userPath(model), ref: userPath(model), largest }, { signal }));
  output.result({ ...report }, describe(report));
});

const inspectBundle = action(async ({ client, output, signal }: Context, ref: string, { largest }: InspectOptions) => {
  const report = await client.models.inspect({ ref, largest }, { signal });
  output.result({ ...report }, describe(report));
});

function describe(report: ModelReport): string[] {
  const { origin, tensors, external } = report;
  return [
    ...head(report),
    ...report.inputs.map((value) => `Input   ${signature(value)}`),
    ...report.outputs.map((value) => `Output  ${signature(value)}`),
    '',
    ...table(['Op', 'Nodes', 'Weights'], opRows(report), [1, 2]),
    '',
    ...table(['Precision', 'Bytes', 'Share'], precisionRows(report), [1, 2]),
    ...(tensors.largest.length > 0
      ? [
          '',
          `${tensors.largest.length < tensors.count ? `Largest of ${tensors.count.toLocaleString('en')} tensors` : `Tensors`}, ${formatBytes(tensors.bytes)} in all:`,
          ...table(
            ['Tensor', 'Type', 'Bytes', 'Where'],
            tensors.largest.map((tensor) => [
              printableName(tensor.name),
              `${tensor.type}[${tensor.dims.join(', ')}]`,
              formatBytes(tensor.bytes),
              tensor.stored.kind === 'external' ? printableName(tensor.stored.location, 40) : 'inside',
            ]),
            [2],
          ),
        ]
      : []),
    ...(external.files.length > 0
      ? [
          '',
          ...external.files
            .slice(0, SHOWN)
            .map(
              (file) =>
                `Data in ${printableName(file.location)}: ${file.problem === undefined ? formatBytes(file.bytes) : 'not usable'}, ${file.tensors} tensors`,
            ),
        ]
      : []),
    ...(Object.keys(report.metadata).length > 0
      ? [
          '',
          ...table(
            ['Metadata', ''],
            Object.entries(report.metadata)
              .slice(0, SHOWN)
              .map(([key, value]) => [printableName(key), printableName(value)]),
          ),
        ]
      : []),
    '',
    `Made by: ${origin.framework}${origin.frameworkVersion === undefined ? '' : ` ${printableName(origin.frameworkVersion)}`}, exported by ${origin.exporter}${origin.exporterVersion === undefined ? '' : ` ${printableName(origin.exporterVersion)}`} (${origin.evidence.join('; ')})`,
    ...report.warnings.flatMap(({ message, hint }) => [`Warning: ${message}`, ...(hint === undefined ? [] : [`  ${hint}`])]),
  ];
}

/** Most rows of a list that has no option of its own. */
const SHOWN = 20;

function head(report: ModelReport): string[] {
  const parts = [
    report.functions.length > 0 ? `${report.functions.length} local functions` : '',
    report.subgraphs.count > 0 ? `${report.subgraphs.count} subgraphs` : '',
    report.sparseInitializers > 0 ? `${report.sparseInitializers} sparse tensors` : '',
    report.quantizationAnnotations > 0 ? `${report.quantizationAnnotations} quantization annotations` : '',
  ].filter(Boolean);
  const opsets = Object.entries(report.opsets).map(([domain, version]) => `${printableName(domain)} ${version}`);
  return [
    `${printableName(report.ref, 200)}: ${formatBytes(report.bytes)}, ${report.parameters.toLocaleString('en')} parameters, ${report.nodes.toLocaleString('en')} nodes${parts.length > 0 ? `, ${parts.join(', ')}` : ''}`,
    `IR ${report.irVersion}, operator sets ${opsets.join(', ') || 'none named'}`,
    ...(report.description ? [printableName(report.description, 200)] : []),
  ];
}

function signature({ name, type, dims }: ModelReport['inputs'][number]): string {
  return `${printableName(name)}: ${printableName(type)}[${dims.map((dim) => printableName(String(dim), 30)).join(', ')}]`;
}

function opRows(report: ModelReport): string[][] {
  const rows = report.weightsByOp.map(({ op, nodes, bytes }) => [printableName(op), String(nodes), bytes === 0 ? '' : formatBytes(bytes)]);
  return rows.length > SHOWN ? [...rows.slice(0, SHOWN), [`and ${rows.length - SHOWN} more`, '', '']] : rows;
}

function precisionRows({ precision }: ModelReport): string[][] {
  const total = Object.values(precision).reduce((sum, bytes) => sum + bytes, 0);
  return Object.entries(precision)
    .sort((a, b) => b[1] - a[1])
    .map(([type, bytes]) => [type, formatBytes(bytes), percent(total > 0 ? bytes / total : 0)]);
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 1000) throw new InvalidArgumentError('It must be a whole number from 0 to 1000.');
  return value;
}
