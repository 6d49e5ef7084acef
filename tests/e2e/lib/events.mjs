// The events of a workspace as another program would take them from JetStream.
import { connect } from 'nats';

export async function natsEvents(suite, workspace = suite.workspace) {
  const connection = await connect({
    servers: suite.natsUrl,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
  });
  const consumer = await connection
    .jetstream()
    .consumers.get('TASKROUTER', { filterSubjects: `taskrouter.${workspace}.>` });
  const events = []; // { subject, msgId, event } in the order of the stream
  const messages = await consumer.consume({
    callback: (message) =>
      events.push({
        subject: message.subject,
        msgId: message.headers?.get('Nats-Msg-Id') ?? '',
        event: message.json(),
      }),
  });
  const close = async () => {
    await messages.close();
    await connection.close();
  };
  suite.onClose(close);
  return { events, connection };
}

// "com.taskrouter.task.created" is Twilio's "task.created".
export const eventType = (cloudEvent) => cloudEvent.type.replace(/^com\.taskrouter\./, '');

// The task that an event is about, or undefined.
export const taskOf = (cloudEvent) => cloudEvent.data?.task?.sid;

// True when `part` is in `whole` in this order, with anything between.
export function isInOrder(part, whole) {
  let next = 0;
  for (const item of whole) if (item === part[next]) next++;
  return next === part.length;
}
