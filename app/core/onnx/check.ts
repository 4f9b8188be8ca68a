/** Whether a model is sound, judged without running it: encoding, versions, operators, graph, tensors, names. */
import type { CheckStage, Warning } from '#contract';
import { checkBody, checkGraph, NOTHING_AROUND } from './check-graph.ts';
import { checkFunctions } from './check-functions.ts';
import { checkOperators, checkVersions } from './check-operators.ts';
import { checkTensors } from './check-tensors.ts';
import { checkValues } from './check-values.ts';
import { diskBytes } from './disk-bytes.ts';
import { refuse, shown } from './errors.ts';
import { MAX_PROTOBUF_BYTES } from './limits.ts';
import { checkCompiled, warnOfNames } from './check-names.ts';
import { Findings } from './findings.ts';
import { readModel } from './model.ts';
import type { OnnxModel } from './model.ts';

/** What a model's file tells about its soundness. */
export interface StructureCheck {
  warnings: Warning[];
  /** `bounds` and `structure`. */
  stages: CheckStage[];
  /** Bytes that the model and its external data really take on disk; holes in sparse files take none. */
  storedBytes: number;
}

export interface CheckOptions {
  signal?: AbortSignal | undefined;
  /** Told how much there is to read, before it is read. */
  onMeasured?: ((storedBytes: number) => void) | undefined;
}

/**
 * Checks a model file and its external data. Every weight is read once, in small pieces.
 * @throws EdgewrightError, owner `input`, for a model that must be refused; it names the node or tensor
 */
export async function checkStructure(path: string, options: CheckOptions = {}): Promise<StructureCheck> {
  const start = performance.now();
  const model = await readModel(path);
  if (model.fileBytes > MAX_PROTOBUF_BYTES) {
    throw refuse('model.too-large-for-protobuf', 'The model file is larger than any ONNX reader takes.', {
      expected: `at most ${MAX_PROTOBUF_BYTES} bytes`,
      found: `${model.fileBytes} bytes`,
      hint: 'Keep its weights in an external data file.',
    });
  }
  const read = performance.now();
  const { warnings, storedBytes } = await checkModel(model, options);
  return {
    warnings,
    stages: [
      { name: 'bounds', outcome: 'passed', ms: Math.round(read - start) },
      { name: 'structure', outcome: warnings.length > 0 ? 'warned' : 'passed', ms: Math.round(performance.now() - read) },
    ],
    storedBytes,
  };
}

async function checkModel(model: OnnxModel, options: CheckOptions): Promise<Pick<StructureCheck, 'warnings' | 'storedBytes'>> {
  const findings = new Findings();
  checkVersions(model);
  const functions = checkFunctions(model, findings);
  checkOperators(model, functions, findings);
  checkGraph(model.graph, 'the graph', findings);
  if (model.graph.output.length === 0)
    throw refuse('model.no-outputs', 'The graph has no outputs: nothing could be read from it.', { hint: 'Export it again and name the outputs.' });
  for (const fn of model.functions) {
    checkBody({ title: `function ${shown(fn.name ?? '')}`, node: fn.node, given: fn.input, outputs: fn.output, sorts: false }, findings, NOTHING_AROUND);
  }
  warnOfNames(model, findings);
  await checkCompiled(model, findings);
  const measure = async (paths: readonly string[]) => {
    const bytes = await diskBytes(paths);
    options.onMeasured?.(bytes);
    return bytes;
  };
  const storedBytes = await checkTensors(model, findings, measure, options.signal);
  checkValues(model, functions, findings);
  if (model.trainingInfo.length > 0) findings.warn('model.training', 'The model carries training information, which is not used.');
  return { warnings: findings.all(), storedBytes };
}
