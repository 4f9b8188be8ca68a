/** Every bound of this room, with its unit. */

/** Deepest nesting of messages we follow. Real models stay below 30; protobuf's own default is 100. */
export const MAX_DEPTH = 100;
/** A byte field longer than this stays on disk as a range instead of being read, in bytes. */
export const INLINE_BYTES = 1024;
/** Memory that a decoded model may take, in bytes, by the costs below. A forest of 60 million numbers fits; so do half a million nodes. */
export const MAX_DECODED_BYTES = 600 * 1024 * 1024;
/** What a message, an entry of a list of numbers, a large integer, and a text or byte string beside its characters cost, in bytes. */
export const MESSAGE_COST = 400;
export const NUMBER_COST = 8;
export const BIGINT_COST = 48;
export const TEXT_COST = 32;
export const BYTES_COST = 280;
/** Short byte strings of a model that are kept once however often they come (modes of tree nodes), and how short, in bytes. */
export const SHARED_STRINGS = 256;
export const SHARED_STRING_BYTES = 32;
/** Longest single string or attribute value, in bytes. */
export const MAX_TEXT_BYTES = 64 * 1024 * 1024;
/** Bytes read from the file at once while parsing: few after a jump over weights, more while it goes straight on. */
export const MIN_WINDOW_BYTES = 4 * 1024;
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
/** Longest name, text or attribute value in a view of a graph, in characters. */
export const MAX_VIEW_NAME = 300;
export const MAX_VIEW_TEXT = 2_000;
/** Most inputs, outputs, attributes, readers and metadata entries that one node is shown with. */
export const MAX_VIEW_LIST = 100;
/** Most elements of a list or small tensor shown of an attribute. */
export const MAX_VIEW_ELEMENTS = 64;
/** Deepest module of the outline: what lies deeper belongs to the module at this depth. */
export const MAX_MODULE_DEPTH = 16;
/** Most segments that a level with too many items is divided into, and the fewest items in one. */
export const MAX_SEGMENTS = 100;
export const MIN_SEGMENT = 50;
/** Steps of the histogram of a tensor. */
export const HISTOGRAM_STEPS = 32;
/** Most dimensions shown of a tensor or value. */
export const MAX_VIEW_DIMS = 64;
/** Most entries of a list in the report of a model, and files of external data looked at. */
export const MAX_REPORT_LIST = 1_000;
export const MAX_EXTERNAL_FILES = 1_000;
/** Largest config.json looked into beside a model, in bytes. */
export const MAX_CONFIG_BYTES = 1024 * 1024;
/** Most nodes a model may have once its functions are expanded; the largest real ones have some hundred thousand. */
export const MAX_EXPANDED_NODES = 1_000_000;
/** Most elements of a tensor that are followed through a graph as constants: shapes have as many as a tensor has axes. */
export const MAX_KNOWN_NUMBERS = 64;
/** Most axes a tensor may have; NumPy takes 64, real models stay below 10. */
export const MAX_RANK = 64;
/** How often the bytes of an external data file may be meant by tensors that lie across each other. */
export const MAX_EXTERNAL_REUSE = 2;
/** Bytes of weights that are looked through beyond what their files take on disk: small tensors lie in memory already. */
export const SCAN_SPARE_BYTES = 64 * 1024 * 1024;
/** Longest name that is looked through for what it might pretend to be, in characters; a longer one is strange enough. */
export const MAX_LOOKED_AT_NAME = 4096;
/** Tensors of at least this many bytes leave the model when it is split, unless asked otherwise; as the Python package does. */
export const EXTERNAL_THRESHOLD_BYTES = 1024;
/**
 * Where tensors begin in a data file, so that it can be mapped into memory: at a page, and large ones at a multiple of what
 * Windows maps by (ONNX, External Data: offset). In bytes.
 */
export const PAGE_BYTES = 4096;
export const MAPPING_BYTES = 64 * 1024;
export const LARGE_TENSOR_BYTES = 1024 * 1024;
/** How many names are tried for a data file when those before are taken. */
export const MAX_NAME_TRIES = 1000;
/** Most files that one model's weights may be split into. */
export const MAX_TENSOR_FILES = 100_000;
/** Memory that a process may take which reads models, in bytes, and its heap, in MiB. */
export const READER_MEMORY_BYTES = 820_000_000;
export const READER_HEAP_MIB = 700;
/** How long it may take to start, and then to answer, in ms; and how many bytes that it has to read earn it a ms more. */
export const READER_START_MS = 60_000;
export const READER_TIMEOUT_MS = 12_000;
export const READER_BYTES_PER_MS = 50_000;
/** How many times as long it may take while a busy machine gives it less processor time than that. */
export const READER_BUSY_FACTOR = 2;
/** How often its memory is looked at, in ms. */
export const READER_POLL_MS = 50;
/** Largest answer of it, in bytes. */
export const READER_ANSWER_BYTES = 16 * 1024 * 1024;
/** Weights of at most this many bytes are looked through for what is no number when a model is inspected. */
export const MAX_QUICK_SCAN_BYTES = 16 * 1024 * 1024;
