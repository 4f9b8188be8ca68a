/** One quantization as a process: model, calibration set, output. */
import { quantizeModel } from '#core/quantize';
import { quantizeRuntime } from '#core/trials';

const [modelPath = '', calibration = '', outputPath = ''] = process.argv.slice(2);
await quantizeModel({ modelPath, calibration, outputPath, variant: 'int8-static', perChannel: true }, quantizeRuntime);
process.exit(0);
