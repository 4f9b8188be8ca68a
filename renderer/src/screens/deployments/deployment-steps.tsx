import { IconCheck, IconX } from '@tabler/icons-react';
import type { Deployment } from '#contract';
import styles from './deployments.module.css';

const STEPS: readonly { state: Deployment['state']; word: string }[] = [
  { state: 'waiting', word: 'Accepted' },
  { state: 'sending', word: 'Sent' },
  { state: 'verifying', word: 'Verified' },
  { state: 'testing', word: 'Golden set run' },
  { state: 'activating', word: 'Activated' },
  { state: 'on trial', word: 'Watched' },
  { state: 'active', word: 'Committed' },
];

/** How far an ended deployment surely came, where its state alone does not name the step. */
function reached(deployment: Deployment): number {
  const index = STEPS.findIndex((step) => step.state === deployment.state);
  if (index >= 0) return index;
  if (deployment.state === 'refused') return 3;
  if (deployment.state === 'rolled back' || deployment.state === 'superseded') return 5;
  return deployment.bytesSent > 0 && deployment.bytesSent >= deployment.bytesTotal ? 2 : 1;
}

/** The way of one deployment as a lane: what is done, what it is at, where it ended. */
export function DeploymentSteps({ deployment }: { deployment: Deployment }) {
  const at = reached(deployment);
  const ended = deployment.state === 'active';
  const stopped = !ended && deployment.endedAt !== undefined;
  return (
    <ol className={styles.lane} aria-label="Steps of the deployment">
      {STEPS.map((step, index) => {
        const kind = index < at || (ended && index === at) ? 'done' : index === at ? (stopped ? 'ended' : 'now') : 'open';
        return (
          <li key={step.word} className={styles[kind]} aria-current={kind === 'now' ? 'step' : undefined}>
            <span className={styles.dot}>
              {kind === 'done' && <IconCheck size={10} stroke={3} aria-hidden />}
              {kind === 'ended' && <IconX size={10} stroke={3} aria-hidden />}
            </span>
            {step.word}
            <span className="visually-hidden">{{ done: ', done', now: ', now', ended: ', ended here', open: ', not reached' }[kind]}</span>
          </li>
        );
      })}
    </ol>
  );
}
