/** Provider packs: execution providers that ONNX Runtime's npm package does not bring, fetched, checked, kept and removed. */
export { fetchPack, installPack, type InstallOptions, type PackSource } from './install.ts';
export { type InstalledPack, installedPacks, type PackDamage, packLibraryFolders, removePack, verifyPack } from './installed.ts';
export { driverServes, findPack, packBytes, type PackDefinition, PACKS, type Wheel } from './table.ts';
