// A child process whose output goes to a file. It dies with us, whatever ends us.
import { spawn } from 'node:child_process';
import fs from 'node:fs';

const TAIL_BYTES = 6000;

export class Process {
  // options: { name, program, args, env, logFile, user (only used as root), deathSignal, cwd }
  constructor(options) {
    this.options = options;
    this.name = options.name;
    this.child = null;
    this.exit = null; // { code, signal } of the last run
    this.starts = 0;
  }

  get pid() {
    return this.child?.pid ?? 0;
  }

  get isAlive() {
    return this.child !== null && this.exit === null;
  }

  start() {
    if (this.isAlive) throw new Error(`${this.name} is running`);
    const { program, args = [], env, logFile, user, deathSignal = 'KILL', cwd } = this.options;
    // A plain exec in the end, so the pid stays; the shell is none.
    const words = ['--pdeathsig', deathSignal];
    if (user && process.getuid() === 0) {
      words.push(`--reuid=${user}`, `--regid=${user}`, '--init-groups');
    }
    const log = fs.openSync(logFile, 'a');
    const child = spawn('setpriv', [...words, program, ...args], { cwd, env, stdio: ['ignore', log, log] });
    fs.closeSync(log);
    this.child = child;
    this.exit = null;
    this.starts++;
    this.ended = new Promise((resolve) => {
      const done = (exit) => {
        if (this.child === child) this.exit = exit;
        resolve(exit);
      };
      child.once('error', (error) => done({ code: -1, signal: null, error }));
      child.once('exit', (code, signal) => done({ code, signal }));
    });
    return this;
  }

  signal(signal) {
    if (this.isAlive) this.child.kill(signal);
  }

  // Ends it and waits; after graceMs it is killed, which counts as an exit by SIGKILL.
  async stop(signal = 'SIGTERM', graceMs = 30000) {
    if (!this.isAlive) return this.exit;
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), graceMs);
    const exit = await this.ended;
    clearTimeout(timer);
    return exit;
  }

  log() {
    try {
      return fs.readFileSync(this.options.logFile, 'utf8');
    } catch {
      return '';
    }
  }

  tail() {
    const text = this.log();
    return text.length > TAIL_BYTES ? `…${text.slice(-TAIL_BYTES)}` : text;
  }
}

// A directory that is removed when we are gone, whatever ended us: a shell waits for its standard
// input to close, which the kernel does for us in any case.
export function startJanitor(dir) {
  const child = spawn(
    'sh',
    [
      '-c',
      'cat >/dev/null; for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$0" && [ ! -e "$0" ] && exit; sleep 0.2; done',
      dir,
    ],
    { detached: true, stdio: ['pipe', 'ignore', 'ignore'] },
  );
  child.unref();
  child.stdin.unref?.();
  return {
    async finish() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.ref();
      child.stdin.end();
      await ended;
    },
  };
}

// Runs to its end; throws with its output when it fails.
export function run(program, args, { env, user, cwd, input, timeoutMs = 60000 } = {}) {
  const words =
    user && process.getuid() === 0
      ? [
          'setpriv',
          '--pdeathsig',
          'KILL',
          `--reuid=${user}`,
          `--regid=${user}`,
          '--init-groups',
          program,
          ...args,
        ]
      : ['setpriv', '--pdeathsig', 'KILL', program, ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(words[0], words.slice(1), { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    child.stdin.on('error', () => {}); // it may end without reading
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(out);
      else
        reject(new Error(`${program} ${args.join(' ')}: ${signal ?? `exit status ${code}`}\n${out}${err}`));
    });
    child.stdin.end(input ?? '');
  });
}
