/** Pages that the engine gives one after another, as one list; what was asked before is given up when the question changes. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { GraphNode, TensorRow } from '#contract';
import { client, orpc } from '../../lib/engine.ts';

/** Pause after the last key before a search is sent, in milliseconds. */
const TYPING_MS = 150;
const PAGE = 200;

export interface NodeQuestion {
  ref: string;
  search: string;
  ops: string[];
  graph?: number | undefined;
}

export function useNodes({ ref, search, ops, graph }: NodeQuestion) {
  const input = { ref, search, ops, ...(graph !== undefined && { graph }) };
  return useInfiniteQuery({
    queryKey: [...orpc.models.nodes.key(), input],
    queryFn: ({ pageParam, signal }) => client.models.nodes({ ...input, limit: PAGE, ...(pageParam !== '' && { cursor: pageParam }) }, { signal }),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
    placeholderData: (before) => before,
  });
}

export function useTensors(input: { ref: string; search: string; sort: 'bytes' | 'name' | 'order'; types: string[] }) {
  return useInfiniteQuery({
    queryKey: [...orpc.models.tensors.key(), input],
    queryFn: ({ pageParam, signal }) => client.models.tensors({ ...input, limit: PAGE, ...(pageParam !== '' && { cursor: pageParam }) }, { signal }),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
    placeholderData: (before) => before,
  });
}

export function allNodes(pages: readonly { nodes: GraphNode[] }[] | undefined): GraphNode[] {
  return pages?.flatMap((page) => page.nodes) ?? [];
}

export function allTensors(pages: readonly { tensors: TensorRow[] }[] | undefined): TensorRow[] {
  return pages?.flatMap((page) => page.tensors) ?? [];
}

/** The text once nobody has typed for a moment. */
export function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(text), TYPING_MS);
    return () => window.clearTimeout(timer);
  }, [text]);
  return settled;
}
