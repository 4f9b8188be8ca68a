/** What a deployment carries, and whether a device can take it. */
import { asEdgewrightError, type BundleDetail, type DeploySpec, EdgewrightError, type ErrorBody, type Preflight, type Variant } from '#contract';
import { MANIFEST_TYPE, type Registry } from '#core/bundles';
import type { Contacts } from './contacts.ts';
import type { DeviceRow } from './device-store.ts';
import { checkDevice, type Verdict } from './preflight.ts';
import type { AgentStatus, DeploymentOrder, Descriptor } from '#core/protocol';

/** The same for every device of one request. */
export interface Cargo {
  /** name@version */
  ref: string;
  order: Omit<DeploymentOrder, 'id'>;
  /** Digests of the blobs that are OCI manifests, in the order they are pushed: the variant's own last. */
  manifests: string[];
  bundle: BundleDetail;
  variant: Variant;
}

/** @throws what the registry says of the reference */
export async function cargoOf(registry: Registry, spec: Pick<DeploySpec, 'ref' | 'variant' | 'watch' | 'allowDowngrade'>): Promise<Cargo> {
  const [base = spec.ref] = spec.ref.split('#');
  const { name, version, variant } = registry.resolve(spec.variant === undefined ? spec.ref : `${base}#${spec.variant}`);
  const ref = `${name}@${version}`;
  const bundle = await registry.show(ref);
  const closure = await registry.manifestClosure(variant.digest);
  const blobs: Descriptor[] = [...new Map(closure.map(({ digest, size }) => [digest, { digest, size }])).values()];
  const own = blobs.find((b) => b.digest === variant.digest);
  if (!own) throw new EdgewrightError({ code: 'bug', message: 'A variant does not list its own manifest.', found: variant.digest, owner: 'bug' });
  const others = closure.filter((f) => f.mediaType === MANIFEST_TYPE && f.digest !== own.digest).map((f) => f.digest);
  const order = {
    name,
    version,
    variant: variant.name,
    manifest: own,
    blobs,
    watch: spec.watch,
    limits: bundle.limits ?? {},
    allowDowngrade: spec.allowDowngrade,
  };
  return { ref, order, manifests: [...others, own.digest], bundle, variant };
}

export interface CheckParts {
  contacts: Contacts;
  registry: Registry;
  verdictFor: (ref: string, variant: string) => Verdict;
  onnxruntime?: string | undefined;
}

/** Asks the device how it is and checks the cargo against it. */
export async function checkCargo(parts: CheckParts, row: DeviceRow, cargo: Cargo): Promise<{ preflight: Preflight; unreachable: ErrorBody | undefined }> {
  const { contacts, registry, verdictFor, onnxruntime } = parts;
  const status = await contacts.ask(row).catch((error: unknown) => asEdgewrightError(error).toBody());
  const answered = 'agentVersion' in status;
  const preflight = checkDevice({
    device: row.name,
    status,
    bundle: cargo.bundle,
    variant: cargo.variant,
    blobs: cargo.order.blobs,
    allowDowngrade: cargo.order.allowDowngrade,
    there: answered ? await blobsOn(registry, status) : new Set(),
    verdict: verdictFor(cargo.ref, cargo.variant.name),
    ...(onnxruntime !== undefined && { onnxruntime }),
  });
  return { preflight, unreachable: answered ? undefined : status };
}

/** Blobs of the bundles that a device reports, as far as this workspace still knows them. */
async function blobsOn(registry: Registry, status: AgentStatus): Promise<Set<string>> {
  const kept = status.bundles.filter((b) => b.state === 'active' || b.state === 'on trial' || b.state === 'previous');
  const closures = await Promise.all(kept.map((b) => registry.manifestClosure(b.digest).catch(() => [])));
  return new Set(closures.flat().map((f) => f.digest));
}
