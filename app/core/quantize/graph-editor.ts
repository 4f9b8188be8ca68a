/** Changing a graph while knowing who reads and who writes each value. */
import { EdgewrightError } from '#contract';
import { type Graph, type Node, type OnnxModel, subgraphs, type TensorProto } from '#core/onnx';

export class GraphEditor {
  readonly graph: Graph;
  readonly #initializers = new Map<string, TensorProto>();
  /** One entry for each time a node reads the value. */
  readonly #readers = new Map<string, Node[]>();
  readonly #writers = new Map<string, Node>();
  readonly #outputs: ReadonlySet<string>;
  readonly #inputs: ReadonlySet<string>;
  /** Values that subgraphs read from this graph: these keep their names. */
  readonly captured: ReadonlySet<string>;

  constructor(model: OnnxModel) {
    this.graph = model.graph;
    for (const tensor of this.graph.initializer) this.#initializers.set(tensor.name ?? '', tensor);
    for (const node of this.graph.node) this.#index(node);
    this.#outputs = new Set(this.graph.output.map((info) => info.name ?? ''));
    this.#inputs = new Set(this.graph.input.map((info) => info.name ?? ''));
    this.captured = new Set(this.graph.node.flatMap((node) => subgraphs(node).flatMap(capturedNames)));
  }

  #index(node: Node): void {
    for (const name of node.input) this.#addReader(name, node);
    for (const name of node.output) if (name !== '') this.#writers.set(name, node);
  }

  #addReader(name: string, node: Node): void {
    if (name === '') return;
    const readers = this.#readers.get(name);
    if (readers) readers.push(node);
    else this.#readers.set(name, [node]);
  }

  initializer(name: string): TensorProto | undefined {
    return this.#initializers.get(name);
  }

  writer(name: string): Node | undefined {
    return this.#writers.get(name);
  }

  /** How many times nodes read the value. */
  readerCount(name: string): number {
    return this.#readers.get(name)?.length ?? 0;
  }

  isInput(name: string): boolean {
    return this.#inputs.has(name);
  }

  isOutput(name: string): boolean {
    return this.#outputs.has(name);
  }

  addNode(node: Node): void {
    this.graph.node.push(node);
    this.#index(node);
  }

  /** Does nothing when an initializer of that name is there already. */
  addInitializer(tensor: TensorProto): void {
    const name = tensor.name ?? '';
    if (this.#initializers.has(name)) return;
    this.#initializers.set(name, tensor);
    this.graph.initializer.push(tensor);
  }

  /** Takes the initializer, and a graph input of the same name, out of the graph. */
  removeInitializer(name: string): void {
    if (!this.#initializers.delete(name)) return;
    this.graph.initializer = this.graph.initializer.filter((tensor) => tensor.name !== name);
    this.graph.input = this.graph.input.filter((info) => info.name !== name);
  }

  /** Lets every node (or only `only`) read `to` where it read `from`. */
  replaceReads(from: string, to: string, only?: Node): void {
    const readers = this.#readers.get(from) ?? [];
    const moved = only === undefined ? readers : readers.filter((node) => node === only);
    for (const node of new Set(moved)) node.input = node.input.map((name) => (name === from ? to : name));
    if (moved.length === readers.length) this.#readers.delete(from);
    else
      this.#readers.set(
        from,
        readers.filter((node) => node !== only),
      );
    for (const node of moved) this.#addReader(to, node);
  }

  /** Lets the node that wrote `from` write `to`. */
  replaceWrite(from: string, to: string): void {
    const node = this.#writers.get(from);
    if (!node) return;
    node.output = node.output.map((name) => (name === from ? to : name));
    this.#writers.delete(from);
    this.#writers.set(to, node);
  }

  removeNodes(nodes: ReadonlySet<Node>): void {
    if (nodes.size === 0) return;
    this.graph.node = this.graph.node.filter((node) => !nodes.has(node));
    for (const node of nodes) {
      for (const name of new Set(node.input))
        this.#readers.set(
          name,
          (this.#readers.get(name) ?? []).filter((reader) => reader !== node),
        );
      for (const name of node.output) if (this.#writers.get(name) === node) this.#writers.delete(name);
    }
  }

  /** Drops the initializers that nothing reads, and graph inputs of the same name. */
  dropUnusedInitializers(): void {
    const used = new Set<string>([...this.#outputs, ...this.captured]);
    for (const node of this.graph.node) for (const name of node.input) used.add(name);
    const made = new Set(this.graph.node.flatMap((node) => node.output));
    const unused = new Set<string>();
    for (const tensor of this.graph.initializer) {
      const name = tensor.name ?? '';
      if (!used.has(name) || made.has(name)) unused.add(name);
    }
    if (unused.size === 0) return;
    this.graph.initializer = this.graph.initializer.filter((tensor) => !unused.has(tensor.name ?? ''));
    this.graph.input = this.graph.input.filter((info) => !unused.has(info.name ?? ''));
    for (const name of unused) this.#initializers.delete(name);
  }

  /**
   * Puts the nodes in an order they can run in. Of several such orders this is the reference quantizer's: what needs
   * nothing, then what constants and inputs complete (by name), then as values become known.
   */
  sort(): void {
    const nodes = this.graph.node;
    const reads = nodes.map((node) => [...node.input.filter((name) => name !== ''), ...subgraphs(node).flatMap(capturedNames)]);
    const waiting = reads.map((names) => names.length);
    const waiters = new Map<string, number[]>();
    reads.forEach((names, index) => {
      for (const name of names) {
        const list = waiters.get(name);
        if (list) list.push(index);
        else waiters.set(name, [index]);
      }
    });
    const order = nodes.flatMap((_, index) => (waiting[index] === 0 ? [index] : []));
    const provide = (name: string) => {
      for (const index of waiters.get(name) ?? []) {
        waiting[index] = (waiting[index] ?? 0) - 1;
        if (waiting[index] === 0) order.push(index);
      }
    };
    const sparse = this.graph.sparseInitializer.map((tensor) => tensor.values?.name ?? '');
    const given = new Set([...this.#initializers.keys(), ...this.graph.input.map((info) => info.name ?? ''), ...sparse]);
    [...given].sort((a, b) => (a < b ? -1 : 1)).forEach(provide);
    for (let at = 0; at < order.length; at++) for (const name of nodes[order[at] ?? 0]?.output ?? []) if (name !== '') provide(name);
    if (order.length !== nodes.length) {
      throw new EdgewrightError({ code: 'bug.graph-order', message: 'The quantized graph has no order it could run in.', owner: 'bug' });
    }
    this.graph.node = order.flatMap((index) => nodes[index] ?? []);
  }
}

/** Names that a subgraph reads from around it, its own subgraphs included. */
function capturedNames(graph: Graph): string[] {
  const own = new Set([
    ...graph.input.map((info) => info.name ?? ''),
    ...graph.initializer.map((tensor) => tensor.name ?? ''),
    ...graph.node.flatMap((node) => node.output),
  ]);
  const read = [...graph.node.flatMap((node) => [...node.input, ...subgraphs(node).flatMap(capturedNames)]), ...graph.output.map((info) => info.name ?? '')];
  return [...new Set(read.filter((name) => name !== '' && !own.has(name)))];
}

/** What a node reads, subgraphs included. */
export function readsOf(node: Node): string[] {
  return [...node.input.filter((name) => name !== ''), ...subgraphs(node).flatMap(capturedNames)];
}
