/** Entry of the probe process: driver libraries and vendors' tools may hang or crash here, and take nothing else with them. */
import { liveMachine } from './live-machine.ts';
import { serveProbes } from './probe-serve.ts';
import { PROBES } from './probes/table.ts';

await serveProbes(PROBES, liveMachine);
