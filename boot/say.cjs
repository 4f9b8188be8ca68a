'use strict';
/** What boot tells a person. Always on stderr: stdout belongs to the command, which may be printing JSON. */

/** @param {string} line */
function say(line) {
  process.stderr.write(`edgewright: ${line}\n`);
}

/** A failure of boot itself: one line (and perhaps the output that explains it), and an exit code from the README's table. */
class BootError extends Error {
  /**
   * @param {string} message one line that says what to do
   * @param {number} exitCode
   * @param {string} [detail] output of the tool that failed
   */
  constructor(message, exitCode, detail) {
    super(message);
    this.exitCode = exitCode;
    this.detail = detail;
  }
}

/** The README's exit codes that boot itself can end with. */
const EXIT = { bug: 1, network: 4, machine: 6, usage: 64 };

module.exports = { BootError, EXIT, say };
