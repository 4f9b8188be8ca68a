/** The composition root: the core behind the contract, in this process or served to screens and clients. */
export { type Restored, restoreWorkspace } from './backup/restore.ts';
export { findEngine } from './engine-file.ts';
export { openLocalClient } from './local-client.ts';
export { type AuditRestart, restartAudit } from './audit-restart.ts';
export { serveRegistry } from './serve-registry.ts';
