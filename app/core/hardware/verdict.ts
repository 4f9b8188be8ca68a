/** The last step of the chain, after the proofs: rows and devices get their final state, and the whole gets its sentence. */
import type { HardwareDevice, ProviderState, Reach } from '#contract';
import { COREML_DECIDES, DISPLAY_ONLY } from './devices/words.ts';
import type { Proof } from './prove.ts';
import { SOFTWARE_ONLY } from './providers.ts';
import { joined } from './words.ts';

const ORDER: readonly Reach[] = ['absent', 'present', 'driver ok', 'runtime ok', 'verified'];

const NOT_TRIED = 'Not tried yet: no model was run on it.';

/** @param proof undefined when none was tried */
export function withProof(row: ProviderState, proof: Proof | undefined, platform: string): ProviderState {
  if (row.state !== 'runtime ok') return row;
  if (proof === undefined) return { ...row, reason: row.reason ?? NOT_TRIED };
  if (proof.ok) return { ...row, state: 'verified', proof: { nodes: proof.nodes, latencyMs: proof.latencyMs } };
  const remedy = platform === 'linux' ? remedyFor(proof.reason) : undefined;
  return { ...row, reason: `A tiny model did not run on it: ${proof.reason}`, ...(remedy && { remedy }) };
}

function remedyFor(reason: string): ProviderState['remedy'] {
  if (/adapter|shaderUniform|Vulkan/i.test(reason))
    return {
      text: 'The Vulkan driver is too old or does not answer. Update it (Mesa 25 or newer), then detect again.',
      command: 'sudo apt-get install mesa-vulkan-drivers',
    };
  const library = /(lib[\w.+-]+\.so[\d.]*)/.exec(reason)?.[1];
  if (library) return { text: `Install the package that brings ${library}, or name its folder in LD_LIBRARY_PATH.` };
  return undefined;
}

/**
 * A device gets as far as the best of its providers; where none is verified, the best one's reason is the device's. A proof
 * says which provider ran, not which device: where several could have, only CUDA's rule (device 0) settles it.
 * @param cudaFirst id of the device CUDA calls 0, where it was asked
 */
export function withProviders(devices: readonly HardwareDevice[], providers: readonly ProviderState[], cudaFirst?: string): HardwareDevice[] {
  return devices.map((device) => {
    const own = device.providers.flatMap((name) => providers.find((row) => row.name === name) ?? []);
    const verified = own.filter((row) => row.state === 'verified' && row.reason !== SOFTWARE_ONLY);
    if (verified.some((row) => ranOn(device, row, devices, cudaFirst))) {
      const { stoppedBy: _stoppedBy, remedy: _remedy, ...rest } = device;
      return { ...rest, state: 'verified' };
    }
    if (device.stoppedBy !== undefined) return device;
    const unclear = verified[0];
    if (unclear) return { ...device, state: 'runtime ok', stoppedBy: `${unclear.title} ${WHICH_DEVICE} ${sharing(unclear, devices).length} devices` };
    const best = own.reduce<ProviderState | undefined>((a, b) => (a === undefined || ORDER.indexOf(b.state) > ORDER.indexOf(a.state) ? b : a), undefined);
    if (best === undefined) return device;
    const state = ORDER[Math.max(ORDER.indexOf(device.state), ORDER.indexOf(best.state))] ?? device.state;
    return { ...device, state, ...stopOf(best) };
  });
}

/** What a device has to say for a provider that is not verified. */
export function stopOf({ reason, remedy }: ProviderState): Pick<HardwareDevice, 'stoppedBy' | 'remedy' | 'notTried'> {
  return { ...(reason && { stoppedBy: reason.replace(/\.$/, '') }), ...(remedy && { remedy }), ...(reason === NOT_TRIED && { notTried: true }) };
}

const WHICH_DEVICE = 'ran a model, but does not say on which of';

/** The devices a provider could have run on. */
function sharing(row: ProviderState, devices: readonly HardwareDevice[]): readonly HardwareDevice[] {
  const fitting = devices.filter((device) => device.providers.includes(row.name) && device.stoppedBy !== COREML_DECIDES);
  const able = fitting.filter((device) => device.stoppedBy === undefined);
  return able.length > 0 ? able : fitting;
}

function ranOn(device: HardwareDevice, row: ProviderState, devices: readonly HardwareDevice[], cudaFirst: string | undefined): boolean {
  const candidates = sharing(row, devices);
  // CUDA numbers the fastest card 0, not the first on the bus; only where it was not asked the order of the bus must do.
  if (row.name === 'cuda' || row.name === 'tensorrt') return cudaFirst === undefined ? candidates[0] === device : device.id === cudaFirst;
  return candidates.length === 1 && candidates[0] === device;
}

/**
 * One sentence or two that answer "what runs here?".
 * @param feature the CPU's best vector extension, in people's words
 */
export function summarize(devices: readonly HardwareDevice[], providers: readonly ProviderState[], feature: string | undefined): string {
  const verified = providers.filter((row) => row.state === 'verified');
  const cpu = verified.some((row) => row.name === 'cpu') ? `the CPU${feature ? ` with ${feature}` : ''}` : undefined;
  const used = devices.filter((device) => device.kind !== 'cpu' && device.state === 'verified');
  const accelerated = used.map(
    (device) =>
      `${device.name} (${verified
        .filter((row) => device.providers.includes(row.name))
        .map((row) => row.title)
        .join(', ')})`,
  );
  const unclear = verified.filter((row) => row.name !== 'cpu' && !used.some((device) => device.providers.includes(row.name)));
  const places = [
    ...accelerated,
    ...unclear.map((row) => `${row.reason === SOFTWARE_ONLY ? 'a software renderer' : 'one of the GPUs'} (${row.title})`),
    ...(cpu ? [cpu] : []),
  ];
  const head =
    places.length > 0
      ? `Runs on ${joined(places)}.`
      : providers.some((row) => row.name === 'cpu' && row.state === 'runtime ok' && row.reason === NOT_TRIED)
        ? `Would run on the CPU${feature ? ` with ${feature}` : ''}; no model was run.`
        : 'Nothing runs here yet.';
  const accelerators = devices.filter((device) => device.kind !== 'cpu' && device.stoppedBy !== DISPLAY_ONLY);
  if (accelerators.length === 0) return `${head} No GPU or NPU found.`;
  const waiting = accelerators.filter((device) => device.state !== 'verified' && device.stoppedBy !== undefined && !device.stoppedBy.includes(WHICH_DEVICE));
  // Eight cards with one fault are one sentence.
  const alike = new Map<string, HardwareDevice[]>();
  for (const device of waiting) {
    const key = `${device.name} ${device.stoppedBy}`;
    alike.set(key, [...(alike.get(key) ?? []), device]);
  }
  const tail = [...alike.values()].flatMap((devices) => {
    const [device] = devices;
    if (device?.stoppedBy === undefined) return [];
    if (device.stoppedBy === COREML_DECIDES) return [` ${COREML_DECIDES}.`];
    const only = waiting.filter((other) => other.kind === device.kind).length === devices.length;
    const many = devices.length > 1;
    const what = many ? `${devices.length} × ${device.name}` : only ? `The ${device.kind.toUpperCase()}` : device.name;
    if (device.notTried) return [` ${what} ${many ? 'were' : 'was'} not tried yet.`];
    const how = device.stoppedBy.includes('no runtime path') ? 'from here' : 'yet';
    return [` ${what} can't be used ${how}: ${reasonOf(device.stoppedBy)}.`];
  });
  return head + tail.join('');
}

function reasonOf(stoppedBy: string): string {
  return stoppedBy
    .replace(/: (?:no runtime path from here|the npm package .*)$/, '')
    .replace(/^.* is there, but /, '')
    .replace(/^(A|The|No|Only|Not) /, (word) => word.toLowerCase());
}
