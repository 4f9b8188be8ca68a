/** Splits the model argv[2] in place, as argv[3] says; the fault comes from the preload. Exits 6 when the disk is full. */
import { asEdgewrightError } from '#contract';
import { externalizeModel, readModel } from '#core/onnx';

const [, , path = '', layout = ''] = process.argv;
try {
  await externalizeModel(await readModel(path), path, { layout: layout === 'file per tensor' ? layout : 'one file' });
} catch (error) {
  const known = asEdgewrightError(error);
  process.stderr.write(`${known.code}: ${known.message}\n`);
  process.exitCode = known.code === 'machine.disk-full' ? 6 : 1;
}
