/** Devices that Windows and macOS list by themselves. */
import type { HardwareDevice } from '#contract';
import { type Place, shippedProviders } from '../place.ts';
import type { ListedDevice } from '../probes/listed.ts';
import { BASIC_DISPLAY } from '../probes/windows.ts';
import { COREML_DECIDES, NO_PATH } from './words.ts';

/** The provider that reaches a neural processor on Windows, were it in the Node package. */
const NPU_PROVIDER: readonly [RegExp, string][] = [
  [/intel|ai boost/i, 'OpenVINO'],
  [/amd|ryzen|xdna|ipu/i, 'VitisAI'],
  [/qualcomm|snapdragon|hexagon/i, 'QNN'],
];

export function listedDevice(listed: ListedDevice, place: Place): HardwareDevice {
  const shipped = shippedProviders(place.platform, place.arch);
  const providers = listed.kind === 'gpu' ? shipped.filter((name) => name !== 'cpu') : shipped.filter((name) => name === 'coreml');
  const base = {
    kind: listed.kind,
    name: listed.name,
    providers,
    ...(listed.vendor && { vendor: listed.vendor }),
    ...(listed.driver && { driver: listed.driver }),
    ...(listed.memoryBytes !== undefined && { memoryBytes: listed.memoryBytes }),
    facts: [
      { name: 'listed by', value: listed.name, source: listed.source },
      ...(listed.pciId ? [{ name: 'PCI id', value: listed.pciId, source: listed.source }] : []),
      ...(listed.adapterIndex === undefined ? [] : [{ name: 'number for DirectML', value: String(listed.adapterIndex), source: listed.source }]),
      ...(listed.facts ?? []).map((fact) => ({ ...fact, source: listed.source })),
    ],
  };
  if (BASIC_DISPLAY.test(listed.name))
    return {
      ...base,
      state: 'present',
      stoppedBy: 'Windows draws with its basic driver: the one of the graphics card is not installed',
      remedy: {
        text: "Install the graphics driver from the computer's or the card's maker, or let Windows Update find it. A server without graphics needs none.",
      },
    };
  if (listed.problem) {
    const reach = providers.length > 0 ? '' : ' Other programs can use it then; ONNX Runtime for Node does not reach it.';
    const text = listed.mend ?? 'Install its driver anew, or let Windows Update find one; the device manager shows more.';
    return {
      ...base,
      state: 'present',
      stoppedBy: listed.problem,
      remedy: { text: text + reach, command: 'devmgmt.msc' },
      ...(providers.length === 0 && { noPath: true }),
    };
  }
  if (listed.kind === 'npu' && providers.includes('coreml')) return { ...base, state: 'driver ok', stoppedBy: COREML_DECIDES };
  // A device the system lists by name has a driver: without one Windows shows another class, and macOS brings its own.
  if (providers.length > 0) return { ...base, state: 'driver ok' };
  const provider = NPU_PROVIDER.find(([pattern]) => pattern.test(`${listed.name} ${listed.vendor ?? ''}`))?.[1] ?? 'matching';
  return { ...base, state: 'driver ok', stoppedBy: NO_PATH(listed.name, listed.kind === 'npu' ? provider : 'GPU'), noPath: true };
}
