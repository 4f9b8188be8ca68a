/** What may be asked about a model, and how much of it at once. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { ErrorBodySchema } from './errors.ts';
import { NeighbourhoodSchema, NodeDetailSchema, NodePageSchema, OutlineSchema } from './model-graph.ts';
import { ModelRefSchema, ModelReportSchema, TensorPageSchema, TensorStatsSchema } from './models.ts';

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
