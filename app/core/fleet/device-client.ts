/** The management door of one device, typed. Every answer is parsed; every wait is bounded by the peer. */
import type { DeviceEvent } from '#contract';
import type { Peer } from '#core/transfer';
import type { Note } from '#core/trust';
import {
  type AgentDeploymentState,
  type AgentStatus,
  AgentStatusSchema,
  type DeploymentAccepted,
  DeploymentAcceptedSchema,
  type DeploymentOrder,
  type DeploymentStatus,
  DeploymentStatusSchema,
  EventsAnswerSchema,
  ForgetAnswerSchema,
  MAX_POLL_MS,
  type RevocationsAnswer,
  RevocationsAnswerSchema,
  type RollbackAnswer,
  RollbackAnswerSchema,
  type SignedOrder,
} from '#core/protocol';

export interface DeviceClient {
  readonly peer: Peer;
  status(signal?: AbortSignal): Promise<AgentStatus>;
  /** Events after `after`, oldest first; with `waitMs` it answers as soon as there is one. */
  events(after: number, waitMs: number, signal?: AbortSignal): Promise<DeviceEvent[]>;
  /** The same id again changes nothing and is answered alike. */
  offer(order: DeploymentOrder, signal?: AbortSignal): Promise<DeploymentAccepted>;
  /** undefined: the device does not know it. With `unlike` it answers as soon as the state differs. */
  deployment(id: string, options?: { unlike?: AgentDeploymentState; signal?: AbortSignal | undefined }): Promise<DeploymentStatus | undefined>;
  cancel(id: string, signal?: AbortSignal): Promise<void>;
  rollback(model: string | undefined, signal?: AbortSignal): Promise<RollbackAnswer>;
  forget(signal?: AbortSignal): Promise<void>;
  /** Brings a statement about who is revoked, or only asks. @returns what the device holds after that */
  revocations(statement: Note | undefined, signal?: AbortSignal): Promise<RevocationsAnswer>;
}

/** @param signed makes of an order what an administrator sends; absent: the device is ours, which the connection proves */
export function deviceClient(peer: Peer, signed?: (order: DeploymentOrder) => SignedOrder): DeviceClient {
  return {
    peer,
    status: (signal) => peer.json('GET', '/v1/status', AgentStatusSchema, { ...(signal && { signal }) }),
    async events(after, waitMs, signal) {
      const wait = Math.min(waitMs, MAX_POLL_MS);
      const path = `/v1/events?after=${after}${wait > 0 ? `&wait=${wait}` : ''}`;
      const answer = await peer.json('GET', path, EventsAnswerSchema, { waitMs: wait, ...(signal && { signal }) });
      return answer.events;
    },
    offer: async (order, signal) =>
      peer.json('POST', '/v1/deployments', DeploymentAcceptedSchema, { body: signed?.(order) ?? order, ...(signal && { signal }) }),
    async deployment(id, options = {}) {
      const wait = options.unlike === undefined ? '' : `?wait=${MAX_POLL_MS}&state=${encodeURIComponent(options.unlike)}`;
      const path = `/v1/deployments/${id}`;
      const answer = await peer.request('GET', `${path}${wait}`, { waitMs: wait === '' ? 0 : MAX_POLL_MS, signal: options.signal });
      if (answer.status === 404) return undefined;
      return peer.parse(answer, DeploymentStatusSchema);
    },
    async cancel(id, signal) {
      // The answer's body is not needed: the state is asked for afterwards in any case.
      const answer = await peer.request('POST', `/v1/deployments/${id}/cancel`, { signal });
      if (answer.status !== 404) peer.accept(answer);
    },
    rollback: (model, signal) =>
      peer.json('POST', '/v1/rollback', RollbackAnswerSchema, { body: model === undefined ? {} : { model }, once: true, ...(signal && { signal }) }),
    async forget(signal) {
      await peer.json('POST', '/v1/forget', ForgetAnswerSchema, { body: {}, ...(signal && { signal }) });
    },
    revocations: (statement, signal) =>
      statement === undefined
        ? peer.json('GET', '/v1/administrators', RevocationsAnswerSchema, { ...(signal && { signal }) })
        : peer.json('POST', '/v1/administrators', RevocationsAnswerSchema, { body: { revocations: statement }, ...(signal && { signal }) }),
  };
}
