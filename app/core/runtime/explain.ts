/** ONNX Runtime's errors in our words: which node, and why, without its source paths and signatures. */
import { isOperatorName, safeText, shown } from '#core/onnx';
import { LAST_WORDS_CHARS } from './limits.ts';

export interface Explained {
  /** `node 'conv1' (Conv)`, where it can be told. */
  where?: string;
  /** Why, in one sentence or a few; safe to print. */
  reason: string;
  /** The model is valid, but this build of ONNX Runtime has no code for one of its nodes with these types. */
  notImplemented: boolean;
}

/** How ONNX Runtime names a node in its messages; `node` and `op` as it wrote them, `rest` what it says of it. */
const NODE_FORMS: readonly RegExp[] = [
  /Node \((?<node>[\s\S]*?)\) Op \((?<op>[\s\S]*?)\) (?<rest>[\s\S]*)/,
  /In Node, \("(?<node>[\s\S]*?)", (?<op>[^,]*), "[^"]*", -?\d+\) : [\s\S]*?, Error (?<rest>[\s\S]*)/,
  /while running (?<op>\S+) node\. Name:'(?<node>[\s\S]*?)' Status Message: (?<rest>[\s\S]*)/,
  /(?<rest>Could not find an implementation for (?<op>[^\s(]+)\([^)]*\)) node with name '(?<node>[\s\S]*)'/,
  /(?<rest>Type parameter \([^)]*\) of Optype \((?<op>[^)]*)\) bound to different types \([\s\S]*?)in node \((?<node>[\s\S]*?)\)\./,
  /(?<rest>Type '[^']*' of \w+ (?:parameter|arg) \([\s\S]*?\) of operator \((?<op>[^)]*)\)) in node \((?<node>[\s\S]*?)\) is invalid/,
  /(?<rest>Type \([^\s]*\) of output arg \([\s\S]*?\)) of node \((?<node>[\s\S]*?)\)/,
];

/** What this build or this computer lacks, a language's locale among it, and not the model. */
const NOT_IMPLEMENTED =
  /NOT_IMPLEMENTED|Could not find an implementation|Failed to find kernel|not implemented|(is|are) not (yet )?supported|Failed to construct locale/i;

/** @param message as ONNX Runtime threw it: it may hold any text of the model */
export function explain(message: string): Explained {
  return explainPart(message, MAX_NESTED_NODES);
}

function explainPart(message: string, deeper: number): Explained {
  const text = message.slice(0, MAX_EXPLAINED_CHARS).replace(/^[\s\S]{0,80}?Load model from [\s\S]*? failed:\s*/, '');
  const notImplemented = NOT_IMPLEMENTED.test(text);
  for (const form of NODE_FORMS) {
    const { node, op, rest } = form.exec(text)?.groups ?? {};
    if (node === undefined || rest === undefined) continue;
    // A node that runs a subgraph hands on what one of that said.
    const inner = deeper > 0 ? explainPart(rest, deeper - 1) : undefined;
    const reason = inner?.where === undefined ? reasonOf(rest) : `${inner.where}: ${inner.reason}`;
    return { where: nodeWords(node, op), reason, notImplemented };
  }
  const operator = deeper === MAX_NESTED_NODES ? operatorOf(text) : undefined;
  return { ...(operator !== undefined && { where: `a node of the operator ${operator}` }), reason: reasonOf(text), notImplemented };
}

/** Code of one operator that refuses its attributes names no node, only itself: `onnxruntime::LRN<T>::LRN(const OpKernelInfo&)`. */
const OPERATOR_CODE = /onnxruntime::(?:\w+::)*(\w+?)(?:Op|Impl|Base|Common|Attributes\w*|_\d+)?(?:<[^(]{0,200}>)?::~?\w+\(/;

function operatorOf(text: string): string | undefined {
  const name = OPERATOR_CODE.exec(text)?.[1];
  return name !== undefined && isOperatorName(name) ? name : undefined;
}

/** Longest message looked at, in characters: the patterns above go over it several times. */
const MAX_EXPLAINED_CHARS = 4_000;
/** Nodes inside each other that are named. */
const MAX_NESTED_NODES = 2;

function nodeWords(node: string, op: string | undefined): string {
  const name = node.trim() === '' ? 'a node without a name' : `node ${shown(node)}`;
  return op ? `${name} (${shown(op).slice(1, -1)})` : name;
}

function reasonOf(text: string): string {
  const plain = withoutSource(text)
    .replace(/\[(Shape|Type)InferenceError\]\s*/g, '')
    .replace(/\[ONNXRuntimeError\] : \d+ : \w+ : /g, '')
    .replace(/^(?:\s*(?:This is an invalid model\.|Exception during initialization:|Error:|Fatal error:|Type Error:))+\s*/, '')
    .replace(/(^|\s)\S*::<lambda\([^)]*\)>\s*/g, '$1')
    .replace(/\s+/g, ' ')
    .trim();
  return safeText(plain, LAST_WORDS_CHARS) || 'ONNX Runtime gave no reason';
}

/** Takes out `/onnxruntime_src/…/file.cc:123 type Class::function(arguments)`, which says nothing about the model. */
function withoutSource(text: string): string {
  let rest = text;
  for (let times = 0; times < 4; times++) {
    const found = /\S*(?:onnxruntime_src\S*|\w+\.(?:cc|h)):\d+ /.exec(rest);
    if (!found) break;
    const before = rest.slice(0, found.index);
    let after = rest.slice(found.index + found[0].length);
    const open = after.indexOf('(');
    const signature = open >= 0 && /^[\w:<>*&,~\s]+$/.test(after.slice(0, open)) && after.slice(0, open).includes('::');
    if (signature)
      after = afterParentheses(after, open)
        .replace(/^\s*(const|noexcept)\b/, '')
        .replace(/^\s*\[with [^\]]*\]/, '');
    rest = `${before}${after.trimStart()}`;
  }
  return rest;
}

function afterParentheses(text: string, open: number): string {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return text.slice(i + 1);
  }
  return text;
}
