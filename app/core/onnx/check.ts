/** Whether a model is sound, judged without running it: encoding, versions, operators, graph, tensors, names. */
import { stat } from 'node:fs/promises';
import type { CheckStage, Warning } from '#contract';
import { checkBody, checkGraph } from './check-graph.ts';
import { checkOperators } from './check-operators.ts';
import { checkTensors } from './check-tensors.ts';
import { refuse, shown } from './errors.ts';
import { Findings } from './findings.ts';
import { externalFiles } from './inspect.ts';
import { readModel } from './model.ts';
import { scopes } from './walk.ts';
import type { OnnxModel } from './model.ts';

/** What a model's file tells about its soundness. */
export interface StructureCheck {
  warnings: Warning[];
  /** `bounds` and `structure`. */
  stages: CheckStage[];
  /** Bytes that the model and its external data really take on disk; holes in sparse files take none. */
  storedBytes: number;
}

/**
 * Checks a model file and its external data. Every weight is read once, in small pieces.
 * @throws EdgewrightError, owner `input`, for a model that must be refused; it names the node or tensor
 */
export async function checkStructure(path: string, options: { signal?: AbortSignal | undefined } = {}): Promise<StructureCheck> {
  const start = performance.now();
  const model = await readModel(path);
  const read = performance.now();
  const warnings = await checkModel(model, options);
  const storedBytes = await onDisk([model.path, ...(await externalFiles(model))]);
  return {
    warnings,
    stages: [
      { name: 'bounds', outcome: 'passed', ms: Math.round(read - start) },
      { name: 'structure', outcome: warnings.length > 0 ? 'warned' : 'passed', ms: Math.round(performance.now() - read) },
    ],
    storedBytes,
  };
}

async function onDisk(paths: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const path of paths) {
    const info = await stat(path);
    // 512-byte blocks; where the system does not count them there are no sparse files to mistake either.
    bytes += info.blocks > 0 ? Math.min(info.size, info.blocks * 512) : process.platform === 'win32' ? info.size : 0;
  }
  return bytes;
}

async function checkModel(model: OnnxModel, options: { signal?: AbortSignal | undefined }): Promise<Warning[]> {
  const findings = new Findings();
  checkOperators(model, findings);
  checkGraph(model.graph, 'the graph', findings);
  if (model.graph.output.length === 0)
    throw refuse('model.no-outputs', 'The graph has no outputs: nothing could be read from it.', { hint: 'Export it again and name the outputs.' });
  for (const fn of model.functions) {
    checkBody({ title: `function ${shown(fn.name ?? '')}`, node: fn.node, given: fn.input, outputs: fn.output }, findings, () => false);
  }
  warnOfNames(model, findings);
  await checkTensors(model, findings, options.signal);
  if (model.trainingInfo.length > 0) findings.warn('model.training', 'The model carries training information, which is not used.');
  return findings.all();
}

/** Names that look like something else on a screen, in a terminal or in a spreadsheet. */
function warnOfNames(model: OnnxModel, findings: Findings): void {
  const seen = new Set<string>();
  const look = (name: string | undefined, what: string) => {
    if (!name || seen.has(name)) return;
    seen.add(name);
    const why = suspicious(name);
    if (why) findings.warn('names.suspicious', `The ${what} ${shown(name)} holds ${why}. It is shown in a safe form everywhere.`, shown(name));
  };
  look(model.producerName, 'producer name');
  for (const scope of scopes(model)) {
    for (const info of [...(scope.graph?.input ?? []), ...(scope.graph?.output ?? [])]) look(info.name, 'value name');
    for (const tensor of scope.graph?.initializer ?? []) look(tensor.name, 'tensor name');
    for (const node of scope.node) {
      look(node.name, 'node name');
      for (const name of node.output) look(name, 'value name');
    }
  }
  for (const entry of model.metadataProps) look(entry.key, 'metadata key');
}

function suspicious(name: string): string | undefined {
  if (/[\p{Cc}]/u.test(name)) return 'control characters';
  if (/[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u.test(name)) return 'invisible or direction-changing characters';
  if (/<\s*\/?\s*[a-z!][^>]*>/i.test(name)) return 'HTML';
  if (/^[=+@-].*[(|!]/u.test(name)) return 'a spreadsheet formula';
  return undefined;
}
