/** The graph of a model, of any size, in bounded pieces: a page of nodes, one node, a neighbourhood to draw, or the graph folded up. */
import { z } from 'zod';
import { TensorInfoSchema } from './common.ts';
import { TensorRowSchema } from './models.ts';

/** A node in a list or a picture. */
export const GraphNodeSchema = z.object({
  /** `graph.index`, as long as the model stays the same. */
  id: z.string(),
  /** May be empty: ONNX asks for no name. */
  name: z.string(),
  /** `domain.Op` where the domain is not ai.onnx. */
  op: z.string(),
  /** The module it belongs to, from names or scopes, `''` where none is known. */
  module: z.string(),
  /** The smallest part of the outline that holds it. */
  part: z.number().int(),
  /** Weights it reads. */
  weights: z.number().int(),
  weightBytes: z.number().int(),
});
export type GraphNode = z.infer<typeof GraphNodeSchema>;

/** The nodes that match, one page of them. `next` asks for the page after it. */
export const NodePageSchema = z.object({ nodes: z.array(GraphNodeSchema), total: z.number().int(), next: z.string().optional() });

const NodeLinkSchema = z.object({ id: z.string(), name: z.string(), op: z.string() });

/** A value at one end of a node. `from` is missing for what no node makes: `origin` says what it is then. */
export const NodeInputSchema = z.object({
  name: z.string(),
  origin: z.enum(['node', 'graph input', 'weight', 'outer graph', 'left out', 'missing']),
  type: z.string().optional(),
  dims: TensorInfoSchema.shape.dims.optional(),
  from: NodeLinkSchema.optional(),
  tensor: TensorRowSchema.optional(),
});
export const NodeOutputSchema = z.object({
  name: z.string(),
  type: z.string().optional(),
  dims: TensorInfoSchema.shape.dims.optional(),
  graphOutput: z.boolean(),
  to: z.array(NodeLinkSchema),
  /** How many read it in all; `to` holds the first of them. */
  readers: z.number().int(),
});
export const NodeAttributeSchema = z.object({
  name: z.string(),
  type: z.string(),
  /** As text, cut after a while. */
  value: z.string(),
  cut: z.boolean(),
  /** Number of the graph that it holds. */
  graph: z.number().int().optional(),
});

export const NodeDetailSchema = GraphNodeSchema.extend({
  domain: z.string(),
  overload: z.string(),
  description: z.string(),
  graph: z.number().int(),
  graphTitle: z.string(),
  attributes: z.array(NodeAttributeSchema),
  inputs: z.array(NodeInputSchema),
  outputs: z.array(NodeOutputSchema),
  /** How many there are; the lists above hold the first of them. */
  counts: z.object({ attributes: z.number().int(), inputs: z.number().int(), outputs: z.number().int() }),
  metadata: z.array(z.object({ key: z.string(), value: z.string() })),
  /** Number of the graph of the local function that it calls. */
  calls: z.number().int().optional(),
});
export type NodeDetail = z.infer<typeof NodeDetailSchema>;

/** A point of a picture: a node, or an input or output of the graph. */
export const VertexSchema = z.discriminatedUnion('kind', [
  GraphNodeSchema.extend({
    kind: z.literal('node'),
    /** How many neighbours it has that are not in the picture. */
    hidden: z.number().int(),
  }),
  TensorInfoSchema.extend({ kind: z.enum(['input', 'output']), id: z.string() }),
]);
export type Vertex = z.infer<typeof VertexSchema>;

export const EdgeSchema = z.object({
  from: z.string(),
  to: z.string(),
  value: z.string(),
  type: z.string().optional(),
  dims: TensorInfoSchema.shape.dims.optional(),
});
export type Edge = z.infer<typeof EdgeSchema>;

/** `cut`: there is more than a picture holds, and the farthest was left out. */
export const NeighbourhoodSchema = z.object({ graph: z.number().int(), vertices: z.array(VertexSchema), edges: z.array(EdgeSchema), cut: z.boolean() });
export type Neighbourhood = z.infer<typeof NeighbourhoodSchema>;

/**
 * One item of the outline: a module, a run of items where there are too many to show (`segment`), or one node. Modules and
 * segments are parts: their number opens them, in `outline`, `nodes` and `neighbourhood`.
 */
export const OutlineItemSchema = z.object({
  /** Unique in this outline: `part:3`, or the id of the node. */
  id: z.string(),
  kind: z.enum(['module', 'segment', 'node']),
  part: z.number().int().optional(),
  label: z.string(),
  nodes: z.number().int(),
  weightBytes: z.number().int(),
  /** The commonest operators in it. */
  ops: z.array(z.object({ op: z.string(), nodes: z.number().int() })),
  /** Its first node in the order of the file: where `neighbourhood` or `nodes` may begin. */
  first: z.string(),
});
export type OutlineItem = z.infer<typeof OutlineItemSchema>;

export const OutlineSchema = z.object({
  /** Every graph of the model: the main one is number 0, then subgraphs and functions. */
  graphs: z.array(z.object({ graph: z.number().int(), title: z.string(), nodes: z.number().int(), kind: z.enum(['main', 'subgraph', 'function']) })),
  graphCount: z.number().int(),
  graph: z.number().int(),
  /** The part whose items these are; 0 is the whole graph. */
  part: z.number().int(),
  /** The parts around it, outermost first, itself last: where a person is. */
  path: z.array(z.object({ part: z.number().int(), label: z.string() })),
  /** What the modules were read from; `order` when nothing tells. */
  by: z.enum(['PyTorch scopes', 'node names', 'weight names', 'order']),
  items: z.array(OutlineItemSchema),
  /** Values that go from one item to another, counted; ids of items. */
  edges: z.array(z.object({ from: z.string(), to: z.string(), values: z.number().int() })),
  cut: z.boolean(),
});
export type Outline = z.infer<typeof OutlineSchema>;
