/** The OCI distribution API: repositories of the store, a server for them, a client for any registry. */
export { openRepositories, type Repositories } from './repositories.ts';
export type { BundleDoor } from './server/bundle-door.ts';
export { type RegistryServer, startRegistryServer } from './server/registry-server.ts';
