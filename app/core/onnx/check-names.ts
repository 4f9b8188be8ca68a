/** Names that look like something else on a screen, in a terminal or in a spreadsheet, and nodes that hide what they hold. */
import { findAttribute, intAttribute, textAttribute } from './attributes.ts';
import { refuse, shown } from './errors.ts';
import { insideFolder } from './external.ts';
import type { Findings } from './findings.ts';
import { MAX_LOOKED_AT_NAME } from './limits.ts';
import { normalDomain, type OnnxModel } from './model.ts';
import { scopes } from './walk.ts';

export function warnOfNames(model: OnnxModel, findings: Findings): void {
  const seen = new Set<string>();
  const look = (name: string | undefined, what: string) => {
    if (!name || seen.has(name)) return;
    seen.add(name);
    const why = suspicious(name);
    if (why) findings.warn('names.suspicious', `The ${what} ${shown(name)} holds ${why}. It is shown in a safe form everywhere.`, shown(name));
  };
  look(model.producerName, 'producer name');
  for (const scope of scopes(model)) {
    for (const info of [...(scope.graph?.input ?? []), ...(scope.graph?.output ?? [])]) look(info.name, 'value name');
    for (const tensor of scope.graph?.initializer ?? []) look(tensor.name, 'tensor name');
    for (const node of scope.node) {
      look(node.name, 'node name');
      for (const name of node.output) look(name, 'value name');
    }
  }
  for (const entry of model.metadataProps) look(entry.key, 'metadata key');
}

/** Each pattern goes over a name once, whatever is in it: a name may be made to keep a pattern busy. */
function suspicious(name: string): string | undefined {
  if (name.length > MAX_LOOKED_AT_NAME) return `${name.length} characters`;
  if (/[\p{Cc}]/u.test(name)) return 'control characters';
  if (/[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u.test(name)) return 'invisible or direction-changing characters';
  if (/<[/!]?[a-z][^<>]*>/i.test(name)) return 'HTML';
  if (/^[=+@-].*[(|!]/u.test(name)) return 'a spreadsheet formula';
  return undefined;
}

/**
 * Nodes that hold a program compiled for one accelerator: nobody can look into it, and it may lie in a file of its own.
 * @throws model.external-outside, model.external-missing
 */
export async function checkCompiled(model: OnnxModel, findings: Findings): Promise<void> {
  for (const scope of scopes(model)) {
    for (const [index, node] of scope.node.entries()) {
      if (normalDomain(node.domain) !== 'com.microsoft' || (node.opType !== 'EPContext' && node.opType !== 'Snpe')) continue;
      const who = shown(node.name || node.opType);
      findings.warn(
        'node.compiled',
        `Node ${who} holds a program compiled for one accelerator (${shown(textAttribute(node, 'source') ?? 'not named')}). It cannot be checked, and runs nowhere else.`,
        who,
      );
      const file = intAttribute(node, 'embed_mode', 1) === 0 ? textAttribute(node, 'ep_cache_context') : undefined;
      if (file !== undefined && intAttribute(node, 'main_context', 1) !== 0) await insideFolder(model.dir, file, who);
      if (findAttribute(node, 'onnx_model_filename')) {
        const name = textAttribute(node, 'onnx_model_filename') ?? '';
        if (/[\\/]/.test(name)) throw refuse('model.external-outside', `Node ${index} (${who}) names a model file outside its folder.`, { found: shown(name) });
      }
    }
  }
}
