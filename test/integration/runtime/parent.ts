/** Started by a test as a parent to be killed: holds a runner that is busy without end. Prints the runner's pid once it is. */
import { float32Tensor } from '#core/datasets';
import { startRunner } from '#core/runtime';

const runner = await startRunner();
await runner.load({ path: process.argv[2] ?? '', profile: true });
const busy = runner.run({ x: float32Tensor([4], [1, 2, 3, 4]) });
process.stdout.write(`${runner.pid}\n`);
await busy;
