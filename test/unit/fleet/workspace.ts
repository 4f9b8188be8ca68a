/** A throw-away workspace with the digits bundle in it, and a fleet over it. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type BlobStore, openCatalogue, openRegistry, openStore, type Registry } from '#core/bundles';
import { type Fleet, type FleetOptions, openFleet } from '#core/fleet';
import { createLog } from '#core/platform';
import { type Keyring, openKeyring } from '#core/trust';

const FIXTURE = resolve(import.meta.dirname, '../../fixtures/digits');

export interface Workspace {
  dir: string;
  keyring: Keyring;
  registry: Registry;
  store: BlobStore;
  fleet: Fleet;
  changes: string[];
  /** Builds digits@VERSION; `alter` may change files of the folder before. */
  build(version: string, alter?: (dir: string) => Promise<void>): Promise<string>;
  /** Opens the fleet anew, as after a restart of the program. */
  reopen(more?: Partial<FleetOptions>): Promise<Fleet>;
  close(): Promise<void>;
}

export async function openWorkspace(more: Partial<FleetOptions> = {}): Promise<Workspace> {
  const dir = await mkdtemp(join(tmpdir(), 'fleet-'));
  const keyring = await openKeyring(join(dir, 'keys'));
  const store = await openStore(join(dir, 'store'));
  const catalogue = openCatalogue(join(dir, 'catalogue.db'));
  const registry = await openRegistry({ store, catalogue, keyring });
  const changes: string[] = [];
  const base: FleetOptions = {
    dir,
    keyring,
    registry,
    store,
    log: createLog('fleet-test', { level: 'fatal' }),
    onChange: (topic, id) => changes.push(`${topic} ${id}`),
  };
  const workspace: Workspace = {
    dir,
    keyring,
    registry,
    store,
    changes,
    fleet: await openFleet({ ...base, ...more }),
    async build(version, alter) {
      const folder = await mkdtemp(join(dir, 'source-'));
      await cp(FIXTURE, folder, { recursive: true });
      const yaml = `name: digits\nversion: ${version}\nmodel: model.onnx\ngolden: golden.npz\ncalibration: calibration.npz\ntest: test.npz\nmetric: { name: top1_accuracy, output: logits }\ntolerances: { fp32: { atol: 1.0e-4, rtol: 1.0e-3 } }\n`;
      await writeFile(join(folder, 'edgewright.yaml'), yaml);
      await alter?.(folder);
      // The gate of a build is the engine's; here the bundle only has to be one.
      await registry.build(folder, { admit: () => Promise.resolve({ ok: true, warnings: [] }) });
      return `digits@${version}`;
    },
    async reopen(again = {}) {
      await workspace.fleet.close();
      workspace.fleet = await openFleet({ ...base, ...more, ...again });
      return workspace.fleet;
    },
    async close() {
      await workspace.fleet.close();
      catalogue.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return workspace;
}
