/** Every bound of this room, with its unit. */

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** Largest blob the store takes when nobody said how large it must be, in bytes. */
export const MAX_BLOB_BYTES = 64 * GIB;
/** Largest manifest, config or index of one bundle, in bytes: what OCI registries commonly accept. */
export const MAX_MANIFEST_BYTES = 4 * MIB;
/** Largest index.json of a store, in bytes: about 100,000 entries. */
export const MAX_INDEX_BYTES = 64 * MIB;
/** Size of the pieces in which files are copied and hashed, in bytes. */
export const COPY_CHUNK_BYTES = 1 * MIB;
/** After how many bytes the disk is asked to take what was written, in bytes. */
export const EARLY_SYNC_BYTES = 64 * MIB;
/** How long one change of the store waits for another process's, in ms. */
export const STORE_WAIT_MS = 30_000;

/** Largest edgewright.yaml, in bytes. */
export const MAX_SOURCE_BYTES = 256 * KIB;
/** Largest raw input of a golden set, in bytes, and most of them: they travel to every device. */
export const MAX_GOLDEN_RAW_BYTES = 4 * MIB;
export const MAX_GOLDEN_RAW = 64;
/** Largest text of a bundle: recipe, labels, in bytes. */
export const MAX_TEXT_BYTES = 8 * MIB;
/** Largest tokenizer, in bytes; reading it has a bound of its own, below this. */
export const MAX_TOKENIZER_BYTES = 64 * MIB;
/** Largest ONNX file, in bytes: what a protobuf message can hold. Larger models keep their weights in external data. */
export const MAX_MODEL_BYTES = 2 * GIB;
/** Largest file with external weights, in bytes. */
export const MAX_WEIGHTS_BYTES = 64 * GIB;
/** Largest golden, calibration or test set, in bytes. */
export const MAX_DATASET_BYTES = 8 * GIB;
/** Largest example input, in bytes. */
export const MAX_EXAMPLE_BYTES = 64 * MIB;
/** Most example inputs. */
export const MAX_EXAMPLES = 256;
/** Most files of one bundle. */
export const MAX_FILES = 1024;
/** Most variants of one bundle. */
export const MAX_VARIANTS = 64;
/** Longest path inside a bundle, in bytes of UTF-8. */
export const MAX_PATH_BYTES = 512;
/** Longest part of such a path, in bytes of UTF-8: what common file systems hold. */
export const MAX_PATH_PART_BYTES = 255;
/** Most words of one search that count. */
export const MAX_SEARCH_WORDS = 8;
/** Most labels shown with a bundle. */
export const MAX_LABELS_SHOWN = 10_000;

/** Most bytes of one bundle that comes from elsewhere, all variants together. */
export const MAX_BUNDLE_BYTES = 256 * GIB;
/** Most bytes of documents (manifests, configs, signatures) of one bundle that comes from elsewhere. */
export const MAX_DOCUMENTS_BYTES = 64 * MIB;
/** Largest bill of materials, in bytes: a statement about it holds all of it once more. */
export const MAX_BOM_BYTES = 2 * MIB;
/** Most inputs, outputs and operator sets that it lists of a model. */
export const MAX_BOM_LISTED = 256;
/** How much it shows of a name out of a model's file, in characters. */
export const MAX_BOM_NAME = 200;
/** How many operators it names to describe an architecture. */
export const BOM_OPERATORS_SHOWN = 8;
/** How often a bundle that changes while it is verified is read again. */
export const MAX_READ_AGAIN = 3;
/** Most documents that may refer to one variant: signatures, bills of materials, attestations. */
export const MAX_REFERRERS = 64;
/** How many of them may be by nobody who is trusted here: kept, since somebody may be trusted later. */
export const MAX_STRANGERS = 24;
/** How many may be by others who are trusted: the rest is room for what this workspace adds itself. */
export const MAX_TRUSTED = 36;
/** Largest manifest of one of them, in bytes, and most parts it may have. */
export const MAX_REFERRER_MANIFEST_BYTES = 64 * KIB;
export const MAX_REFERRER_PARTS = 8;
/** Most manifests that the index of one bundle may list: variants, and what refers to them. */
export const MAX_LISTED = 1024;
/** How long a source may give no byte before it counts as stalled, in ms. */
export const STALL_MS = 60_000;
/** Free space that must be left on the disk after a bundle came in, in bytes. */
export const DISK_MARGIN_BYTES = 64 * MIB;
/** After how many bytes, or how long, it is noted how far a blob has come: what a power cut can cost. In bytes and ms. */
export const MARK_BYTES = 64 * MIB;
export const MARK_MS = 5_000;
/** Most such notes that one run makes before it begins their list anew, and the largest list that is read, in bytes. */
export const MAX_MARKS = 1000;
export const MAX_MARKS_BYTES = 1 * MIB;
/** How long a part of a blob waits to be gone on with, in ms. */
export const PARTIAL_KEPT_MS = 7 * 24 * 3_600_000;

/** Most entries of an archive that is read. */
export const MAX_ARCHIVE_ENTRIES = 100_000;
/** Largest pax or long-name header in it, in bytes. */
export const MAX_PAX_BYTES = 64 * KIB;
/** Most a gzip file may unfold: this many times its size, and this many bytes besides. Weights do not compress that well. */
export const MAX_GZIP_RATIO = 200;
export const GZIP_ALLOWANCE_BYTES = 64 * MIB;
/** Most manifests of a layout that are looked at for what refers to a bundle. */
export const MAX_LAYOUT_MANIFESTS = 10_000;
/** Largest list of what a layout holds, in bytes, when it is imported: about 20,000 entries. */
export const MAX_LAYOUT_INDEX_BYTES = 16 * MIB;
