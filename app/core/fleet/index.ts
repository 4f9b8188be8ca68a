/** Devices, enrolment, deployments: the workspace's side. */
export { forgetThisComputer } from './database.ts';
export { endError } from './outcome.ts';
export { NEEDED_STATES } from './needed.ts';
export { type DeviceView, type Facts, planDeployment, type Step } from './plan.ts';
export { checkDevice, preflightError, type PreflightFacts, type Verdict } from './preflight.ts';
export type { RunProgress } from './deploy-run.ts';
export type { StartedDeployment } from './deployments.ts';
export { type Fleet, type FleetOptions, openFleet, type Removal } from './fleet.ts';
