/**
 * A disk that loses power. It takes a record of changes (record-fs.mjs) and says what may be on it when the power goes after
 * some of them. What POSIX promises is kept: bytes of a file that a sync of that file covers, and names in a folder that a sync
 * of that folder covers. Of everything else any part may be there or not, in any order; only a rename is never half done.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export type Recorded =
  | { do: 'open'; id: number; path: string; creates: boolean; empties: boolean }
  | { do: 'write'; id: number; at: number | null; data: string }
  | { do: 'truncate'; id: number; size: number }
  | { do: 'sync'; id: number; covers: number }
  | { do: 'rename' | 'link'; from: string; to: string }
  | { do: 'mkdir' | 'remove'; path: string };

/** A file or folder, whatever it is called. Names are not part of it. */
interface Node {
  /** Absent for a folder. */
  bytes?: Buffer;
  names: Map<string, Node>;
}

/** A change of one node: `index` is its place in the record. */
type Change = { index: number; node: Node } & (
  | { kind: 'bytes'; at: number; data: Buffer }
  | { kind: 'size'; size: number }
  | { kind: 'add'; name: string; target: Node }
  /** @param with the `add` of the same rename, without which it never happens */
  | { kind: 'drop'; name: string; with?: Change }
);

/** What is kept of a change that no sync covers; of bytes also their length alone, as zeros. */
export type Choice = 'kept' | 'lost' | 'zeros';
export type Chooser = (change: { kind: Change['kind'] }) => Choice;

/** Nothing but what was synced. */
export const nothingMore: Chooser = () => 'lost';
/** Every name, and no byte that was not synced: what a rename without a sync before it comes to. */
export const namesOnly: Chooser = ({ kind }) => (kind === 'bytes' || kind === 'size' ? 'lost' : 'kept');
/** The same, the files being as long as they should be. */
export const namesAndZeros: Chooser = ({ kind }) => (kind === 'bytes' ? 'zeros' : 'kept');
/** Every byte, and no name. */
export const bytesOnly: Chooser = ({ kind }) => (kind === 'bytes' || kind === 'size' ? 'kept' : 'lost');

export class Disk {
  readonly #root: Node;
  readonly #changes: Change[] = [];
  /** For each change, after how many entries of the record it is sure to be on the disk. */
  readonly #sureAfter = new Map<Change, number>();

  private constructor(root: Node) {
    this.#root = root;
  }

  /** @param folder the disk as it was before, all of it synced @param skip names at the top that it does not have */
  static async of(folder: string, record: readonly Recorded[], skip: (name: string) => boolean): Promise<Disk> {
    const disk = new Disk(await readTree(folder, skip));
    disk.#play(record);
    return disk;
  }

  /** Finds out what each entry changes, by the names as they are at that moment, and what each sync makes sure of. */
  #play(record: readonly Recorded[]): void {
    const now = copyOf(this.#root);
    /** The nodes as they were before, by those as they are now. */
    const was = new Map<Node, Node>();
    pair(now, this.#root, was);
    const open = new Map<number, Node>();
    const before = (node: Node): Node => {
      const known = was.get(node) ?? { names: new Map<string, Node>(), ...(node.bytes && { bytes: Buffer.alloc(0) }) };
      was.set(node, known);
      return known;
    };
    const find = (path: string): Node | undefined =>
      path
        .split('/')
        .filter(Boolean)
        .reduce<Node | undefined>((node, part) => node?.names.get(part), now);
    const must = (path: string): Node => {
      const node = find(path);
      if (!node) throw new Error(`the record speaks of ${path}, which is not there`);
      return node;
    };
    const folderOf = (path: string) => must(dirname(path) === '.' ? '' : dirname(path));
    const push = (change: Change) => {
      this.#changes.push(change);
      return change;
    };
    for (const [index, entry] of record.entries()) {
      const add = (path: string, target: Node) => {
        const folder = folderOf(path);
        folder.names.set(basename(path), target);
        return push({ index, node: before(folder), kind: 'add', name: basename(path), target: before(target) });
      };
      const drop = (path: string, together?: Change) => {
        const folder = folderOf(path);
        folder.names.delete(basename(path));
        push({ index, node: before(folder), kind: 'drop', name: basename(path), ...(together && { with: together }) });
      };
      const resize = (node: Node, size: number) => {
        node.bytes = resized(node.bytes ?? Buffer.alloc(0), size);
        push({ index, node: before(node), kind: 'size', size });
      };
      switch (entry.do) {
        case 'open': {
          let node = find(entry.path);
          if (!node && entry.creates) {
            node = { bytes: Buffer.alloc(0), names: new Map() };
            add(entry.path, node);
          } else if (node && entry.empties) resize(node, 0);
          if (node) open.set(entry.id, node);
          break;
        }
        case 'write': {
          const node = open.get(entry.id);
          if (!node) throw new Error('the record writes to a file that it did not open');
          const at = entry.at ?? node.bytes?.length ?? 0;
          const data = Buffer.from(entry.data, 'base64');
          node.bytes = written(node.bytes ?? Buffer.alloc(0), at, data);
          push({ index, node: before(node), kind: 'bytes', at, data });
          break;
        }
        case 'truncate': {
          const node = open.get(entry.id);
          if (node) resize(node, entry.size);
          break;
        }
        case 'sync': {
          const node = open.get(entry.id);
          if (node) this.#makeSure(before(node), entry.covers, index + 1);
          break;
        }
        case 'mkdir':
          if (!find(entry.path)) add(entry.path, { names: new Map() });
          break;
        case 'link':
          add(entry.to, must(entry.from));
          break;
        case 'rename': {
          const target = must(entry.from);
          drop(entry.from, add(entry.to, target));
          break;
        }
        case 'remove':
          if (find(entry.path)) drop(entry.path);
      }
    }
  }

  #makeSure(node: Node, covers: number, after: number): void {
    for (const change of this.#changes) {
      if (change.index >= covers) break;
      if (change.node !== node) continue;
      // That a name is gone is sure only together with the name it got instead.
      for (const one of change.kind === 'drop' && change.with ? [change, change.with] : [change])
        if (!this.#sureAfter.has(one)) this.#sureAfter.set(one, after);
    }
  }

  /** What is on the disk when the power goes after so many entries of the record. */
  after(entries: number, choose: Chooser): Map<string, Buffer | undefined> {
    const nodes = new Map<Node, Node>();
    const twin = (node: Node): Node => {
      const known = nodes.get(node);
      if (known) return known;
      const made: Node = { names: new Map(), ...(node.bytes && { bytes: Buffer.from(node.bytes) }) };
      nodes.set(node, made);
      for (const [name, child] of node.names) made.names.set(name, twin(child));
      return made;
    };
    const root = twin(this.#root);
    const lost = new Set<Change>();
    for (const change of this.#changes) {
      if (change.index >= entries) break;
      const sure = (this.#sureAfter.get(change) ?? Number.POSITIVE_INFINITY) <= entries;
      const choice = sure ? 'kept' : choose(change);
      if (choice === 'lost' || (change.kind === 'drop' && change.with && lost.has(change.with))) {
        lost.add(change);
        continue;
      }
      const node = twin(change.node);
      if (change.kind === 'bytes')
        node.bytes = written(node.bytes ?? Buffer.alloc(0), change.at, choice === 'zeros' ? Buffer.alloc(change.data.length) : change.data);
      if (change.kind === 'size') node.bytes = resized(node.bytes ?? Buffer.alloc(0), change.size);
      if (change.kind === 'add') node.names.set(change.name, twin(change.target));
      if (change.kind === 'drop') node.names.delete(change.name);
    }
    return list(root);
  }
}

/** Files with their bytes and folders without, by path, folders before what is in them. */
function list(root: Node): Map<string, Buffer | undefined> {
  const found = new Map<string, Buffer | undefined>();
  const walk = (node: Node, path: string) => {
    for (const [name, child] of node.names) {
      found.set(join(path, name), child.bytes);
      walk(child, join(path, name));
    }
  };
  walk(root, '');
  return found;
}

/** Makes a folder of what was on the disk. */
export async function layOut(state: ReadonlyMap<string, Buffer | undefined>, folder: string): Promise<void> {
  for (const [path, bytes] of state) {
    if (bytes) await writeFile(join(folder, path), bytes);
    else await mkdir(join(folder, path));
  }
}

async function readTree(folder: string, skip: (name: string) => boolean): Promise<Node> {
  const names = new Map<string, Node>();
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (skip(entry.name)) continue;
    const path = join(folder, entry.name);
    names.set(entry.name, entry.isDirectory() ? await readTree(path, skip) : { bytes: await readFile(path), names: new Map() });
  }
  return { names };
}

function copyOf({ bytes, names }: Node): Node {
  return { ...(bytes && { bytes: Buffer.from(bytes) }), names: new Map([...names].map(([name, child]) => [name, copyOf(child)])) };
}

function pair(copy: Node, original: Node, into: Map<Node, Node>): void {
  into.set(copy, original);
  for (const [name, child] of copy.names) {
    const other = original.names.get(name);
    if (other) pair(child, other, into);
  }
}

function written(bytes: Buffer, at: number, data: Buffer): Buffer {
  const result = Buffer.alloc(Math.max(bytes.length, at + data.length));
  bytes.copy(result);
  data.copy(result, at);
  return result;
}

function resized(bytes: Buffer, size: number): Buffer {
  const result = Buffer.alloc(size);
  bytes.copy(result, 0, 0, Math.min(size, bytes.length));
  return result;
}
