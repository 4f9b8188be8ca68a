/** What to run elsewhere, where this computer cannot convert. */
import { basename } from 'node:path';
import { convertersDir } from './converters.ts';
import type { SourceKind } from './source-kind.ts';
import { PYTHON } from './uv.ts';

/** Commands for a computer with uv and a network that this file may be trusted with; one line each. */
export function byHand(path: string, kind: SourceKind): string {
  const converters = convertersDir();
  return [
    `On a computer with uv and a network, with ${converters} copied there as "converters":`,
    `uv venv --python ${PYTHON} env`,
    `uv pip install --python env --require-hashes --only-binary :all: -r converters/requirements/${kind.environment}.txt`,
    `mkdir out && env/bin/python -E -s -B converters/export_${kind.exporter}.py ${JSON.stringify(basename(path))} out`,
    'Then import out/model.onnx here.',
  ].join('\n');
}
