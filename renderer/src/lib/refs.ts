/** References as the contract writes them: `name@version` and `name@version#variant`. */

export function refOf(bundle: { name: string; version: string }): string {
  return `${bundle.name}@${bundle.version}`;
}

export function variantRef(ref: string, variant: string): string {
  return `${ref}#${variant}`;
}

/** The `name@version` part. */
export function bundlePart(ref: string): string {
  return ref.split('#')[0] ?? ref;
}
