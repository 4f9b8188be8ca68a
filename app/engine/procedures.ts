/**
 * What each procedure of the contract is, once for all: whether it changes anything, and whether it needs the private keys.
 * A procedure that nobody put here does not compile.
 */
import type { Contract } from '#contract';

/**
 * `read` changes nothing of the workspace. `asks` changes nothing and speaks to devices, so it works better with the keys.
 * `free` changes something that needs no keys. Every other is an `act`: it needs the private keys, and the audit log says that
 * it was asked for before it begins.
 */
export type ProcedureKind = 'read' | 'asks' | 'free' | 'act';

type Name = Extract<keyof Contract, string>;
/** `bundles.build`, `changes` … */
export type ProcedureName = { [D in Name]: '~orpc' extends keyof Contract[D] ? D : `${D}.${Extract<keyof Contract[D], string>}` }[Name];

const KINDS: Record<ProcedureName, ProcedureKind> = {
  'system.status': 'read',
  'system.settings': 'read',
  'system.saveSettings': 'free',
  'system.shutdown': 'free',
  'hardware.report': 'read',
  'providers.list': 'read',
  'providers.install': 'free',
  'providers.fetch': 'free',
  'providers.verify': 'read',
  'providers.remove': 'free',
  'models.inspect': 'read',
  'models.nodes': 'read',
  'models.node': 'read',
  'models.neighbourhood': 'read',
  'models.outline': 'read',
  'models.tensors': 'read',
  'models.tensorStats': 'read',
  'models.check': 'read',
  'models.quantize': 'read',
  'bundles.list': 'read',
  'bundles.search': 'read',
  'bundles.show': 'read',
  'bundles.build': 'act',
  'bundles.buildSample': 'act',
  'bundles.import': 'act',
  'bundles.exportFile': 'free',
  'bundles.importFile': 'act',
  'bundles.verify': 'read',
  'bundles.sign': 'act',
  'bundles.bom': 'read',
  'bundles.extract': 'free',
  'bundles.remove': 'act',
  'registries.push': 'free',
  'registries.pull': 'free',
  'registries.admit': 'free',
  'uploads.begin': 'free',
  'uploads.write': 'free',
  'uploads.drop': 'free',
  'store.verify': 'free',
  'store.gc': 'free',
  'store.rebuild': 'free',
  'trust.list': 'read',
  'trust.read': 'read',
  'trust.add': 'act',
  'trust.outlook': 'read',
  'trust.remove': 'act',
  'trust.publicKey': 'read',
  'trust.judge': 'read',
  'administrators.list': 'read',
  'administrators.memberships': 'read',
  'administrators.read': 'read',
  'administrators.identity': 'act',
  'administrators.grant': 'act',
  'administrators.join': 'act',
  'administrators.leave': 'act',
  'administrators.revoke': 'act',
  'inference.run': 'read',
  'inference.stream': 'read',
  'inference.example': 'read',
  'inference.benchmark': 'read',
  'trials.start': 'act',
  'trials.list': 'read',
  'trials.show': 'read',
  'trials.samples': 'read',
  'devices.list': 'asks',
  'devices.show': 'asks',
  'devices.add': 'act',
  'devices.remove': 'act',
  'devices.rollback': 'act',
  'deployments.preflight': 'asks',
  'deployments.start': 'act',
  'deployments.list': 'read',
  'deployments.show': 'read',
  'jobs.list': 'read',
  'jobs.get': 'read',
  'jobs.watch': 'read',
  'jobs.cancel': 'free',
  'activity.list': 'read',
  'audit.verify': 'read',
  'audit.export': 'act',
  'workspace.keys': 'read',
  'workspace.unlock': 'free',
  'workspace.keep': 'act',
  'workspace.backup': 'act',
  changes: 'read',
};

/** @param path as the router names it; what is unknown is treated as what can do most */
export function kindOf(path: readonly string[]): ProcedureKind {
  const name = path.join('.');
  return name in KINDS ? KINDS[name as ProcedureName] : 'act';
}
