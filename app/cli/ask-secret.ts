/** Asks for a passphrase on the terminal, without showing it. Whatever stdin and stdout are used for stays untouched. */
import { openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { EdgewrightError } from '#contract';

/** How long a person may take to type, in ms. */
const PROMPT_WAIT_MS = 5 * 60_000;
/** Longest that is taken, in characters. */
const MAX_CHARS = 1024;

const [ENTER, LINE_FEED, CTRL_C, CTRL_D, CTRL_U, BACKSPACE, DELETE] = ['\r', '\n', '\u0003', '\u0004', '\u0015', '\b', '\u007f'];

/** undefined where there is no terminal to ask on. @throws cancelled on Ctrl-C, and when nobody types for long */
export async function askSecret(question: string): Promise<string | undefined> {
  const terminal = openTerminal();
  if (!terminal) return undefined;
  const wasRaw = terminal.isRaw;
  process.stderr.write(`${question}: `);
  terminal.setRawMode(true);
  try {
    return await readLine(terminal);
  } finally {
    terminal.setRawMode(wasRaw);
    process.stderr.write('\n');
    if (terminal === process.stdin) terminal.pause();
    else terminal.destroy();
  }
}

/** Asks twice. @throws usage.passphrase-differs */
export async function askNewSecret(what: string): Promise<string | undefined> {
  const first = await askSecret(`New ${what}`);
  if (first === undefined) return undefined;
  if ((await askSecret(`The same again`)) === first) return first;
  throw new EdgewrightError({
    code: 'usage.passphrase-differs',
    message: 'The two are not the same.',
    hint: 'Nothing was changed. Run it again.',
    owner: 'usage',
  });
}

/** stdin where it is a terminal; else the terminal of this session, since stdin may carry a code or a file. */
function openTerminal(): ReadStream | undefined {
  if (!process.stderr.isTTY) return undefined;
  if (process.stdin.isTTY) return process.stdin;
  if (process.platform === 'win32') return undefined;
  try {
    return new ReadStream(openSync('/dev/tty', 'r'));
  } catch {
    return undefined;
  }
}

function readLine(terminal: ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed: string[] = [];
    const end = (settle: () => void) => {
      clearTimeout(timer);
      terminal.off('data', onData);
      terminal.off('end', onEnd);
      settle();
    };
    const cancel = () => end(() => reject(new EdgewrightError({ code: 'cancelled', message: 'Cancelled.', owner: 'cancelled' })));
    const timer = setTimeout(cancel, PROMPT_WAIT_MS);
    const onEnd = cancel;
    const onData = (text: string) => {
      for (const key of text) {
        if (key === ENTER || key === LINE_FEED) return end(() => resolve(typed.join('')));
        if (key === CTRL_C || (key === CTRL_D && typed.length === 0)) return cancel();
        if (key === CTRL_U) typed = [];
        else if (key === BACKSPACE || key === DELETE) typed.pop();
        else if (key >= ' ' && typed.length < MAX_CHARS) typed.push(key);
      }
    };
    terminal.setEncoding('utf8');
    terminal.on('data', onData);
    terminal.on('end', onEnd);
    terminal.resume();
  });
}
