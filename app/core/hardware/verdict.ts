/** The last step of the chain, after the proofs: rows and devices get their final state, and the whole gets its sentence. */
import type { HardwareDevice, ProviderState, Reach } from '#contract';
import type { Proof } from './prove.ts';

const ORDER: readonly Reach[] = ['absent', 'present', 'driver ok', 'runtime ok', 'verified'];

/** @param proof undefined when none was tried */
export function withProof(row: ProviderState, proof: Proof | undefined): ProviderState {
  if (row.state !== 'runtime ok') return row;
  if (proof === undefined) return { ...row, reason: row.reason ?? 'Not tried yet: no model was run on it.' };
  if (proof.ok) return { ...row, state: 'verified', proof: { nodes: proof.nodes, latencyMs: proof.latencyMs } };
  const remedy = remedyFor(proof.reason);
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

/** A device gets as far as the best of its providers; where none is verified, the best one's reason is the device's. */
export function withProviders(device: HardwareDevice, providers: readonly ProviderState[]): HardwareDevice {
  if (device.stoppedBy !== undefined) return device;
  const own = device.providers.flatMap((name) => providers.find((row) => row.name === name) ?? []);
  const best = own.reduce<ProviderState | undefined>((a, b) => (a === undefined || ORDER.indexOf(b.state) > ORDER.indexOf(a.state) ? b : a), undefined);
  if (best === undefined) return device;
  const state = ORDER[Math.max(ORDER.indexOf(device.state), ORDER.indexOf(best.state))] ?? device.state;
  if (state === 'verified') return { ...device, state };
  return { ...device, state, ...(best.reason && { stoppedBy: best.reason.replace(/\.$/, '') }), ...(best.remedy && { remedy: best.remedy }) };
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
  const places = [...accelerated, ...(cpu ? [cpu] : [])];
  const head =
    places.length > 0
      ? `Runs on ${joined(places)}.`
      : providers.some((row) => row.name === 'cpu' && row.state === 'runtime ok' && row.proof === undefined && row.reason?.startsWith('Not tried'))
        ? `Would run on the CPU${feature ? ` with ${feature}` : ''}; no model was run.`
        : 'Nothing runs here yet.';
  const accelerators = devices.filter((device) => device.kind !== 'cpu' && device.stoppedBy !== 'it only drives a display');
  if (accelerators.length === 0) return `${head} No GPU or NPU found.`;
  const waiting = accelerators.filter((device) => device.state !== 'verified' && device.stoppedBy !== undefined);
  const tail = waiting.map((device) => {
    const what = waiting.filter((other) => other.kind === device.kind).length > 1 ? device.name : `The ${device.kind.toUpperCase()}`;
    return device.stoppedBy?.includes('no runtime path')
      ? ` ${what} can't be used from here: ${reasonOf(device.stoppedBy)}.`
      : ` ${what} can't be used yet: ${device.stoppedBy}.`;
  });
  return head + tail.join('');
}

function reasonOf(stoppedBy: string): string {
  return stoppedBy.replace(/: no runtime path from here$/, '').replace(/^.* is there, but /, '');
}

function joined(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
