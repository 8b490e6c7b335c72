#!/usr/bin/env node
/**
 * A shim for BoGo, BoringSSL's protocol tests: one process, one connection and those that resume it, our core behind a
 * command line.
 *
 * Exit codes: 0 as asked, 1 the connection failed (why: on stderr), 89 something we do not have, 90 the shim's own
 * expectations were not met.
 */
import { readFlags } from './bogo-flags.js';
import { wishesOf } from './bogo-terms.js';

const unimplemented = 89;

const argv = process.argv.slice(2);
if (argv.includes('-is-handshaker-supported')) {
  process.stdout.write('No\n');
  process.exit(0);
}
const initial = readFlags(argv, 'initial') ?? process.exit(unimplemented);
const resumed = readFlags(argv, 'resume') ?? process.exit(unimplemented);
const retried = readFlags(argv, 'retry') ?? process.exit(unimplemented);
const initialWishes = wishesOf(initial) ?? process.exit(unimplemented);
const resumedWishes = wishesOf(resumed) ?? process.exit(unimplemented);

// Only now: a start that ends with 89 shall be a quick one.
const { runConnection } = await import('./bogo-connection.js');
const { Memory } = await import('./bogo-memory.js');

const memory = new Memory();
const first = { flags: initial, retryFlags: initial, wishes: initialWishes };
const others = { flags: resumed, retryFlags: retried, wishes: resumedWishes };
const resumeCount = initial.number('resume-count') ?? 0;
for (let index = 0; index <= resumeCount; index += 1) {
  const task = { ...(index === 0 ? first : others), isResume: index > 0 };
  const { code, text } = await runConnection(task, memory);
  if (code !== 0) {
    process.stderr.write(`${text}\n`);
    process.exitCode = code;
    break;
  }
  memory.now += (initial.number('resumption-delay') ?? 0) * 1000;
}
