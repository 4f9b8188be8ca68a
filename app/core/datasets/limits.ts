/** Every bound of this domain, with its unit. */

/** Largest .npz or .npy file read, in bytes. */
export const MAX_NPZ_FILE_BYTES = 1024 * 1024 * 1024;
/** Most arrays in one .npz. */
export const MAX_NPZ_ENTRIES = 1024;
/** Most bytes that all arrays of one .npz may take once inflated. */
export const MAX_NPZ_TOTAL_BYTES = 1024 * 1024 * 1024;
/** Longest name of an array, in bytes. */
export const MAX_ARRAY_NAME_BYTES = 1024;
/** Longest text header of one array, in bytes. */
export const MAX_NPY_HEADER_BYTES = 64 * 1024;
/** Most dimensions of a tensor (numpy allows 64, ONNX Runtime is far below in practice). */
export const MAX_RANK = 32;
/** Longest recipe, in bytes. */
export const MAX_RECIPE_BYTES = 64 * 1024;
/** Most steps of a recipe. */
export const MAX_RECIPE_STEPS = 32;
/** Longest text given as input, in bytes of UTF-8: some 60,000 tokens, and about a second of work that nothing interrupts. */
export const MAX_TEXT_BYTES = 256 * 1024;
/** Most texts of one input, each a row of the batch. */
export const MAX_TEXTS = 64;
/** Most tokens one answer may generate. */
export const MAX_NEW_TOKENS = 4096;
/** Most tokens and texts that may end an answer. */
export const MAX_STOPS = 16;
/** Longest text that may end an answer, in UTF-16 units. */
export const MAX_STOP_CHARS = 200;
/** Most numbers of the vectors an answer hands over; with more only their similarity is told. */
export const MAX_EMBEDDING_VALUES = 64 * 1024;
/** Longest answer to a question, in tokens, that is looked for. */
export const MAX_EXTRACT_TOKENS = 512;
/** Most hypotheses that a CTC beam search follows. */
export const MAX_BEAM = 64;
/** Most steps in time of one CTC output. */
export const MAX_CTC_FRAMES = 64 * 1024;
/** Most pairs of symbols compared to count the edits between two sequences. */
export const MAX_EDIT_PAIRS = 100_000_000;
/** Symbols a beam search looks at in each step, the likeliest first. */
export const CTC_SYMBOLS_PER_STEP = 32;
/** Longest sequence of tokens a recipe may ask for. */
export const MAX_SEQUENCE = 128 * 1024;
/** Most elements of the tensors made of one text input, all rows together. */
export const MAX_TEXT_ELEMENTS = 4 * 1024 * 1024;
/** Most tokens a recipe puts at either side of a text. */
export const MAX_SPECIAL_AROUND = 16;
/** Largest tokenizer.json, in bytes: the largest in use have about 35 MB. */
export const MAX_TOKENIZER_BYTES = 64 * 1024 * 1024;
/** Most tokens of a vocabulary. */
export const MAX_VOCABULARY = 1024 * 1024;
/** Most merges of a BPE tokenizer. */
export const MAX_MERGES = 1024 * 1024;
/** Most tokens added to a vocabulary. */
export const MAX_ADDED_TOKENS = 128 * 1024;
/** Longest token, in UTF-16 units: what is looked up at every place of a text must not be as long as the text. */
export const MAX_TOKEN_CHARS = 4096;
/** Most parts of one stage of a tokenizer (normalizers, pre-tokenizers, decoders, processors), nested ones counted at each level. */
export const MAX_TOKENIZER_PARTS = 64;
/** How deep such parts may be nested. */
export const MAX_TOKENIZER_DEPTH = 8;
/** Longest pattern of a tokenizer, in characters. */
export const MAX_PATTERN_CHARS = 16 * 1024;
/** How deep the groups and brackets of a pattern may be nested. */
export const MAX_PATTERN_DEPTH = 64;
/** Largest number in the braces of a pattern. */
export const MAX_PATTERN_REPEAT = 1000;
/** Most steps a pattern may become. */
export const MAX_PATTERN_STEPS = 100_000;
/** Steps of matching and looking up that one text may cost: about a second. The longest text in a usual tokenizer needs a sixth. */
export const MAX_TOKENIZER_STEPS = 25_000_000;
/** Most pixels of an image given as input: refused before it is decoded. */
export const MAX_IMAGE_PIXELS = 64 * 1024 * 1024;
/** Largest image file, in bytes. */
export const MAX_IMAGE_BYTES = 64 * 1024 * 1024;
/** Longest a decoder may work on one image, in seconds. */
export const IMAGE_DECODE_SECONDS = 20;
/** Most numbers (width x height x channels) the tensor of an image may hold. */
export const MAX_IMAGE_VALUES = 32 * 1024 * 1024;
/** Most pixels of an image shown to people beside the answer; a larger one is left out. */
export const MAX_PREVIEW_PIXELS = 4 * 1024 * 1024;
/** Largest side a recipe may resize to, in pixels. */
export const MAX_RESIZE_SIDE = 8192;
/** Most labels an answer lists. */
export const MAX_ANSWER_LABELS = 100;
/** Most values an answer lists. */
export const MAX_ANSWER_VALUES = 256;
/** Most boxes an answer lists, and most a detector may propose. */
export const MAX_ANSWER_BOXES = 300;
export const MAX_DETECTOR_BOXES = 200_000;
/** Most parts of an answer from several outputs. */
export const MAX_ANSWER_PARTS = 16;
/** Most rows of a table answered one by one; the outputs of all are in the file that --output names. */
export const MAX_ANSWER_ROWS = 1000;
/** Longest text shown of a string output, in characters. */
export const TEXT_PREVIEW_CHARS = 200;
/** Most spans an answer lists. */
export const MAX_ANSWER_SPANS = 1000;
/** First elements of an output shown when no recipe says how to read it. */
export const TENSOR_PREVIEW_ELEMENTS = 16;
/** Most classes of a confusion matrix that is told. */
export const MAX_CONFUSION_CLASSES = 50;
/** Resamples of a bootstrap interval. */
export const BOOTSTRAP_RESAMPLES = 10_000;
/** Seed of the bootstrap: part of the definition of the figure, so that anyone gets the same interval. */
export const BOOTSTRAP_SEED = 20_240_229;
/** Draws between two yields to the event loop while bootstrapping. */
export const BOOTSTRAP_DRAWS_PER_SLICE = 2_000_000;
/** Largest audio file, in bytes. */
export const MAX_AUDIO_BYTES = 64 * 1024 * 1024;
/** Most samples of one channel, before and after a change of the rate (about 17 minutes at 16 kHz). */
export const MAX_AUDIO_FRAMES = 16 * 1024 * 1024;
/** Most channels of an audio file. */
export const MAX_AUDIO_CHANNELS = 32;
/** Lowest and highest sample rate, in Hz. */
export const MIN_SAMPLE_RATE = 1000;
export const MAX_SAMPLE_RATE = 768_000;
/** Most parts of a WAV file. */
export const MAX_WAV_CHUNKS = 1024;
/** Longest window of a spectrum, in samples. */
export const MAX_FFT_SIZE = 16_384;
/** Most bands of a mel spectrum. */
export const MAX_MELS = 1024;
/** Most values a spectrum may hold (bands x frames), and most samples its windows may cover in all. */
export const MAX_SPECTRUM_VALUES = 32 * 1024 * 1024;
export const MAX_SPECTRUM_WINDOW_SAMPLES = 64 * 1024 * 1024;
/** Samples under windows between two yields to the event loop. */
export const SPECTRUM_SAMPLES_PER_SLICE = 64 * 1024;
/** Largest table, in bytes. */
export const MAX_TABLE_BYTES = 16 * 1024 * 1024;
/** Most rows, columns, and cells a recipe reads of a table. */
export const MAX_TABLE_ROWS = 100_000;
export const MAX_TABLE_COLUMNS = 10_000;
export const MAX_TABLE_CELLS = 4 * 1024 * 1024;
/** Longest text of one cell, in characters. */
export const MAX_CELL_CHARS = 32 * 1024;
/** Longest row of a table, in characters. */
export const MAX_RECORD_CHARS = 1024 * 1024;
/** Most categories of a column. */
export const MAX_CATEGORIES = 10_000;
/** Most numbers a table becomes, its categories spread out. */
export const MAX_TABLE_VALUES = 32 * 1024 * 1024;
/** Longest time spent on what explains a difference between exporter and recipe, in milliseconds. */
export const EXPLAIN_MS = 20_000;
