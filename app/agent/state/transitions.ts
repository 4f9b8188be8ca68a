/** Which state a deployment may go to from which. Everything that moves a deployment asks this table. */
import type { AgentDeploymentState } from '#core/protocol';

export const TRANSITIONS: Readonly<Record<AgentDeploymentState, readonly AgentDeploymentState[]>> = {
  receiving: ['verifying', 'refused', 'cancelled', 'superseded'],
  verifying: ['testing', 'refused', 'cancelled', 'superseded'],
  testing: ['activating', 'refused', 'cancelled', 'superseded'],
  activating: ['on trial', 'refused', 'cancelled', 'superseded'],
  'on trial': ['active', 'rolled back', 'cancelled', 'superseded'],
  active: ['rolled back', 'superseded'],
  // The one before: it serves again after a rollback.
  superseded: ['active'],
  refused: [],
  'rolled back': [],
  cancelled: [],
};

/** Not yet serving, and still on its way. */
export const CANDIDATE_STATES: readonly AgentDeploymentState[] = ['receiving', 'verifying', 'testing', 'activating'];
