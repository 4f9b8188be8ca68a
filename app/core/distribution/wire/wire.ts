/** What speaks the distribution API on the far side: a device that takes pushes, or a registry. */
import type { Answer, Body } from './exchange.ts';

export interface WireRequest {
  body?: Body;
  headers?: Record<string, string>;
  /** The peer may hold its answer back so long (long poll), in ms. */
  waitMs?: number;
  /** Must not be sent twice: no second try on a connection that had gone stale. */
  once?: boolean;
  signal?: AbortSignal | undefined;
}

export interface Wire {
  /** How messages call it. */
  readonly label: string;
  /** Any status is an answer; only a line that fails throws. @param address a path, or what `follow` gave */
  request(method: string, address: string, options?: WireRequest): Promise<Answer>;
  /** Throws the refusal that an answer with a status of 400 or above stands for. */
  accept(answer: Answer): void;
  /** The address that a Location header names. @throws when it must not be gone to */
  follow(location: string): string;
  /** It gave an answer that it should not give. */
  wrongAnswer(expected: string, found: string): Error;
  /** The line broke, or what came of it is the same. */
  interrupted(found: string): Error;
}
