// Ports that a test may promise to its services before they listen. They lie below the range from
// which the kernel takes ports for outgoing connections, in blocks; whoever holds the first port of a
// block owns the rest of it, so that tests that run side by side never promise the same one.
import net from 'node:net';

const FIRST = 29184;
const BLOCK = 32;
const BLOCKS = 112;

function listen(port) {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });
}

const close = (server) => new Promise((resolve) => server.close(resolve));

async function isFree(port) {
  try {
    await close(await listen(port));
    return true;
  } catch {
    return false;
  }
}

// { take(): a free port, release() }
export async function reservePorts() {
  const start = Math.floor(Math.random() * BLOCKS);
  for (let i = 0; i < BLOCKS; i++) {
    const base = FIRST + ((start + i) % BLOCKS) * BLOCK;
    let guard;
    try {
      guard = await listen(base);
    } catch {
      continue;
    }
    guard.unref();
    let next = base + 1;
    return {
      async take() {
        while (next < base + BLOCK) {
          const port = next++;
          if (await isFree(port)) return port;
        }
        throw new Error('the block of ports is used up');
      },
      release: () => close(guard),
    };
  }
  throw new Error('no block of ports is free');
}
