/*
 * Every npm script is `node boot.cjs NAME ...args`. This file must parse on any Node ever released, so that one that is
 * too old gets a clear line instead of a syntax error: hence `var`, no arrow functions, no template strings.
 * What needs Node 20 is in boot/, loaded only after the check.
 */
'use strict';

var OLDEST_NODE = 20;
var EXIT_MACHINE = 6;

/**
 * The line to print for a Node that is too old; undefined for one that will do.
 * @param {string} version process.version: 'v8.17.0'
 */
function tooOld(version) {
  var major = parseInt(String(version).replace(/^v/, ''), 10);
  if (major >= OLDEST_NODE) return undefined;
  return (
    'edgewright: this is Node.js ' +
    version +
    ', and Edgewright needs Node.js ' +
    OLDEST_NODE +
    ' or newer. Install it from https://nodejs.org, then run this again.'
  );
}

if (require.main === module) {
  var problem = tooOld(process.version);
  if (problem) {
    process.stderr.write(problem + '\n');
    process.exitCode = EXIT_MACHINE;
  } else {
    require('./boot/main.cjs').main(process.argv.slice(2));
  }
}

module.exports = { tooOld: tooOld };
