import { EdgewrightError } from '#contract';
import { PROVIDER_NAMES } from '#core/hardware';

/** @throws usage.unknown-provider for a name that no execution provider has */
export function checkProvider(name: string): void {
  if (PROVIDER_NAMES.includes(name)) return;
  throw new EdgewrightError({
    code: 'usage.unknown-provider',
    message: `There is no execution provider "${name}".`,
    expected: PROVIDER_NAMES.join(', '),
    found: name,
    hint: 'edgewright hardware shows which of them work here.',
    owner: 'usage',
  });
}
