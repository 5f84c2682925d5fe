// A loader for webpack: other letters as escapes. Node reads a file of ASCII alone without converting it, and V8 keeps it with half the memory.
'use strict';

module.exports = function ascii(source, map) {
  this.callback(null, source.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`), map);
};
