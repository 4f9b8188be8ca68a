/** Every bound of this room, with its unit. */

/** Samples per calibration run where the model's first dimension is open. */
export const CALIBRATION_BATCH = 16;
/** Most calibration samples that are used unless the caller asks for more. */
export const MAX_CALIBRATION_SAMPLES = 100_000;
/** Tensors whose ranges are read in one pass; more are read in several, so that a run returns a bounded number of outputs. */
export const MAX_RANGES_PER_PASS = 4096;
/** Largest weight that is quantized, in elements (its float32 form is read into memory). */
export const MAX_WEIGHT_ELEMENTS = 512 * 1024 * 1024;
/** Passes over the graph when element types are passed on; a sorted graph needs one. */
export const MAX_TYPE_PASSES = 8;
/** Names listed in one message. */
export const MAX_LISTED = 5;
