import type { TrialVariant } from '#contract';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { ToneIcon } from '../../parts/meaning.tsx';
import styles from './trials.module.css';

/** What went wrong with a variant, what to be warned of, and nodes that did not run where they were asked to. */
export function VariantNotes({ variants }: { variants: readonly TrialVariant[] }) {
  const warnings = variants.flatMap((variant) => variant.warnings.map((warning) => ({ variant: variant.name, ...warning })));
  const fallbacks = variants.flatMap((variant) =>
    variant.machines.flatMap((machine) => machine.providers.fallbacks.map((fallback) => ({ variant: variant.name, ...fallback }))),
  );
  return (
    <>
      {variants.map((variant) => variant.error && <ErrorPanel key={variant.name} error={variant.error} title={`${variant.name} was not measured.`} />)}
      {warnings.length > 0 && (
        <ul className={styles.warnings} aria-label="Warnings">
          {warnings.map((warning) => (
            <li key={`${warning.variant} ${warning.code} ${warning.where ?? ''}`}>
              <ToneIcon tone="notice" />
              <span>
                {warning.variant}: {warning.message} {warning.where !== undefined && <code>{warning.where}</code>}
              </span>
            </li>
          ))}
        </ul>
      )}
      {fallbacks.length > 0 && (
        <details className={styles.fallbacks}>
          <summary>{fallbacks.length} nodes ran on another provider than asked for</summary>
          <ul>
            {fallbacks.map((fallback) => (
              <li key={`${fallback.variant} ${fallback.node}`}>
                {fallback.variant}: <code>{fallback.node}</code> ({fallback.op}) ran on {fallback.provider}: {fallback.reason}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
