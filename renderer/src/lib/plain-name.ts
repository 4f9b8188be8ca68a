/** Names that come out of a model are a stranger's: what cannot be seen, or turns the line around, is written out. */

const UNSEEN = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** The name with every control, invisible or direction-changing character as `⟨U+202E⟩`. Never empty. */
export function plainName(name: string): string {
  if (name === '') return '(unnamed)';
  return name.replace(UNSEEN, (char) => `⟨U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
}

/** A longer text of a stranger, with its lines and tabs kept and everything else that cannot be seen written out. */
export function plainText(text: string): string {
  return text.replace(UNSEEN, (char) => (char === '\n' || char === '\t' ? char : plainName(char)));
}
