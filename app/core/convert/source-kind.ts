/** Which framework a file or folder comes from, told by its content: names lie. */
import { open, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { readExactly } from '#core/platform';
import { misused, unsound } from './errors.ts';
import { SNIFF_BYTES } from './limits.ts';

/** A set of pinned packages in `assets/converters/requirements`. */
export type EnvironmentName = 'torch' | 'tensorflow' | 'sklearn' | 'lightgbm' | 'xgboost';

export interface SourceKind {
  /** What it is, in words. */
  title: string;
  environment: EnvironmentName;
  /** `assets/converters/export_NAME.py`. */
  exporter: 'torch' | 'tensorflow' | 'tflite' | 'sklearn' | 'lightgbm' | 'xgboost';
}

const KINDS = {
  torch: { title: 'PyTorch exported program (.pt2)', environment: 'torch', exporter: 'torch' },
  keras: { title: 'Keras model', environment: 'tensorflow', exporter: 'tensorflow' },
  savedModel: { title: 'TensorFlow SavedModel', environment: 'tensorflow', exporter: 'tensorflow' },
  tflite: { title: 'TensorFlow Lite model', environment: 'tensorflow', exporter: 'tflite' },
  sklearn: { title: 'scikit-learn estimator (pickle)', environment: 'sklearn', exporter: 'sklearn' },
  lightgbm: { title: 'LightGBM model', environment: 'lightgbm', exporter: 'lightgbm' },
  xgboost: { title: 'XGBoost model', environment: 'xgboost', exporter: 'xgboost' },
} as const satisfies Record<string, SourceKind>;

/**
 * @returns undefined when it is nothing of a framework that we know
 * @throws convert.missing-file (usage), and owner input for files that hold no whole model and say what to export instead
 */
export async function sourceKind(path: string): Promise<SourceKind | undefined> {
  const info = await stat(path).catch((cause: unknown) => {
    throw misused('missing-file', `There is no file ${path}.`, { cause });
  });
  if (info.isDirectory()) return folderKind(path);
  if (!info.isFile()) throw misused('not-a-file', `${path} is neither a regular file nor a folder.`);
  const handle = await open(path, 'r');
  try {
    const head = await readExactly(handle, 0, Math.min(SNIFF_BYTES, info.size));
    const tail = await readExactly(handle, Math.max(0, info.size - SNIFF_BYTES), Math.min(SNIFF_BYTES, info.size));
    return fileKind(head, tail, extname(path).toLowerCase());
  } finally {
    await handle.close();
  }
}

async function folderKind(path: string): Promise<SourceKind | undefined> {
  const has = async (name: string) => (await stat(join(path, name)).catch(() => undefined))?.isFile() === true;
  if (await has('saved_model.pb')) return KINDS.savedModel;
  if ((await has('config.json')) && ((await has('model.safetensors')) || (await has('pytorch_model.bin')))) {
    throw unsound('hugging-face', 'This is a Hugging Face model folder: weights and settings, but no graph.', {
      hint: 'Export it where its library is: optimum-cli export onnx --model FOLDER OUT. Then import OUT/model.onnx.',
    });
  }
  return undefined;
}

function fileKind(head: Buffer, tail: Buffer, extension: string): SourceKind | undefined {
  const begins = (text: string, at = 0) => head.subarray(at, at + text.length).equals(Buffer.from(text, 'latin1'));
  if (begins('TFL3', 4)) return KINDS.tflite;
  if (begins('\x89HDF\r\n\x1a\n')) return KINDS.keras;
  if (begins('PK\x03\x04')) return zipKind(tail);
  if (begins('tree\n')) return KINDS.lightgbm;
  // UBJSON: an object whose first key has a length of one of UBJSON's integer types; XGBoost writes `learner` or `version` first.
  if (begins('{L') || begins('{i') || begins('{l')) return head.includes('learner') ? KINDS.xgboost : undefined;
  if (/^\s*\{/.test(head.subarray(0, 64).toString('latin1'))) return head.includes('"learner"') || tail.includes('"learner"') ? KINDS.xgboost : undefined;
  // Pickle protocols 2 to 5, or joblib's compressed forms, which only their name tells.
  if (head[0] === 0x80 && head[1] !== undefined && head[1] >= 2 && head[1] <= 5) {
    if (extension === '.pt' || extension === '.pth') throw noGraph();
    return KINDS.sklearn;
  }
  if (extension === '.joblib') return KINDS.sklearn;
  return undefined;
}

/** By the names in the archive's directory, which stands at its end. */
function zipKind(tail: Buffer): SourceKind | undefined {
  if (tail.includes('model.weights.h5')) return KINDS.keras;
  if (tail.includes('archive_format') && tail.includes('models/')) return KINDS.torch;
  if (tail.includes('data.pkl')) throw noGraph();
  return undefined;
}

function noGraph() {
  return unsound('no-graph', 'This PyTorch file holds weights or a pickled module, but no graph that could be exported.', {
    expected: 'a program saved by torch.export.save',
    hint: 'Where the model is defined: torch.export.save(torch.export.export(model.eval(), (example,)), "model.pt2"). Or export ONNX there: torch.onnx.export(model, (example,), "model.onnx", dynamo=True).',
  });
}
