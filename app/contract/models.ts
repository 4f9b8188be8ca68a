/**
 * What a model is, for a command and for a screen: one report, and a graph of any size in bounded pieces. Nothing here reads
 * weights but `tensorStats`. A model is named by `ref`: the path of a file, `name@version[#variant]`, or a digest.
 */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { RefSchema, TensorInfoSchema, WarningSchema } from './common.ts';
import { ErrorBodySchema } from './errors.ts';

/** Most nodes or tensors on one page. */
export const MAX_PAGE = 200;
/** Most nodes in one neighbourhood: what a person can still look at, and a layout still places in a second. */
export const MAX_SHOWN_NODES = 400;
/** Most edges in one neighbourhood or outline. */
export const MAX_SHOWN_EDGES = 2_000;
/** Most items of one level of the outline, and most graphs listed. */
export const MAX_OUTLINE_ITEMS = 200;
/** Most steps away from a node that a neighbourhood reaches. */
export const MAX_HOPS = 8;

export const ModelRefSchema = RefSchema.or(z.string().min(1).max(4096));

/** What the rooms keep of a model: small, and the same for one file wherever it lies. */
export const InspectResultSchema = z.object({
  inputs: z.array(TensorInfoSchema),
  outputs: z.array(TensorInfoSchema),
  opsets: z.record(z.string(), z.number().int()),
  irVersion: z.number().int(),
  nodes: z.number().int(),
  parameters: z.number().int(),
  bytes: z.number().int(),
  producer: z.string(),
  framework: z.string(),
  /** Bytes of weights by element type. */
  precision: z.record(z.string(), z.number().int()),
  /** Number of nodes by operator, `domain.Op` where the domain is not ai.onnx. */
  ops: z.record(z.string(), z.number().int()),
  metadata: z.record(z.string(), z.string()),
  warnings: z.array(WarningSchema),
});
export type InspectResult = z.infer<typeof InspectResultSchema>;

/** Where the elements of a tensor are: in the model file, or in a file beside it. Offset and length in bytes. */
export const StoredSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('inside') }),
  z.object({ kind: z.literal('external'), location: z.string(), offset: z.number().int(), length: z.number().int().optional() }),
]);

export const TensorRowSchema = TensorInfoSchema.extend({
  /** `graph.index`, for `tensorStats`. */
  id: z.string(),
  elements: z.number().int(),
  bytes: z.number().int(),
  stored: StoredSchema,
  role: z.enum(['initializer', 'sparse values', 'sparse indices', 'attribute']),
  /** The graph it belongs to. */
  graph: z.number().int(),
});
export type TensorRow = z.infer<typeof TensorRowSchema>;

/** Which program made the file, as far as the file shows it; `unknown` where it does not. */
export const OriginSchema = z.object({
  framework: z.string(),
  frameworkVersion: z.string().optional(),
  exporter: z.string(),
  exporterVersion: z.string().optional(),
  /** What in the file says so. */
  evidence: z.array(z.string()),
});
export type Origin = z.infer<typeof OriginSchema>;

/** The report of `inspect`: the facts, and where the bytes are. */
export const ModelReportSchema = InspectResultSchema.extend({
  /** What was asked about. */
  ref: z.string(),
  origin: OriginSchema,
  modelVersion: z.number().int(),
  description: z.string(),
  tensors: z.object({ count: z.number().int(), bytes: z.number().int(), largest: z.array(TensorRowSchema) }),
  /** The weights that the nodes of each operator read, most bytes first; weights that several read count for the first. */
  weightsByOp: z.array(z.object({ op: z.string(), nodes: z.number().int(), bytes: z.number().int() })),
  external: z.object({
    files: z.array(z.object({ location: z.string(), tensors: z.number().int(), bytes: z.number().int(), problem: z.string().optional() })),
    bytes: z.number().int(),
    missing: z.number().int(),
  }),
  functions: z.array(z.object({ name: z.string(), domain: z.string(), overload: z.string(), nodes: z.number().int() })),
  subgraphs: z.object({ count: z.number().int(), nodes: z.number().int() }),
  sparseInitializers: z.number().int(),
  quantizationAnnotations: z.number().int(),
  trainingInfo: z.number().int(),
});
export type ModelReport = z.infer<typeof ModelReportSchema>;

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
export const TensorPageSchema = z.object({
  tensors: z.array(TensorRowSchema),
  total: z.number().int(),
  totalBytes: z.number().int(),
  next: z.string().optional(),
});

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

/** Numbers of a tensor's elements, which JSON can carry: null where no element is a finite number. */
export const TensorStatsSchema = z.object({
  tensor: TensorRowSchema,
  /** Missing for text. */
  numbers: z
    .object({
      min: z.number().nullable(),
      max: z.number().nullable(),
      mean: z.number().nullable(),
      std: z.number().nullable(),
      zeros: z.number().int(),
      notANumber: z.number().int(),
      infinite: z.number().int(),
      /** Finite elements in 32 equal steps from min to max. */
      histogram: z.array(z.number().int()),
    })
    .optional(),
  text: z.object({ empty: z.number().int(), longestBytes: z.number().int() }).optional(),
});
export type TensorStats = z.infer<typeof TensorStatsSchema>;

export const InspectRequestSchema = z.object({
  ref: ModelRefSchema,
  /** How many of the largest tensors are listed. */
  largest: z.number().int().min(0).max(1_000).default(20),
});
export type InspectRequest = z.infer<typeof InspectRequestSchema>;

const GraphNumber = z.number().int().min(0).max(1_000_000);
/** `graph.index`. */
const Id = z.string().regex(/^\d{1,7}\.\d{1,9}$/, 'an id reads 0.12');
const Part = z.number().int().min(0).max(1_000_000_000);
const Cursor = z.string().max(200);
const Search = z.string().max(200);
const limit = z.number().int().min(1).max(MAX_PAGE).default(100);

export const NodesRequestSchema = z.object({
  ref: ModelRefSchema,
  /** One graph only. */
  graph: GraphNumber.optional(),
  /** One part of that graph only; needs `graph`. */
  part: Part.optional(),
  /** In the node's name, operator, or the names of its values; upper and lower case alike. */
  search: Search.default(''),
  ops: z.array(z.string().max(200)).max(50).default([]),
  cursor: Cursor.optional(),
  limit,
});
export type NodesRequest = z.infer<typeof NodesRequestSchema>;

export const TensorsRequestSchema = z.object({
  ref: ModelRefSchema,
  search: Search.default(''),
  types: z.array(z.string().max(50)).max(50).default([]),
  sort: z.enum(['bytes', 'name', 'order']).default('bytes'),
  cursor: Cursor.optional(),
  limit,
});
export type TensorsRequest = z.infer<typeof TensorsRequestSchema>;

export const NeighbourhoodRequestSchema = z.object({
  ref: ModelRefSchema,
  of: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('node'),
      id: Id,
      hops: z.number().int().min(0).max(MAX_HOPS).default(2),
      direction: z.enum(['both', 'before', 'after']).default('both'),
    }),
    /** Nodes one after another in the order they run. */
    z.object({ kind: z.literal('range'), graph: GraphNumber.default(0), from: z.number().int().min(0).default(0) }),
    z.object({ kind: z.literal('part'), graph: GraphNumber.default(0), part: Part }),
  ]),
  limit: z.number().int().min(1).max(MAX_SHOWN_NODES).default(MAX_SHOWN_NODES),
});
export type NeighbourhoodRequest = z.infer<typeof NeighbourhoodRequestSchema>;

export const OutlineRequestSchema = z.object({ ref: ModelRefSchema, graph: GraphNumber.default(0), part: Part.default(0) });
export type OutlineRequest = z.infer<typeof OutlineRequestSchema>;

const procedure = oc.errors({ EDGEWRIGHT: { data: ErrorBodySchema } });
const ById = z.object({ ref: ModelRefSchema, id: Id });

/** The reading side of models; `check` and `quantize` stand beside it. */
export const modelViews = {
  inspect: procedure.input(InspectRequestSchema).output(ModelReportSchema),
  /** Nodes by text and operator, in the order of the file, a page at a time. */
  nodes: procedure.input(NodesRequestSchema).output(NodePageSchema),
  node: procedure.input(ById).output(NodeDetailSchema),
  /** What to draw: the nodes around one, a stretch of the graph, or the nodes of a part of the outline. */
  neighbourhood: procedure.input(NeighbourhoodRequestSchema).output(NeighbourhoodSchema),
  /** The graph folded up: the items of one part, and what goes between them. */
  outline: procedure.input(OutlineRequestSchema).output(OutlineSchema),
  tensors: procedure.input(TensorsRequestSchema).output(TensorPageSchema),
  /** Reads every element of one tensor, in small pieces. Can be cancelled. */
  tensorStats: procedure.input(ById).output(TensorStatsSchema),
};
