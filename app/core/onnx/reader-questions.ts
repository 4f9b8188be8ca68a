/** What a process that reads models is asked, and what it answers: plain data both ways. */
import type {
  GraphNode,
  InspectRequest,
  InspectResult,
  ModelReport,
  Neighbourhood,
  NeighbourhoodRequest,
  NodeDetail,
  NodesRequest,
  Outline,
  OutlineRequest,
  TensorRow,
  TensorsRequest,
  TensorStats,
} from '#contract';
import type { StructureCheck } from './check.ts';

/** What every question names: the file, absolute. */
interface AboutFile {
  path: string;
}

export interface ReaderQuestions {
  check: { ask: AboutFile; answer: StructureCheck };
  inspect: { ask: AboutFile; answer: InspectResult };
  externalFiles: { ask: AboutFile; answer: string[] };
  report: { ask: AboutFile & Pick<InspectRequest, 'ref' | 'largest'>; answer: ModelReport };
  nodes: {
    ask: AboutFile & Omit<NodesRequest, 'ref' | 'cursor'> & { after?: string | undefined };
    answer: { nodes: GraphNode[]; total: number; last?: string };
  };
  node: { ask: AboutFile & { id: string }; answer: NodeDetail };
  neighbourhood: { ask: AboutFile & Pick<NeighbourhoodRequest, 'of' | 'limit'>; answer: Neighbourhood };
  outline: { ask: AboutFile & Pick<OutlineRequest, 'graph' | 'part'>; answer: Outline };
  tensors: {
    ask: AboutFile & Omit<TensorsRequest, 'ref' | 'cursor'> & { after?: number | undefined };
    answer: { tensors: TensorRow[]; total: number; totalBytes: number; last?: number };
  };
  tensorStats: { ask: AboutFile & { id: string }; answer: TensorStats };
}
export type QuestionKind = keyof ReaderQuestions;

/** Said before the answer: how many bytes there are to read for it. */
export interface ReaderWord {
  storedBytes: number;
}

/** What the process gets on its command line, as one JSON argument. */
export interface ReaderArguments {
  memoryBytes: number;
  parent: number;
}
