import { deadLetterTopic } from '@ballast/message';
import { RecordRefusedError } from '../../src/index.js';
import { eventually } from '../harness.js';
import { type Fixture, record } from './fixture.js';

export function sending(f: Fixture): void {
  it('makes the topics it is told of, each with its dead-letter topic', async () => {
    const [one, two] = [f.newTopic(), f.newTopic()];
    const reader = await f.read(f.newGroup(), [one, two, deadLetterTopic(two)]);
    await f.send(reader.transport, [record(one, 'a', 'first'), record(two, 'a', 'second'), record(deadLetterTopic(two), 'a', 'third')]);
    // Nobody reads these.
    await f.send(reader.transport, [record(deadLetterTopic(one), 'a', 'fourth')]);
    await eventually(() => expect(reader.values().sort()).toEqual(['first', 'second', 'third']));
  });

  it('may be told of topics again, and by several clients at once', async () => {
    const topics = [f.newTopic(), f.newTopic()];
    const [one] = await Promise.all([f.connect(...topics), f.connect(...topics), f.connect(...topics)]);
    await one.connect([...topics, f.newTopic()]);
    await f.send(one, [record(topics[0]!, 'a')]);
  });

  it('refuses for good a topic that nobody made', async () => {
    const transport = await f.connect(f.newTopic());
    const lost = transport.send([record(f.newTopic(), 'a')]);
    await expect(lost).rejects.toThrow(RecordRefusedError);
    await expect(lost).rejects.toMatchObject({ reason: 'UNKNOWN_TOPIC_OR_PARTITION' });
  });

  it('refuses for good a record that is too large, and takes one just below', async () => {
    const topic = f.newTopic();
    const reader = await f.read(f.newGroup(), [topic]);
    // What compresses would fit, so each is of its own kind.
    const large = Array.from({ length: 450_000 }, (_, i) => i.toString(36).slice(-2).padStart(2, '0')).join('');
    await f.send(reader.transport, [record(topic, 'a', large)]);
    const refused = f.send(reader.transport, [record(topic, 'a', large + large)]);
    await expect(refused).rejects.toThrow(RecordRefusedError);
    await expect(refused).rejects.toMatchObject({ reason: 'MESSAGE_TOO_LARGE' });
    await f.send(reader.transport, [record(topic, 'a', 'after it')]);
    await eventually(() => expect(reader.values().map((value) => value.length)).toEqual([large.length, 8]));
  });

  it('takes nothing to send as sent', async () => {
    await (await f.connect(f.newTopic())).send([]);
  });

  it('is connected from the first answer until it is closed', async () => {
    const transport = f.setup.open('client');
    expect(transport.connected).toBe(false);
    let told = false;
    const waiting = transport.whenConnected().then(() => (told = true));
    const aborted = new AbortController();
    const impatient = transport.whenConnected(aborted.signal);
    aborted.abort();
    await impatient;
    expect(told).toBe(false);
    await transport.connect([f.newTopic()]);
    expect(transport.connected).toBe(true);
    await waiting;
    await transport.whenConnected();
    await transport.close();
    expect(transport.connected).toBe(false);
  });

  it('lets go of who waits for a connection when it is closed', async () => {
    const transport = f.setup.open('client');
    const waiting = transport.whenConnected();
    await transport.close();
    await waiting;
    await transport.whenConnected();
  });

  it('sends nothing after it was closed, and says that another try may help', async () => {
    const topic = f.newTopic();
    const reader = await f.read(f.newGroup(), [topic]);
    const transport = await f.connect(topic);
    await f.send(transport, [record(topic, 'a', 'before')]);
    await transport.close();
    const late = transport.send([record(topic, 'a', 'after')]);
    await expect(late).rejects.toThrow();
    await expect(late).rejects.not.toBeInstanceOf(RecordRefusedError);
    await f.send(reader.transport, [record(topic, 'a', 'by another')]);
    await eventually(() => expect(reader.values()).toEqual(['before', 'by another']));
  });
}
