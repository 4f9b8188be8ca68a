/** Whether external data is where it is said to be: in the model's folder, in regular files, long enough, and each byte meant once. */
import { stat } from 'node:fs/promises';
import { refuse, shown } from './errors.ts';
import { externalPlace, insideFolder } from './external.ts';
import type { Findings } from './findings.ts';
import { MAX_EXTERNAL_REUSE } from './limits.ts';
import type { TensorProto } from './messages.ts';
import type { FileRange } from './wire-reader.ts';

interface DataFile {
  path: string;
  size: number;
  location: string;
  /** Each range once: tensors may share their elements. */
  ranges: Map<string, { offset: number; length: number; who: string }>;
}

export class ExternalData {
  readonly #dir: string;
  /** By location as the model writes it: asked of the file system once each. */
  readonly #files = new Map<string, DataFile>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The files, each once. */
  get paths(): string[] {
    return [...new Set([...this.#files.values()].map((file) => file.path))];
  }

  /**
   * @param needed bytes that type and dimensions ask for
   * @returns where the elements lie, and whether another tensor has the very same ones
   * @throws model.external-*
   */
  async claim(tensor: TensorProto, needed: number, who: string): Promise<{ range: FileRange; shared: boolean }> {
    const place = externalPlace(tensor);
    checkKeys(tensor, who);
    const file = await this.#file(place.location, who);
    const length = place.length ?? needed;
    if (length !== needed) {
      throw refuse('model.external-length', `The external data of tensor ${who} has the wrong length.`, {
        expected: `${needed} bytes for its type and dimensions`,
        found: `${length} bytes declared`,
      });
    }
    if (!(place.offset + length <= file.size)) {
      throw refuse('model.external-short', `The external data file ${shown(place.location)} is too short for tensor ${who}.`, {
        expected: `at least ${place.offset + length} bytes`,
        found: `${file.size} bytes`,
        hint: 'The weights were probably not copied completely. Fetch the file again.',
      });
    }
    const key = `${place.offset} ${length}`;
    const shared = file.ranges.has(key);
    if (!shared) file.ranges.set(key, { offset: place.offset, length, who });
    return { range: { path: file.path, offset: place.offset, length }, shared };
  }

  async #file(location: string, who: string): Promise<DataFile> {
    const known = this.#files.get(location);
    if (known) return known;
    const path = await insideFolder(this.#dir, location, who);
    const info = await stat(path);
    if (!info.isFile()) throw refuse('model.external-not-a-file', `The external data of tensor ${who}, ${shown(location)}, is not a regular file.`);
    const file = { path, size: info.size, location, ranges: new Map() };
    this.#files.set(location, file);
    return file;
  }

  /**
   * Once every tensor has been claimed: whether different tensors lie across each other.
   * @throws model.external-overlap when the same bytes are meant over and over
   */
  judgeOverlaps(findings: Findings): void {
    const byPath = Map.groupBy(this.#files.values(), (file) => file.path);
    for (const files of byPath.values()) {
      const ranges = files.flatMap((file) => [...file.ranges.values()]).filter((range) => range.length > 0);
      const [first] = files;
      if (!first) continue;
      const claimed = ranges.reduce((sum, range) => sum + range.length, 0);
      if (claimed > MAX_EXTERNAL_REUSE * first.size) {
        throw refuse(
          'model.external-overlap',
          `Tensors lie across each other in the external data file ${shown(first.location)}: it would have to be many times as large.`,
          {
            expected: `at most ${first.size} bytes in all`,
            found: `${claimed} bytes`,
          },
        );
      }
      ranges.sort((a, b) => a.offset - b.offset || a.length - b.length);
      let last = ranges[0];
      for (const range of ranges.slice(1)) {
        if (last && range.offset < last.offset + last.length && !(range.offset === last.offset && range.length === last.length)) {
          findings.warn('external.overlap', `Tensors ${last.who} and ${range.who} share a part of their elements in ${shown(first.location)}.`, range.who);
        }
        if (!last || range.offset + range.length > last.offset + last.length) last = range;
      }
    }
  }
}

/** What ONNX (External Data) has a tensor say, and what ONNX Runtime keeps there of weights it has rearranged. */
const KEYS = /^(location|offset|length|checksum|prepacked.*)$/;

/** ONNX Runtime refuses every other key, and one that says nothing, without a word about which. */
function checkKeys(tensor: TensorProto, who: string): void {
  for (const { key = '', value = '' } of tensor.externalData) {
    if (KEYS.test(key) && value !== '') continue;
    throw refuse('model.external-unclear', `Tensor ${who} says ${value === '' ? `nothing under ${shown(key)}` : shown(key)} of its external data.`, {
      expected: 'location, offset, length or checksum, and each with a value',
      hint: 'Export the model again; ONNX Runtime takes no other word about external data.',
    });
  }
}
