// The command `taskrouter`, as an operator runs it against a suite. Gives { code, stdout, stderr }; never throws.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { BIN_DIR, sanitizerOptions } from './suite.mjs';

// environment: more variables; undefined takes one away. input: standard input.
export function command(suite, args, { environment = {}, input = '', timeoutMs = 120000, onStart } = {}) {
  const env = {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    ...sanitizerOptions(),
    TASKROUTER_URL: suite.url,
    TASKROUTER_TOKEN: suite.token,
    ...environment,
  };
  for (const [name, value] of Object.entries(env)) if (value === undefined) delete env[name];
  return new Promise((resolve) => {
    const child = spawn(path.join(BIN_DIR, 'taskrouter'), args, { env, cwd: suite.dir });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.stdin.on('error', () => {}); // it may not read it
    child.once('error', (error) => resolve({ code: -1, stdout, stderr: String(error) }));
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? -1, signal, stdout, stderr });
    });
    child.stdin.end(input);
    onStart?.(child);
  });
}
