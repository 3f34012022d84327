import { LineProgress, TimedProgress } from './progress.js';
import { ClosedError } from './scope.js';

describe('progress in lines', () => {
  let lines: string[];
  let progress: TimedProgress;
  beforeEach(() => {
    lines = [];
    progress = new TimedProgress(new LineProgress((line) => lines.push(line.replace(/\([\d.]+ s\)/, '(… s)'))));
  });

  it('says what a step is at and what came of it', async () => {
    const work = async (say: (text: string) => void) => {
      say('downloading');
      return 3;
    };
    expect(await progress.step('Kafka', work, (result) => `${result} brokers`)).toBe(3);
    expect(lines).toEqual(['… Kafka: downloading', '✔ Kafka: 3 brokers (… s)']);
    expect(progress.timings).toEqual([{ title: 'Kafka', seconds: expect.any(Number) }]);
  });

  it('tells a failure from a step that was only called off', async () => {
    const failing = (error: Error) => progress.step('Kafka', () => Promise.reject(error)).catch(() => undefined);
    await failing(new Error('no'));
    await failing(new ClosedError());
    expect(lines).toEqual(['✖ Kafka (… s)', '– Kafka: called off (… s)']);
  });
});
