/** Preloaded into a process that is measured: at its end it writes its highest resident memory, in bytes, to the file PEAK_FILE names. */
import { writeFileSync } from 'node:fs';

const file = process.env.PEAK_FILE;
// Linux counts maxRSS in KiB, as it counts VmHWM.
if (file) process.on('exit', () => writeFileSync(file, String(process.resourceUsage().maxRSS * 1024)));
