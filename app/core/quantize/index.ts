/** Quantized variants of a model: int8 with ranges measured while it runs (dynamic) or beforehand (static). */
export type { CalibrationSession, OpenSession } from './calibrate.ts';
export { isPrepared, type Optimize, prepareModel } from './prepare.ts';
export { type QuantizedVariant, type QuantizeRequest, type QuantizeResult, type QuantizeRuntime, quantizeModel } from './quantize.ts';
export { integerRange, type IntegerType, roundHalfEven, scaleAndZeroPoint } from './rules.ts';
