// Waiting on conditions with a deadline; never on time passing.
import { setTimeout as delay } from 'node:timers/promises';

// Thrown by a check: what is waited for will not come.
export class Hopeless extends Error {}

// Asks check() until it gives something truthy, which is returned. What it throws counts as "not
// yet" and is part of the message when the deadline passes.
export async function until(what, check, { timeoutMs = 15000, everyMs = 20 } = {}) {
  const end = Date.now() + timeoutMs;
  let last = '';
  for (;;) {
    try {
      const value = await check();
      if (value) return value;
      last = `last answer: ${JSON.stringify(value)}`;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      last = error.message;
    }
    if (Date.now() >= end) throw new Error(`not within ${timeoutMs} ms: ${what} (${last})`);
    await delay(everyMs);
  }
}

// Runs job(i) for i in 0..count-1, at most `width` at a time; results in order.
export async function inParallel(count, width, job) {
  const results = new Array(count);
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const i = next++;
      results[i] = await job(i);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
  return results;
}
