/** What a file that is not ONNX seems to be, by its first bytes, so that the message can say it. */
import { type Refusal, refuse } from './errors.ts';

/** Bytes from the start that are looked at. */
export const SNIFF_BYTES = 64;

interface Kind {
  what: string;
  hint: string;
  matches(head: Buffer): boolean;
}

const text = (head: Buffer) =>
  head
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trimStart()
    .toLowerCase();
const starts =
  (...bytes: number[]) =>
  (head: Buffer) =>
    bytes.every((byte, i) => head[i] === byte);

const KINDS: Kind[] = [
  {
    what: 'a Git LFS pointer, not the model itself',
    hint: 'Run "git lfs pull" in the repository it came from, or download the file itself.',
    matches: (head) => text(head).startsWith('version https://git-lfs'),
  },
  {
    what: 'an HTML page',
    hint: 'The download probably answered with an error or log-in page. Open the link in a browser and save the file itself.',
    matches: (head) => /^<(!doctype|html|head|body|\?xml|!--)/.test(text(head)),
  },
  { what: 'a JSON document', hint: 'Choose the .onnx file itself, not its configuration.', matches: (head) => /^[{[]\s*("|\{|\[|\}|\]|-?\d)/.test(text(head)) },
  {
    what: 'a ZIP archive (a PyTorch .pt or Keras .keras file is one)',
    hint: "Unpack it, or export the model to ONNX with its framework's exporter.",
    matches: starts(0x50, 0x4b, 0x03, 0x04),
  },
  { what: 'a gzip archive', hint: 'Unpack it first.', matches: starts(0x1f, 0x8b) },
  { what: 'an HDF5 file (Keras .h5)', hint: 'Convert it to ONNX with tf2onnx.', matches: starts(0x89, 0x48, 0x44, 0x46) },
  { what: 'a GGUF model', hint: 'Edgewright runs ONNX models.', matches: (head) => head.toString('latin1', 0, 4) === 'GGUF' },
  { what: 'a TensorFlow Lite model', hint: 'Convert it to ONNX with tf2onnx --tflite.', matches: (head) => head.toString('latin1', 4, 8) === 'TFL3' },
  { what: 'an ONNX Runtime .ort model', hint: 'Use the .onnx file it was made from.', matches: (head) => head.toString('latin1', 4, 8) === 'ORTM' },
  {
    what: 'a safetensors file',
    hint: 'It holds weights only. Export the model to ONNX.',
    matches: (head) => /^\{\s*"/.test(head.toString('latin1', 8)) && head.readUIntLE(2, 6) < 2 ** 24,
  },
  {
    what: 'a Python pickle',
    hint: 'Export the model to ONNX with its framework; a pickle can run code when it is opened.',
    matches: (head) => head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 9) <= 5,
  },
  { what: 'a program', hint: 'Choose an .onnx file.', matches: (head) => starts(0x7f, 0x45, 0x4c, 0x46)(head) || starts(0x4d, 0x5a, 0x90)(head) },
  { what: 'a NumPy array', hint: 'Choose an .onnx file.', matches: starts(0x93, 0x4e, 0x55, 0x4d) },
];

/** @throws model.not-onnx when the first bytes show that the file is something else */
export function refuseOtherFormats(head: Buffer): void {
  const padded = Buffer.concat([head, Buffer.alloc(Math.max(0, SNIFF_BYTES - head.length), 1)]);
  const kind = KINDS.find((candidate) => candidate.matches(padded));
  if (!kind) return;
  const more: Refusal = { expected: 'an ONNX model', found: kind.what, hint: kind.hint };
  throw refuse('model.not-onnx', `This is not an ONNX model: it is ${kind.what}.`, more);
}
