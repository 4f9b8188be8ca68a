/** Provider packs of this workspace: listed with what they ask of the driver, installed and removed as jobs, on record. */
import { resolve } from 'node:path';
import {
  EdgewrightError,
  type FetchPack,
  formatBytes,
  type HardwareReport,
  type InstallPack,
  type PackIndex,
  type PackVerdict,
  type ProviderPack,
} from '#contract';
import { onnxRuntimeInstall } from '#core/hardware';
import {
  driverServes,
  fetchPack,
  findPack,
  installedPacks,
  type InstalledPack,
  installPack,
  packBytes,
  type PackDefinition,
  packLibraryFolders,
  PACKS,
  type PackSource,
  removePack,
  verifyPack,
} from '#core/packs';
import { checkReplaceable, type Clock, setLibraryFolders } from '#core/platform';
import type { Changes } from './changes.ts';
import type { Jobs } from './jobs.ts';
import type { RecordAct } from './service.ts';

/** The Python Package Index; the files' hashes stand in the table, so whoever answers can only answer right or fail. */
const DEFAULT_INDEX = 'https://pypi.org/simple/';

/** The screen that shows them. */
const PLACE = '/computer';

export interface ProviderPacksDeps {
  /** The folder of all packs. */
  dir: string;
  jobs: Jobs;
  changes: Changes;
  clock: Clock;
  record: RecordAct;
  hardware(): Promise<HardwareReport>;
  /** Runners that are running know nothing of what has just come or gone. */
  renewRunners(): void;
  /** Other packs than those there are (tests). */
  packs?: readonly PackDefinition[];
}

export class ProviderPacks {
  readonly #deps: ProviderPacksDeps;
  readonly #packs: readonly PackDefinition[];

  constructor(deps: ProviderPacksDeps) {
    this.#deps = deps;
    this.#packs = deps.packs ?? PACKS;
  }

  /** Lets the child processes of this program find what is installed. */
  async use(): Promise<void> {
    setLibraryFolders(await packLibraryFolders(this.#deps.dir, onnxRuntimeInstall()));
  }

  async list(): Promise<ProviderPack[]> {
    const installed = await installedPacks(this.#deps.dir);
    const here = this.#packs.filter((pack) => this.#fits(pack));
    const drivers = here.length + installed.length > 0 ? await this.#drivers() : new Map<string, string>();
    const known = here.map((pack) =>
      describe(
        pack,
        installed.find((one) => one.name === pack.name && one.onnxruntime === pack.onnxruntime),
        drivers,
      ),
    );
    const outdated = installed.filter((one) => one.onnxruntime !== onnxRuntimeInstall().version).map(describeOutdated);
    return [...known, ...outdated];
  }

  /** @throws provider.*, network.*, trust.index-certificate */
  async install(request: InstallPack, actor: string, signal?: AbortSignal): Promise<ProviderPack> {
    const { dir, jobs, clock, record } = this.#deps;
    const pack = this.#find(request.name);
    const what = { kind: 'provider', title: `Install ${pack.title}`, link: PLACE, id: request.jobId } as const;
    const installed = await jobs.run(what, signal, (control) =>
      installPack(pack, { dir, clock, source: sourceOf(request), signal: control.signal, onProgress: control.progress }),
    );
    await this.#changed();
    record(actor, 'provider.installed', `Installed ${pack.title} for ONNX Runtime ${pack.onnxruntime} (${formatBytes(installed.bytes)})`);
    return describe(pack, installed, await this.#drivers());
  }

  async fetch(request: FetchPack, signal?: AbortSignal): Promise<{ file: string; bytes: number }> {
    const { dir, jobs, clock } = this.#deps;
    // For another computer: any pack of that name will do.
    const pack = this.#packs.find((one) => one.name === request.name);
    if (!pack) throw unknownPack(request.name, this.#packs, 'at all');
    const file = resolve(request.file);
    await checkReplaceable(file);
    const bytes = await jobs.run({ kind: 'provider', title: `Fetch ${pack.title}`, link: PLACE, id: request.jobId }, signal, (control) =>
      fetchPack(pack, file, { dir, clock, source: sourceOf(request), signal: control.signal, onProgress: control.progress }),
    );
    return { file, bytes };
  }

  async verify(name: string, jobId?: string, signal?: AbortSignal): Promise<PackVerdict> {
    const pack = (await installedPacks(this.#deps.dir)).find((one) => one.name === name);
    if (!pack) throw unknownPack(name, this.#packs, 'installed');
    return this.#deps.jobs.run({ kind: 'verify', title: `Verify ${pack.title}`, link: PLACE, id: jobId }, signal, async (control) => {
      let read = 0;
      const onBytes = (bytes: number) => control.progress('Reading its files again', (read += bytes) / Math.max(1, pack.bytes));
      const damage = await verifyPack(pack, { signal: control.signal, onBytes });
      return { name, ok: damage.length === 0, files: pack.files.length, bytes: pack.bytes, damage };
    });
  }

  async remove(name: string, actor: string): Promise<{ name: string; freedBytes: number }> {
    const freedBytes = await removePack(this.#deps.dir, name);
    await this.#changed();
    this.#deps.record(actor, 'provider.removed', `Removed the provider pack ${name} (${formatBytes(freedBytes)} freed)`);
    return { name, freedBytes };
  }

  async #changed(): Promise<void> {
    await this.use();
    this.#deps.renewRunners();
    this.#deps.changes.publish('hardware');
  }

  #fits(pack: PackDefinition): boolean {
    return findPack([pack], pack.name, { onnxruntime: onnxRuntimeInstall().version, platform: process.platform, arch: process.arch }) !== undefined;
  }

  #find(name: string): PackDefinition {
    const pack = this.#packs.find((one) => one.name === name && this.#fits(one));
    if (!pack) throw unknownPack(name, this.#packs, 'for this computer');
    return pack;
  }

  /** Driver versions by vendor, as far as they were found. */
  async #drivers(): Promise<Map<string, string>> {
    const report = await this.#deps.hardware();
    return new Map(report.devices.flatMap(({ vendor, driver }) => (vendor && driver ? [[vendor, driver] as const] : [])));
  }
}

function sourceOf({ from, index, ca, proxies }: PackIndex & { from?: string | undefined }): PackSource {
  return from === undefined ? { index: index ?? DEFAULT_INDEX, ca, proxies } : { from: resolve(from) };
}

function describe(pack: PackDefinition, installed: InstalledPack | undefined, drivers: ReadonlyMap<string, string>): ProviderPack {
  const bytes = packBytes(pack);
  const found = /\d+(\.\d+)+/.exec(drivers.get(pack.driver.vendor) ?? '')?.[0];
  return {
    name: pack.name,
    title: pack.title,
    providers: [...pack.providers],
    state: installed ? 'installed' : 'available',
    onnxruntime: pack.onnxruntime,
    platform: `${pack.platform}-${pack.arch}`,
    downloadBytes: bytes.download,
    installedBytes: installed?.bytes ?? bytes.installed,
    driver: { ...pack.driver, ...(found !== undefined && { found, enough: driverServes(pack, found) }) },
    licence: pack.licence,
    ...(installed && { installedAt: installed.installedAt, folder: installed.folder }),
  };
}

function describeOutdated(pack: InstalledPack): ProviderPack {
  const { name, title, providers, onnxruntime, installedAt, folder } = pack;
  return {
    name,
    title,
    providers,
    state: 'outdated',
    onnxruntime,
    platform: `${pack.platform}-${pack.arch}`,
    downloadBytes: 0,
    installedBytes: pack.bytes,
    installedAt,
    folder,
  };
}

function unknownPack(name: string, packs: readonly PackDefinition[], where: string): EdgewrightError {
  const there = packs.map((pack) => `${pack.name} (${pack.platform} ${pack.arch}, ONNX Runtime ${pack.onnxruntime})`).join(', ');
  const hint =
    name === 'tensorrt'
      ? 'The CUDA pack brings ONNX Runtime’s TensorRT provider; TensorRT 10 itself comes from NVIDIA’s package repository.'
      : 'edgewright provider list shows what there is.';
  return new EdgewrightError({ code: 'provider.unknown', message: `There is no provider pack ${name} ${where}.`, expected: there, hint, owner: 'usage' });
}
