/** Every bound of this room, with its unit. */

/** Deepest nesting of messages we follow. Real models stay below 30; protobuf's own default is 100. */
export const MAX_DEPTH = 100;
/** A byte field longer than this stays on disk as a range instead of being read, in bytes. */
export const INLINE_BYTES = 1024;
/** Most bytes of a model that are not bulk weights (names, attributes, shapes …), in bytes. */
export const MAX_STRUCTURE_BYTES = 512 * 1024 * 1024;
/** Most values in one model, a message counting as MESSAGE_VALUES of them: bounds the memory that decoding takes to about 600 MB. */
export const MAX_VALUES = 8_000_000;
/** What a message costs compared with a number or string in a list. */
export const MESSAGE_VALUES = 6;
/** Longest single string or attribute value, in bytes. */
export const MAX_TEXT_BYTES = 64 * 1024 * 1024;
/** Bytes read from the file at once while parsing. */
export const WINDOW_BYTES = 256 * 1024;
/** Bytes moved at once while weights are copied or scanned. */
export const COPY_BYTES = 1024 * 1024;
/** Largest protobuf message any reader takes: 2 GiB - 1, in bytes. */
export const MAX_PROTOBUF_BYTES = 2 ** 31 - 1;
/** Largest tensor that is read into memory at once, in bytes. */
export const MAX_TENSOR_BYTES = 2 ** 31 - 1;
/** Most elements a tensor may declare: what a JavaScript number counts exactly. */
export const MAX_ELEMENTS = Number.MAX_SAFE_INTEGER;
/** Newest IR version ONNX Runtime 1.30 loads. */
export const MAX_IR_VERSION = 13;
/** Warnings of one kind listed one by one; the rest is counted. */
export const MAX_WARNINGS_PER_CODE = 20;
/** Longest name shown in a message, in characters. */
export const MAX_SHOWN_NAME = 120;
