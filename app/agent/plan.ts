/**
 * What to do next for one model: a pure function from what is and what should be to typed steps. It is asked again after
 * every step and after every start, so a step that was cut off is simply planned again.
 */
import type { ErrorBody } from '#contract';
import type { AgentDeploymentState } from '#core/protocol';
import type { DeploymentRecord, Slot } from './state/deployments.ts';

/** What the database says should be. */
export interface Desired {
  model: string;
  /** Deployment that must serve. */
  serving?: { id: string; state: AgentDeploymentState };
  /** Deployment to go back to; its session stays warm while the one that serves is on trial. */
  previous?: string;
  /** Deployment on its way to become the one that serves. */
  candidate?: { id: string; state: AgentDeploymentState };
}

/** What there is. */
export interface Actual {
  /** Deployments whose model is loaded in a runner (one that died and is being started again counts). */
  sessions: ReadonlySet<string>;
  /** Sessions that an order by hand is about to use. */
  held: ReadonlySet<string>;
  /** Blobs of the candidate that are not here yet. */
  missing: number;
  /** What the watch of the deployment on trial says. */
  verdict: Verdict;
}

export type Verdict = { is: 'wait' } | { is: 'commit' } | { is: 'roll back'; error: ErrorBody };

export type Step =
  /** Waits for the workspace to push. */
  | { do: 'receive'; deployment: string; missing: number }
  /** Every digest, the signature, the closure; then the files are laid out by name. */
  | { do: 'verify'; deployment: string }
  /** Golden set and limits in a runner of its own, which stays warm. */
  | { do: 'test'; deployment: string }
  /** Loads a tested bundle whose runner was lost with the agent. */
  | { do: 'warm'; deployment: string }
  | { do: 'switch'; deployment: string }
  /** Brings back what should serve and does not. */
  | { do: 'serve'; deployment: string }
  /** Waits for seconds and requests. */
  | { do: 'watch'; deployment: string }
  | { do: 'commit'; deployment: string }
  | { do: 'roll back'; deployment: string; error: ErrorBody }
  /** Lets a session go that nobody needs. */
  | { do: 'stop'; deployment: string };

/** Two lists that are worked off side by side: a long test of a candidate must not hold up what serves. */
export interface Plan {
  serving: Step[];
  candidate: Step[];
}

export type Lane = keyof Plan;

/** The step a lane takes now: its first, unless that only waits for something outside the agent. */
export function nextStep(plan: Plan, lane: Lane): Step | undefined {
  const first = plan[lane][0];
  return first?.do === 'receive' || first?.do === 'watch' ? undefined : first;
}

export function desiredOf(slot: Slot, deployments: readonly DeploymentRecord[]): Desired {
  const byId = new Map(deployments.map((d) => [d.id, d]));
  const serving = slot.serving === undefined ? undefined : byId.get(slot.serving);
  const candidate = deployments.findLast((d) => d.state === 'receiving' || d.state === 'verifying' || d.state === 'testing' || d.state === 'activating');
  return {
    model: slot.model,
    ...(serving && { serving: { id: serving.id, state: serving.state } }),
    ...(slot.previous !== undefined && { previous: slot.previous }),
    ...(candidate && { candidate: { id: candidate.id, state: candidate.state } }),
  };
}

/** All steps from here to the goal, in order. */
export function plan(actual: Actual, desired: Desired): Plan {
  return { serving: servingSteps(actual, desired), candidate: desired.candidate ? candidateSteps(desired.candidate, actual) : [] };
}

function servingSteps(actual: Actual, { serving, previous, candidate }: Desired): Step[] {
  const steps: Step[] = [];
  const onTrial = serving?.state === 'on trial';
  if (serving && onTrial && actual.verdict.is === 'roll back') {
    return [{ do: 'roll back', deployment: serving.id, error: actual.verdict.error }];
  }
  if (serving && !actual.sessions.has(serving.id)) steps.push({ do: 'serve', deployment: serving.id });
  // The one before stays warm until the trial is over: a rollback then takes no load time.
  const needed = [serving?.id, candidate?.id, ...(onTrial ? [previous] : [])];
  for (const id of actual.sessions) if (!needed.includes(id) && !actual.held.has(id)) steps.push({ do: 'stop', deployment: id });
  if (serving && onTrial) steps.push({ do: actual.verdict.is === 'commit' ? 'commit' : 'watch', deployment: serving.id });
  return steps;
}

function candidateSteps({ id: deployment, state }: { id: string; state: AgentDeploymentState }, actual: Actual): Step[] {
  const verify: Step = { do: 'verify', deployment };
  const test: Step = { do: 'test', deployment };
  const finish: Step[] = [
    { do: 'switch', deployment },
    { do: 'watch', deployment },
    { do: 'commit', deployment },
  ];
  switch (state) {
    case 'receiving':
      return [...(actual.missing > 0 ? [{ do: 'receive', deployment, missing: actual.missing } satisfies Step] : []), verify, test, ...finish];
    case 'verifying':
      return [verify, test, ...finish];
    case 'testing':
      return [test, ...finish];
    case 'activating':
      return [...(actual.sessions.has(deployment) ? [] : [{ do: 'warm', deployment } satisfies Step]), ...finish];
    default:
      return [];
  }
}
